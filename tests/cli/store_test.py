#!/usr/bin/env python3
"""store and path-info on a store of their own; Nix 2.8 reads the same store and says the same."""
import json
import os
import signal
import subprocess
import time
import unittest

from command import CINCH, TIMEOUT_SECONDS, CommandTest, main, needs_nix


class StoreTest(CommandTest):
    def add_tree(self):
        self.make_tree()
        return self.in_store("store", "add", "tree")

    @needs_nix
    def test_same_paths_as_nix(self):
        self.make_tree()
        elsewhere = ["--store", f"local?root={self.directory}/nix-root"]
        for ours, theirs in [
            (["store", "add", "tree"], ["store", "add-path", "tree"]),
            (["store", "add-path", "tree", "--name", "x"],
             ["store", "add-path", "tree", "--name", "x"]),
            (["store", "add", "--mode", "flat", "tree/a"], ["store", "add-file", "tree/a"]),
            (["store", "add-file", "tree/a", "-n", "y"],
             ["store", "add-file", "tree/a", "-n", "y"]),
            (["store", "add", "tree/link"], ["store", "add-path", "tree/link"]),
        ]:
            with self.subTest(ours):
                expected = self.nix(*theirs, *elsewhere)
                self.assertEqual(self.in_store(*ours, "--dry-run"), expected)
                self.assertEqual(self.in_store(*ours), expected)

    def compare_json(self, path, *options):
        """Nix 2.8 prints a list, and leaves out what is unknown, false or empty; later ones print
        an object by path."""
        arguments = ["path-info", "--json", *options, "--store", self.store, path]
        ours = json.loads(self.succeed(*arguments))[path]
        self.assertEqual((ours.pop("storeDir"), ours.pop("version")), ("/nix/store", 1))
        theirs = json.loads(self.nix(*arguments))
        theirs = theirs[path] if isinstance(theirs, dict) else theirs[0]
        self.assertEqual(theirs.pop("path", path), path)

        def known(info):
            return {name: value for name, value in info.items() if value or name == "references"}

        self.assertEqual(known(ours), known(theirs))

    @needs_nix
    def test_nix_reads_our_store(self):
        path = self.add_tree()
        self.compare_json(path)
        self.compare_json(path, "-S")
        for options in ([], ["-l"], ["-R"], ["-lR"], ["-d"], ["-ld"]):
            for below in ("", "/sub", "/a"):
                with self.subTest(f"{options} {below}"):
                    arguments = ["store", "ls", *options, "--store", self.store, path + below]
                    self.assertEqual(self.succeed(*arguments), self.nix(*arguments))
        for options in (["--json"], ["--json", "-R"]):
            arguments = ["store", "ls", *options, "--store", self.store, path]
            self.assertEqual(json.loads(self.succeed(*arguments)),
                             json.loads(self.nix(*arguments)))
        for options in ([], ["-s"], ["-S"], ["-sSh"], ["--sigs"], ["-s", "--sigs"]):
            arguments = ["path-info", *options, "--store", self.store, path]
            # Nix 2.8 writes 6.3K where later ones write 6.3 KiB.
            theirs = self.nix(*arguments).replace(" KiB", "K")
            self.assertEqual(self.succeed(*arguments), theirs)
        self.nix("store", "verify", "--no-trust", "--store", self.store, "--all")

    def test_cat_and_dump(self):
        path = self.add_tree()
        self.assertEqual(self.in_store("store", "cat", path + "/a"), "hi")
        self.assertEqual(self.in_store("store", "cat", path + "/sub/deeper/c"), "y" * 5000)
        dumped = self.cinch("store", "dump-path", path, "--store", self.store).bytes
        self.assertEqual(dumped, self.cinch("nar", "pack", "tree").bytes)

    def test_bad_paths(self):
        path = self.add_tree()
        store = ["--store", self.store]
        absent = "/nix/store/00000000000000000000000000000000-absent"
        for verb, argument, words in [
            ("ls", path + "/zz", "does not exist"),
            ("ls", path + "/a/zz", "does not exist"),
            ("cat", path + "/link", "not a regular file"),
            ("cat", path + "/sub", "not a regular file"),
            ("ls", absent, "is not valid"),
            ("cat", absent + "/x", "is not valid"),
            ("dump-path", absent, "not valid"),
            ("ls", "/etc/passwd", "not a path in the store"),
            ("ls", "/nix/store/", "not a path in the store"),
            ("ls", path + "/../../..", "'..'"),
            ("add", "/nonexistent", "/nonexistent"),
            ("add", "/dev/null", "/dev/null"),
        ]:
            with self.subTest(f"{verb} {argument}"):
                self.assertIn(words, self.fail_with(1, "store", verb, argument, *store))
        self.write("bad name", "x")
        self.fail_with(1, "store", "add", "bad name", *store)
        self.fail_with(1, "store", "add", "--mode", "flat", "tree", *store)
        self.fail_with(1, "store", "add", "--mode", "git", "--hash-algo", "md5", "tree", *store)
        self.fail_with(1, "path-info", absent, *store)
        self.assertEqual(json.loads(self.in_store("path-info", "--json", absent)),
                         {absent: None})

    def test_git_trees(self):
        self.write("tree/a", "x")
        self.write("run", "x", executable=True)
        how = ["--mode", "git", "--hash-algo", "sha1"]
        path = self.in_store("store", "add", *how, "tree")
        self.assertEqual(self.in_store("store", "add", *how, "--dry-run", "tree"), path)
        info = json.loads(self.in_store("path-info", "--json", path))[path]
        digest = self.succeed("hash", "path", "--mode", "git", "--algo", "sha1", "--base32", "tree")
        self.assertEqual(info["ca"], "fixed:git:sha1:" + digest)
        # An executable file has the git hash of the plain one, so it has no path of its own.
        self.fail_with(1, "store", "add", *how, "run", "--store", self.store)
        self.fail_with(1, "store", "add", *how, "--dry-run", "run", "--store", self.store)

    def test_links_lead_to_paths(self):
        path = self.add_tree()
        (self.directory / "result").symlink_to(path)
        (self.directory / "second").symlink_to("result")
        for name in ("result", "./second", str(self.directory / "result")):
            self.assertEqual(self.in_store("path-info", name), path)
        self.assertEqual(self.in_store("store", "cat", "second/a"), "hi")

    def test_adding_twice_changes_nothing(self):
        path = self.add_tree()
        before = self.in_store("path-info", "--json", path)
        self.assertEqual(self.in_store("store", "add", "tree"), path)
        self.assertEqual(self.in_store("path-info", "--json", path), before)
        self.assertEqual(self.in_store("path-info", "--all"), path)

    def test_path_info_forms(self):
        path = self.add_tree()
        plain = self.in_store("path-info", "--json", path)
        self.assertEqual(self.in_store("path-info", "--json", "--json-format", "1", path), plain)
        info = json.loads(plain)[path]
        self.assertIsInstance(info.pop("registrationTime"), int)
        self.assertEqual(info, {
            "ca": "fixed:r:sha256:" + self.succeed("hash", "path", "--base32", "tree"),
            "deriver": None, "narHash": self.succeed("hash", "path", "tree"),
            "narSize": len(self.cinch("nar", "pack", "tree").bytes), "references": [],
            "signatures": [], "storeDir": "/nix/store", "ultimate": False, "version": 1})
        for version in (2, 3):
            text = self.in_store("path-info", "--json", "--json-format", str(version), path)
            whole = json.loads(text)
            self.assertEqual((whole["version"], whole["storeDir"]), (version, "/nix/store"))
            base_name = path.removeprefix("/nix/store/")
            self.assertEqual(list(whole["info"]), [base_name])
            newer = whole["info"][base_name]
            self.assertEqual(newer["ca"], {"method": "nar", "hash": info["narHash"]})
            self.assertEqual(newer["version"], version)
        self.fail_with(1, "path-info", "--json", "--json-format", "9", path, "--store", self.store)

    def test_verify_finds_damage(self):
        path = self.add_tree()
        store = ["--store", self.store]
        self.assertEqual(self.in_store("store", "verify", "--all"), "")
        self.assertEqual(self.in_store("store", "verify", path, "-r"), "")
        text = self.fail_with(2, "store", "verify", path, "--sigs-needed", "1", *store)
        self.assertIn("untrusted", text)
        file = self.real(path) / "a"
        file.chmod(0o644)
        file.write_text("ho\n")
        self.assertIn(path, self.fail_with(1, "store", "verify", path, *store))
        self.assertEqual(self.in_store("store", "verify", "--no-contents", path), "")
        text = self.fail_with(3, "store", "verify", path, "-n", "1", *store)
        absent = "/nix/store/00000000000000000000000000000000-absent"
        self.fail_with(4, "store", "verify", absent, *store)

    def test_interrupted_add_leaves_nothing(self):
        for number in range(4):
            self.write(f"large/{number}", os.urandom(1 << 20) * 64)
        self.in_store("store", "info")
        before = sorted(os.listdir(self.root / "nix/store"))
        process = subprocess.Popen([CINCH, "store", "add", "large", "--store", self.store],
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                   cwd=self.directory, env=self.environment)
        time.sleep(0.1)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=TIMEOUT_SECONDS)
        if process.returncode == 0:
            self.skipTest("this machine adds faster than it can be interrupted")
        # Before it looks after signals itself, they simply end it.
        self.assertIn(process.returncode, (130, -signal.SIGINT), err)
        self.assertEqual(out, b"")
        self.assertEqual(self.in_store("path-info", "--all"), "")
        self.assertEqual(sorted(os.listdir(self.root / "nix/store")), before)

    def journals(self):
        """The journal mode that each database is in, as its header says."""
        folder = self.root / "nix/var/nix/db"
        modes = {1: "rollback", 2: "wal"}
        return {file.name: modes[file.read_bytes()[18]] for file in folder.glob("*.sqlite")}

    @needs_nix
    def test_without_wal(self):
        """Some file systems have no shared memory. Nix works on the same store then, in turns."""
        self.write_config("use-sqlite-wal = false\n")
        path = self.add_tree()
        self.assertEqual(self.journals(), {"db.sqlite": "rollback", "cinch.sqlite": "rollback"})
        self.assertFalse(list((self.root / "nix/var/nix/db").glob("*-wal")))
        self.write("other", "other")
        theirs = self.nix_result("--option", "use-sqlite-wal", "false", "--store", self.store,
                                 "--add", "other", program="nix-store")
        self.assertEqual(theirs.status, 0, theirs)
        other = theirs.out.strip()
        self.assertEqual(set(self.in_store("path-info", "--all").split()), {path, other})
        self.assertEqual(self.in_store("store", "verify", "--all", "--no-trust"), "")
        self.assertEqual(self.in_store("store", "gc").split(), sorted([path, other]))
        self.assertEqual(self.journals(), {"db.sqlite": "rollback", "cinch.sqlite": "rollback"})
        # The same store, once it lies on a better file system.
        self.write_config("")
        self.assertEqual(self.in_store("store", "add", "tree"), path)
        self.assertEqual(self.journals(), {"db.sqlite": "wal", "cinch.sqlite": "wal"})
        theirs = self.nix_result("--check-validity", path, "--store", self.store,
                                 program="nix-store")
        self.assertEqual(theirs.status, 0, theirs)

    def test_info(self):
        self.assertIn("Store URL: local", self.in_store("store", "info"))
        self.assertIn("Store URL: local", self.in_store("store", "ping"))
        value = json.loads(self.in_store("store", "info", "--json"))
        self.assertTrue(value["url"].startswith("local"))
        self.fail_with(1, "store", "info", "--store", "unix:///nonexistent/socket")
        self.fail_with(1, "store", "info", "--store", "gopher://x")


if __name__ == "__main__":
    main()
