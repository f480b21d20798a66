#!/usr/bin/env python3
"""nix-store --realise --repair, --repair-path and --verify --repair, where what is damaged is built
again: beside Nix 2.8 on copies of the same damaged store; and the verbs of `cinch` that do it."""
import fcntl
import os
import stat
import subprocess
import unittest
from pathlib import Path

from command import CINCH, derivation, main, needs_nix, needs_sandbox
from nix_names import NixNamesTest

RANDOM = "read line < /proc/sys/kernel/random/uuid; "


class RepairTest(NixNamesTest):
    def setUp(self):
        super().setUp()
        # Nix 2.8 looks for objects at the names that they have in the store, so a store whose
        # directory is elsewhere is all damaged to it.
        self.base = self.directory / "nix"
        self.environment |= {"NIX_STORE_DIR": str(self.base / "store"),
                             "NIX_STATE_DIR": str(self.base / "var"),
                             "NIX_LOG_DIR": str(self.base / "log"), "NIX_REMOTE": "local"}
        self.database = self.base / "var/db/db.sqlite"
        self.allow_host_tools()

    # --- stores

    def real(self, path, root=None):
        return Path(path)

    def add(self, name, script, inputs=(), sources=(), env=None, **fields):
        """A derivation; its inputs' outputs are in variables of their names."""
        variables = {"PATH": "/bin:/usr/bin", **(env or {})}
        for one in inputs:
            variables[one["name"]] = one["out"]
        needed = {os.path.basename(one["drv"]): {"outputs": ["out"], "dynamicOutputs": {}}
                  for one in inputs}
        path = self.succeed("derivation", "add", input=derivation(
            name, script, env=variables,
            inputs={"srcs": [os.path.basename(path) for path in sources], "drvs": needed},
            **fields))
        names = list(fields.get("outputs", {"out": {}}))
        outputs = {output: self.succeed("nix-store", "-q", "-b", output, path) for output in names}
        return {"name": name, "drv": path, **outputs}

    def build(self, *wanted):
        self.succeed("nix-store", "-r", *(one["drv"] for one in wanted))

    def chain(self):
        """Three that need each other, of which the last does not refer to the first."""
        tool = self.add("tool", "echo tool > $out")
        library = self.add("library", "mkdir $out; cat $tool > $out/made-with; echo l > $out/so",
                           [tool])
        program = self.add("program", "mkdir -p $out/bin; echo $library > $out/bin/p; "
                           "chmod +x $out/bin/p", [library])
        self.build(program)
        return tool, library, program

    def change(self, path, file="", content=b"changed\n"):
        name = Path(path, file) if file else Path(path)
        name.chmod(0o644)
        name.write_bytes(content)
        name.chmod(0o444)

    def change_byte(self, path, file=""):
        name = Path(path, file) if file else Path(path)
        content = bytearray(name.read_bytes())
        content[len(content) // 2] ^= 1
        mode = stat.S_IMODE(name.stat().st_mode)
        name.chmod(0o644)
        name.write_bytes(content)
        name.chmod(mode)

    def remove(self, path):
        if not Path(path).is_dir() or Path(path).is_symlink():
            return Path(path).unlink()
        self.remove_tree(path)
        return None

    # --- both programs

    def run_nix(self, *words):
        return self.theirs("nix-store", *words, "--option", "sandbox", "false", "--option",
                           "build-users-group", "", "--option", "substituters", "")

    def state(self):
        """What is valid, with what is registered of it and what lies there; and what else does."""
        rows = self.execute("select id, path, hash, narSize, deriver, ultimate, sigs, ca "
                            "from ValidPaths order by path")
        of_id = {row[0]: row[1] for row in rows}
        references = sorted((of_id[a], of_id[b])
                            for a, b in self.execute("select referrer, reference from Refs"))
        objects = {}
        for entry in sorted(os.scandir(self.base / "store"), key=lambda entry: entry.name):
            if entry.name == ".links" or entry.name.endswith(".lock"):
                continue
            objects[entry.name] = self.succeed("hash", "path", entry.path)
            for folder, folders, files in os.walk(entry.path):
                for name in (*folders, *files):
                    status = os.lstat(os.path.join(folder, name))
                    objects[f"{folder}/{name}"] = (status.st_mode, status.st_mtime)
        return [row[1:] for row in rows], references, objects

    def restore(self, copy):
        self.remove_tree(self.base)
        subprocess.run(["cp", "-a", copy, self.base], check=True)

    def both(self, *words):
        """Runs Nix, then Cinch, each on the store as it is; leaves it as Cinch left it. Returns
        (result, state) of each."""
        self.settle()
        copy = self.directory / "copy"
        subprocess.run(["cp", "-a", self.base, copy], check=True)
        theirs = self.run_nix(*words)
        their_state = self.state()
        self.restore(copy)
        ours = self.ours("nix-store", *words)
        self.remove_tree(copy)
        return (theirs, their_state), (ours, self.state())

    def same(self, *words):
        (theirs, their_state), (ours, our_state) = self.both(*words)
        about = f"{words}\nNix: {theirs}\nCinch: {ours}"
        self.assertEqual((theirs.status, theirs.out), (ours.status, ours.out), about)
        for their_part, our_part in zip(their_state, our_state):
            self.assertEqual(their_part, our_part, about)
        return ours

    def assert_whole(self):
        result = self.cinch("store", "verify", "--no-trust")
        self.assertEqual((result.status, result.out), (0, ""), result)


@needs_nix
@needs_sandbox
class BesideNixTest(RepairTest):
    def test_what_is_damaged_is_built_again(self):
        tool, library, program = self.chain()
        damages = {
            "nothing": lambda: None,
            "changed byte": lambda: self.change_byte(program["out"], "bin/p"),
            "gone": lambda: self.remove(program["out"]),
            "emptied": lambda: self.change(program["out"], "bin/p", b""),
            "file for a directory": lambda: (self.remove(program["out"]),
                                             Path(program["out"]).write_text("x")),
            "not executable": lambda: Path(program["out"], "bin/p").chmod(0o444),
            "more": lambda: self.add_file(program["out"]),
            "closure": lambda: self.change_byte(library["out"], "so"),
            "both": lambda: (self.change_byte(library["out"], "so"), self.remove(program["out"])),
            "the one in between": lambda: (self.change_byte(tool["out"]),
                                           self.change_byte(library["out"], "so")),
        }
        for what, damage in damages.items():
            with self.subTest(what):
                damage()
                result = self.same("-r", "--repair", program["drv"])
                self.assertEqual(result.status, 0, result)
                self.assert_whole()
        # What only a build needs is left alone when nothing is built.
        self.change_byte(tool["out"])
        self.assertEqual(self.same("-r", "--repair", program["drv"]).status, 0)
        self.assertEqual(self.same("-r", "--repair", tool["drv"]).status, 0)
        self.assert_whole()

    def add_file(self, path):
        Path(path).chmod(0o755)
        Path(path, "added").write_text("x")
        Path(path).chmod(0o555)

    def test_other_operations_build_again(self):
        tool, library, program = self.chain()
        for words in (["--repair-path", library["out"]], ["--verify", "--check-contents",
                                                          "--repair"]):
            with self.subTest(words):
                self.change_byte(library["out"], "so")
                self.assertEqual(self.same(*words).status, 0)
                self.assert_whole()
        # What is gone and needed is built; what is gone and not needed is forgotten.
        self.remove(library["out"])
        self.same("--verify", "--repair")
        self.assert_whole()
        self.remove(tool["out"])
        self.same("--verify", "--repair")
        self.assert_whole()
        self.assertEqual(self.succeed("nix-store", "--check-validity", "--print-invalid",
                                      tool["out"]), tool["out"])
        self.remove(program["out"])
        self.same("--repair-path", program["out"])
        self.assert_whole()

    def test_outputs(self):
        """Of several outputs, what is whole stays; the others come out of one build."""
        many = self.add("many", "echo $dev > $out; echo dev > $dev; echo doc > $doc",
                        outputs={"out": {}, "dev": {}, "doc": {}})
        self.build(many)
        kept = Path(many["doc"]).stat()
        self.change_byte(many["dev"])
        self.same("-r", "--repair", many["drv"])
        self.assert_whole()
        self.remove(many["out"])
        self.change_byte(many["dev"])
        # Only what is wanted is looked at, and then all.
        self.same("-r", "--repair", many["drv"] + "!doc")
        result = self.same("-r", "--repair", many["drv"] + "!dev")
        self.assertEqual(result.out, many["dev"] + "\n")
        self.assert_whole()
        self.assertEqual(Path(many["doc"]).read_text(), "doc\n")
        self.assertEqual(Path(many["doc"]).stat().st_mtime, kept.st_mtime)

    def test_what_is_not_valid_is_built(self):
        tool, library, program = self.chain()
        self.succeed("store", "delete", program["out"])
        self.same("-r", "--repair", program["drv"])
        self.assert_whole()
        self.succeed("store", "delete", program["out"], library["out"])
        self.change_byte(tool["out"])
        self.same("-r", "--repair", program["drv"])
        self.assert_whole()

    def test_fixed_output(self):
        fixed = self.add("fixed", "echo -n hello > $out", outputs={"out": {
            "method": "flat",
            "hash": "sha256-LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ="}})
        self.build(fixed)
        self.change_byte(fixed["out"])
        self.same("-r", "--repair", fixed["drv"])
        self.assert_whole()

    def test_links(self):
        """A file that several objects share is damaged in all of them, and in `.links`."""
        first = self.add("first", "mkdir $out; echo same > $out/a")
        second = self.add("second", "mkdir $out; echo same > $out/b")
        self.build(first, second)
        self.succeed("store", "optimise")
        self.assertEqual(Path(first["out"], "a").stat().st_nlink, 3)
        self.change_byte(first["out"], "a")
        result = self.ours("nix-store", "-r", "--repair", first["drv"])
        self.assertEqual(result.status, 0, result)
        self.assertEqual(Path(first["out"], "a").read_text(), "same\n")
        self.assertNotEqual(Path(second["out"], "b").read_text(), "same\n")
        self.succeed("store", "optimise")
        self.assertEqual(Path(first["out"], "a").read_text(), "same\n")
        result = self.ours("nix-store", "-r", "--repair", first["drv"], second["drv"])
        self.assertEqual(result.status, 0, result)
        self.assert_whole()

    def test_a_builder_that_fails(self):
        flag = self.write("flag", "")
        self.write_config(f"sandbox-paths = /bin /usr /lib /lib64 {flag}\n")
        failing = self.add("failing", f"echo x > $out; read line < {flag}")
        flag.write_text("go on\n")
        self.build(failing)
        flag.write_text("")
        self.change_byte(failing["out"])
        (theirs, _), (ours, _) = self.both("-r", "--repair", failing["drv"])
        self.assertEqual((ours.status, ours.out), (theirs.status, theirs.out))
        # Nix has removed it by then.
        self.assertTrue(os.path.exists(failing["out"]))
        (theirs, _), (ours, _) = self.both("--repair-path", failing["out"])
        self.assertEqual((theirs.status, ours.status), (0, 1), (theirs, ours))

    def test_permissions(self):
        _, _, program = self.chain()
        file = Path(program["out"], "bin/p")
        inode = file.stat().st_ino
        file.chmod(0o777)
        self.assertEqual(self.ours("nix-store", "-r", "--repair", program["drv"]).status, 0)
        self.assertEqual((file.stat().st_ino, stat.S_IMODE(file.stat().st_mode)), (inode, 0o555))

    def test_what_comes_out_otherwise(self):
        """The new hash is registered, and what was signed is so no more."""
        chance = self.add("chance", RANDOM + "echo $line > $out")
        self.build(chance)
        secret = self.succeed("key", "generate-secret", "--key-name", "k-1")
        self.succeed("store", "sign", "-k", self.write("secret", secret), chance["out"])
        before = self.hash_of(chance)
        self.change_byte(chance["out"])
        (theirs, _), (ours, _) = self.both("-r", "--repair", chance["drv"])
        self.assertEqual((ours.status, ours.out), (theirs.status, theirs.out))
        self.assertIn("another hash", ours.err)
        self.assert_whole()
        self.assertNotEqual(self.hash_of(chance), before)
        self.assertEqual(self.execute("select sigs, ultimate from ValidPaths where path = ?",
                                      chance["out"]), [(None, 1)])

    def test_signatures_of_what_is_the_same_stay(self):
        _, _, program = self.chain()
        secret = self.succeed("key", "generate-secret", "--key-name", "k-1")
        self.succeed("store", "sign", "-k", self.write("secret", secret), program["out"])
        info = self.succeed("path-info", "--json", program["out"])
        self.assertIn("k-1:", info)
        self.change_byte(program["out"], "bin/p")
        self.succeed("nix-store", "-r", "--repair", program["drv"])
        self.assertEqual(self.succeed("path-info", "--json", program["out"]), info)

    def hash_of(self, one):
        return self.execute("select hash from ValidPaths where path = ?", one["out"])


@needs_sandbox
class HostileTest(RepairTest):
    def refused(self, status, *words):
        before = self.state()
        result = self.ours("nix-store", *words)
        self.assertEqual((result.status, result.out), (status, ""), result)
        self.assertEqual(self.state(), before)
        self.assertEqual([name for name in os.listdir(self.base / "store")
                          if name.endswith(".lock") or "staging" in name], [])
        return result.err

    def test_a_builder_that_fails(self):
        flag = self.write("flag", "")
        self.write_config(f"sandbox-paths = /bin /usr /lib /lib64 {flag}\n")
        failing = self.add("failing", f"echo x > $out; read line < {flag}")
        flag.write_text("go on\n")
        self.build(failing)
        flag.write_text("")
        self.change_byte(failing["out"])
        error = self.refused(100, "-r", "--repair", failing["drv"])
        self.assertIn("is damaged", error)
        self.assertIn("failed with exit code 1", error)
        self.refused(1, "--repair-path", failing["out"])

    def test_sources(self):
        """Nobody can build a source again, and nothing is built with a damaged one."""
        source = self.succeed("store", "add-path", self.write("source", "text"))
        user = self.add("user", "cat $source > $out; echo $source >> $out", sources=[source],
                        env={"source": source})
        self.build(user)
        self.change_byte(source)
        error = self.refused(1, "-r", "--repair", user["drv"])
        self.assertIn(f"path '{source}' is damaged, and no valid derivation", error)
        self.change_byte(user["out"])
        error = self.refused(1, "-r", "--repair", user["drv"])
        self.assertIn(f"the input '{source}' is damaged, and nothing is built with it", error)
        self.refused(1, "--repair-path", user["out"])
        error = self.refused(1, "--repair-path", source)
        self.assertIn("no valid derivation is known that makes it", error)
        self.change_byte(source)
        self.succeed("nix-store", "--repair-path", user["out"])
        self.assert_whole()

    def test_plain_paths(self):
        _, library, program = self.chain()
        for path in (program["out"], library["out"], library["drv"]):
            self.assertEqual(self.succeed("build", "--repair", "--no-link", "--print-out-paths",
                                          path), path)
        self.change_byte(program["out"], "bin/p")
        self.succeed("nix-store", "-r", "--repair", program["out"])
        self.assert_whole()
        absent = f"{self.base}/store/{'0' * 32}-absent"
        self.assertIn("is not valid", self.refused(1, "-r", "--repair", absent))

    def test_a_damaged_derivation(self):
        _, library, program = self.chain()
        self.change_byte(library["drv"])
        self.change_byte(library["out"], "so")
        error = self.refused(100, "-r", "--repair", program["drv"])
        self.assertIn(f"the derivation '{library['drv']}' is damaged itself", error)
        self.assertIn(f"'{program['drv']}' cannot be repaired", error)

    def test_no_deriver(self):
        _, library, program = self.chain()
        self.succeed("store", "delete", program["drv"], library["drv"])
        self.change_byte(library["out"], "so")
        error = self.refused(1, "--repair-path", library["out"])
        self.assertIn("no valid derivation is known that makes it", error)
        error = self.fail_with(1, "store", "repair", library["out"])
        self.assertIn("hint: name one that has it: --from STORE-URL", error)

    def test_failures_do_not_keep_others(self):
        source = self.succeed("store", "add-path", self.write("source", "text"))
        good = self.add("good", "echo good > $out")
        bad = self.add("bad", "cat $source > $out", sources=[source], env={"source": source})
        self.build(good, bad)
        for path in (source, good["out"], bad["out"]):
            self.change_byte(path)
        error = self.refused(1, "-r", "--repair", bad["drv"], good["drv"])
        self.assertIn(f"'{good['drv']}^*' was not looked at, as something else failed before",
                      error)
        result = self.ours("nix-store", "-r", "--repair", "--keep-going", bad["drv"], good["drv"])
        self.assertEqual(result.status, 1, result)
        self.assertEqual(Path(good["out"]).read_text(), "good\n")
        self.change_byte(good["out"])
        result = self.ours("nix-store", "--verify", "--check-contents", "--repair")
        self.assertEqual(result.status, 1, result)
        self.assertEqual(Path(good["out"]).read_text(), "good\n")

    def test_read_only(self):
        _, _, program = self.chain()
        self.change_byte(program["out"], "bin/p")
        error = self.refused(1, "-r", "--repair", program["drv"], "--store",
                             "local?read-only=true")
        self.assertIn("was opened read-only", error)

    def test_locks(self):
        """Who builds the path has it; who repairs it waits."""
        _, _, program = self.chain()
        self.change_byte(program["out"], "bin/p")
        held = os.open(program["out"] + ".lock", os.O_RDWR | os.O_CREAT, 0o600)
        fcntl.flock(held, fcntl.LOCK_EX)
        process = subprocess.Popen(
            [self.names / "nix-store", "-r", "--repair", program["drv"]], cwd=self.directory,
            env=self.environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        for line in process.stderr:
            if b"waiting for the lock" in line:
                break
        else:
            self.fail("did not wait")
        os.unlink(program["out"] + ".lock")
        os.write(held, b"d")
        os.close(held)
        out, err = process.communicate(timeout=60)
        self.assertEqual((process.returncode, out.decode()), (0, program["out"] + "\n"), err)
        self.assert_whole()


@needs_nix
@needs_sandbox
class DaemonTest(RepairTest):
    def start(self, *arguments):
        socket = self.directory / "socket"
        process = subprocess.Popen([CINCH, "daemon", "--socket", socket, *arguments],
                                   stderr=subprocess.PIPE, cwd=self.directory,
                                   env={**self.environment, "NIX_REMOTE": ""})
        self.addCleanup(process.wait)
        self.addCleanup(process.stderr.close)
        self.addCleanup(process.terminate)
        self.assertIn("listening on", process.stderr.readline().decode())
        return f"unix://{socket}"

    def test_trusted(self):
        """Nix's client and ours have our daemon repair, in its mode and in its verification."""
        _, library, program = self.chain()
        store = ["--store", self.start("--force-trusted")]
        for run in (self.theirs, self.ours):
            self.change_byte(library["out"], "so")
            result = run("nix-store", "-r", "--repair", program["drv"], *store)
            self.assertEqual((result.status, result.out), (0, program["out"] + "\n"), result)
            self.assertIn(f"building '{library['drv']}'", result.err)
            self.assert_whole()
            self.remove(library["out"])
            self.change_byte(program["out"], "bin/p")
            result = run("nix-store", "--verify", "--check-contents", "--repair", *store)
            self.assertEqual(result.status, 0, result)
            self.assert_whole()

    def test_untrusted(self):
        _, library, program = self.chain()
        self.change_byte(library["out"], "so")
        store = ["--store", self.start("--force-untrusted")]
        for run in (self.theirs, self.ours):
            for words in (["-r", "--repair", program["drv"]],
                          ["--verify", "--check-contents", "--repair"]):
                result = run("nix-store", *words, *store)
                self.assertEqual((result.status, result.out), (1, ""), result)
                self.assertRegex(result.err, "only (a )?trusted user")
        self.assertEqual(self.cinch("store", "verify", "--no-trust").status, 1)


@needs_sandbox
class VerbTest(RepairTest):
    def test_build(self):
        _, library, program = self.chain()
        self.change_byte(library["out"], "so")
        out = self.succeed("build", "--repair", "--print-out-paths", program["drv"] + "^*")
        self.assertEqual(out, program["out"])
        self.assertEqual(os.readlink(self.directory / "result"), program["out"])
        self.assert_whole()
        for flag in ("--rebuild", "--check"):
            result = self.cinch("build", flag, "--no-link", program["drv"] + "^*")
            self.assertEqual(result.status, 0, result)
            self.assertIn(f"building '{program['drv']}'", result.err)
            self.fail_with(1, "build", flag, "--repair", "--no-link", program["drv"] + "^*")
        chance = self.add("chance", RANDOM + "echo $line > $out")
        self.fail_with(1, "build", "--rebuild", "--no-link", chance["drv"] + "^*")
        self.build(chance)
        self.fail_with(104, "build", "--rebuild", "--no-link", chance["drv"] + "^*")
        self.assert_whole()

    def test_store_repair(self):
        _, library, program = self.chain()
        self.change_byte(library["out"], "so")
        self.remove(program["out"])
        result = self.cinch("store", "repair", library["out"], program["out"])
        self.assertEqual(result.status, 0, result)
        self.assertIn(f"path '{program['out']}': the object is gone, although its path is valid "
                      "(solved)", result.err)
        self.assert_whole()
        self.change_byte(library["out"], "so")
        self.succeed("store", "verify", "--no-trust", "--repair")
        self.assert_whole()


if __name__ == "__main__":
    main()
