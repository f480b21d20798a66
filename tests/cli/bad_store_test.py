#!/usr/bin/env python3
"""Stores that are not as they should be. Each has an answer that names the object and what to do
about it; and nothing that is not understood is deleted."""
import base64
import json
import os
import shutil
import subprocess
import unittest

from command import CINCH, TIMEOUT_SECONDS, CommandTest, Result, main, needs_nix

NOBODY = 65534


class BadStoreTest(CommandTest):
    def setUp(self):
        super().setUp()
        self.db = self.root / "nix/var/nix/db"
        self.objects = self.root / "nix/store"
        self.roots = self.root / "nix/var/nix/gcroots"

    def add_file(self, name):
        return self.in_store("store", "add-file", self.write(name, f"text of {name}"))

    def change(self, path, text):
        self.real(path).chmod(0o644)
        self.real(path).write_text(text)
        self.real(path).chmod(0o444)
        os.utime(self.real(path), (1, 1))

    def valid(self):
        return set(self.in_store("path-info", "--all").split())

    def files(self):
        """All that lies in the store directory, and its bytes."""
        found = {}
        for folder, folders, names in os.walk(self.objects):
            for name in folders + names:
                file = os.path.join(folder, name)
                status = os.lstat(file)
                found[file] = (status.st_ino, status.st_mode, status.st_size)
        return found

    def refused(self, *arguments):
        """Every verb says the same, and nothing changes."""
        before = self.files()
        errors = []
        for verb in (["path-info", "--all"], ["store", "gc"], ["store", "verify"],
                     ["store", "add-file", self.write("new", "new")], ["store", "optimise"],
                     *arguments):
            errors.append(self.fail_with(1, *verb, "--store", self.store))
            self.assertRegex(errors[-1], "(?m)^hint: ", verb)
        self.assertEqual(self.files(), before)
        return errors

    # --- a damaged database

    def test_damaged_database(self):
        self.add_file("file")
        self.settle()
        whole = (self.db / "db.sqlite").read_bytes()
        for damaged in (b"x" * len(whole), whole[:4096] + b"x" * 4096 * 3 + whole[4 * 4096:],
                        whole[:6000]):
            for file in self.db.glob("db.sqlite-*"):
                file.unlink()
            (self.db / "db.sqlite").write_bytes(damaged)
            for error in self.refused():
                self.assertIn(str(self.db / "db.sqlite"), error)
                self.assertIn("hint: make it anew with 'cinch store rebuild-database'", error)
            self.assertEqual((self.db / "db.sqlite").read_bytes(), damaged)

    def test_lost_database(self):
        self.add_file("file")
        for file in self.db.glob("db.sqlite*"):
            file.unlink()
        for error in self.refused():
            self.assertIn(str(self.db / "db.sqlite"), error)
            self.assertIn("hint: make it anew with 'cinch store rebuild-database'", error)
        self.assertEqual(list(self.db.glob("db.sqlite*")), [])

    def test_entry_that_makes_no_sense(self):
        path = self.add_file("file")
        self.execute("update ValidPaths set hash = 'sha256:what'")
        error = self.fail_with(1, "path-info", path, "--store", self.store)
        self.assertIn(path, error)
        self.assertIn("hint: make it anew with 'cinch store rebuild-database'", error)
        self.assertEqual(self.in_store("store", "rebuild-database"), "")
        self.assertEqual(self.valid(), {path})

    def test_reference_to_nothing(self):
        path = self.add_file("file")
        self.execute("insert into Refs values (1, 4711)")
        error = self.fail_with(1, "store", "gc", "--store", self.store)
        self.assertIn("id 4711", error)
        self.assertIn("hint: make it anew with 'cinch store rebuild-database'", error)
        self.assertTrue(self.real(path).exists())
        # Contents are looked at all the same.
        text = self.real(path).read_text()
        self.change(path, "else")
        error = self.fail_with(1, "store", "verify", "--no-trust", "--store", self.store)
        self.assertIn("id 4711", error)
        self.assertIn(f"path '{path}': the contents have changed", error)
        self.change(path, text)
        self.in_store("store", "rebuild-database")
        self.assertEqual(self.in_store("store", "gc"), path)

    def test_word_that_is_no_signature(self):
        path = self.add_file("file")
        good = "key:" + base64.b64encode(bytes(64)).decode()
        self.execute("update ValidPaths set sigs = ?", f"a b: {good} x:y")
        info = json.loads(self.in_store("path-info", "--json", path))
        self.assertEqual(info[path]["signatures"], [good])

    # --- an unknown schema

    def test_unknown_schema(self):
        self.add_file("file")
        for schema, hint in (("5", "Nix 2.x, which migrates it"), ("11", "a newer version")):
            (self.db / "schema").write_text(schema)
            for error in self.refused(["store", "rebuild-database"]):
                self.assertIn(f"schema {schema}", error)
                self.assertIn(str(self.db / "schema"), error)
                self.assertRegex(error, f"hint: .*{hint}")
            self.assertEqual((self.db / "schema").read_text(), schema)

    def test_schema_file_without_a_number(self):
        """As a power failure leaves it."""
        self.add_file("file")
        for schema in ("", "x"):
            (self.db / "schema").write_text(schema)
            for error in self.refused():
                self.assertIn(str(self.db / "schema"), error)
                self.assertIn("hint: if the database itself is whole", error)
        self.in_store("store", "rebuild-database")
        self.assertEqual(len(self.valid()), 1)

    # --- foreign files in the store

    def test_foreign_files(self):
        path = self.add_file("file")
        (self.objects / "notes.txt").write_text("mine")
        (self.objects / "folder").mkdir()
        (self.objects / "folder/inside").write_text("mine")
        os.mkfifo(self.objects / "pipe")
        (self.objects / "link").symlink_to("/etc")
        foreign = {"notes.txt", "folder", "pipe", "link"}
        before = {name: seen for name, seen in self.files().items() if path not in name}
        for verb in (["store", "verify", "--no-trust"], ["store", "gc"],
                     ["store", "optimise"], ["store", "rebuild-database"]):
            result = self.cinch(*verb, "--store", self.store)
            self.assertEqual(result.status, 0, result)
            if verb[1] == "optimise":
                continue
            for name in foreign:
                self.assertRegex(result.err, f"warning: '/nix/store/{name}' is .*left alone")
        after = self.files()
        for file in before.keys() - {str(self.objects / ".links")}:
            self.assertEqual(after[file], before[file])
        error = self.fail_with(1, "store", "delete", "/nix/store/notes.txt", "--store", self.store)
        self.assertIn("notes.txt", error)
        self.assertTrue((self.objects / "notes.txt").exists())

    def test_foreign_files_in_an_object(self):
        """A socket in an object is nobody's object; a tree with one is refused."""
        self.write("tree/a", "a")
        os.mkfifo(self.directory / "tree/pipe")
        error = self.fail_with(1, "store", "add-path", self.directory / "tree", "--store",
                               self.store)
        self.assertIn(str(self.directory / "tree/pipe"), error)
        self.assertEqual(self.valid(), set())
        self.assertEqual([one for one in os.listdir(self.objects) if one != ".links"], [])

    # --- dangling roots

    def test_dangling_roots(self):
        alive, dead = self.add_file("alive"), self.add_file("dead")
        gone = "/nix/store/" + "0" * 32 + "-gone"
        for name, target in {"kept": alive, "gone": gone, "nowhere": "/no/where", "loop": "loop",
                             "elsewhere": str(self.directory)}.items():
            (self.roots / name).symlink_to(target)
        (self.directory / "result").symlink_to(dead)
        self.in_store("store", "add-root", self.directory / "other", dead)
        (self.directory / "other").unlink()
        result = self.cinch("store", "roots", "--store", self.store)
        self.assertEqual(result.out, f"{self.roots}/kept -> {alive}\n", result)
        for name, target in {"gone": gone, "nowhere": "/no/where", "loop": "loop"}.items():
            self.assertRegex(result.err, f"warning: the root '{self.roots}/{name}' keeps nothing "
                             f"alive: '{target}' is no valid path; remove the link")
        self.assertEqual(self.in_store("store", "roots", "--stale"), str(self.directory / "other"))
        self.assertEqual(self.in_store("store", "gc"), dead)
        self.assertEqual(self.valid(), {alive})
        # The collector forgets its own entry of a link that is gone, and no link of anybody else.
        self.assertEqual(self.in_store("store", "roots", "--stale"), "")
        self.assertEqual(sorted(os.listdir(self.roots)),
                         ["auto", "elsewhere", "gone", "kept", "loop", "nowhere", "profiles"])
        self.assertTrue((self.directory / "result").is_symlink())

    # --- cycles

    def make_cycle(self):
        one, two = self.add_file("one"), self.add_file("two")
        self.execute("insert into Refs select a.id, b.id from ValidPaths a, ValidPaths b "
                     "where a.id <> b.id")
        return one, two

    def test_cycle(self):
        one, two = self.make_cycle()
        other = self.add_file("other")
        base_names = [os.path.basename(path) for path in (one, two)]
        error = self.fail_with(1, "store", "verify", "--no-trust", "--store", self.store)
        for name in base_names:
            self.assertIn(name, error)
        self.assertIn("form a cycle", error)
        self.assertIn("'cinch store delete' deletes them together", error)
        for verb in (["copy", one, "--to", f"local?root={self.directory}/to", "--from",
                      self.store], ["store", "export", "-r", one, "--store", self.store]):
            error = self.fail_with(1, *verb)
            self.assertRegex(error, "|".join(base_names))
            self.assertIn("hint: 'cinch store verify' lists such paths", error)
        # The rest is collected, and the cycle is named.
        result = self.cinch("store", "gc", "--store", self.store)
        self.assertEqual((result.status, result.out), (0, other + "\n"), result)
        for path in (one, two):
            self.assertIn(f"warning: '{path}' refers to itself through others", result.err)
            self.assertTrue(self.real(path).exists())
        error = self.fail_with(1, "store", "delete", one, "--store", self.store)
        self.assertIn(f"is needed by '{two}'", error)
        self.assertEqual(set(self.in_store("store", "delete", one, two).split()), {one, two})
        self.assertEqual(self.valid(), set())
        self.in_store("store", "verify")

    def test_cycle_that_is_alive(self):
        one, two = self.make_cycle()
        (self.roots / "kept").symlink_to(one)
        self.assertEqual(self.in_store("store", "gc"), "")
        error = self.fail_with(1, "store", "delete", one, two, "--store", self.store)
        self.assertIn("is still alive", error)
        self.assertIn("hint: 'cinch store roots --why'", error)

    def test_cycle_that_is_to_be_added(self):
        ends = [f"/nix/store/{digit * 32}-end" for digit in "01"]
        lines = "".join(f"{path}\n\n1\n{ends[1 - at]}\n" for at, path in enumerate(ends))
        for path in ends:
            (self.objects / os.path.basename(path)).parent.mkdir(parents=True, exist_ok=True)
            (self.objects / os.path.basename(path)).write_text("object")
        program = self.directory / "nix-store"
        program.symlink_to(CINCH)
        result = Result(subprocess.run([program, "--register-validity", "--store", self.store],
                                       input=lines.encode(), capture_output=True,
                                       env=self.environment, timeout=TIMEOUT_SECONDS))
        self.assertEqual(result.status, 1, result)
        self.assertIn("form a cycle", result.err)
        self.assertIn("-end", result.err)
        self.assertEqual(self.valid(), set())
        for path in ends:
            self.assertTrue(self.real(path).exists())

    # --- wrong permissions

    def test_wrong_permissions(self):
        self.write("tree/sub/file", "text")
        path = self.in_store("store", "add-path", self.directory / "tree")
        file = self.real(path) / "sub/file"
        for mode in (0o666, 0o4444, 0o644, 0o600):
            file.chmod(mode)
            error = self.fail_with(1, "store", "verify", "--no-trust", "--store", self.store)
            self.assertIn(f"path '{path}': the permissions of '{file}' are {mode:04o}, and should "
                          "be ", error)
            self.assertIn("hint: 'cinch store verify --repair'", error)
            self.in_store("store", "verify", "--no-trust", "--repair")
            self.in_store("store", "verify", "--no-trust")
        self.assertEqual(file.read_text(), "text")

    def test_unreadable_directory(self):
        """Of one's own: it is named, and what is garbage can be collected all the same."""
        self.write("tree/sub/file", "text")
        path = self.in_store("store", "add-path", self.directory / "tree")
        sub = self.real(path) / "sub"
        sub.chmod(0)
        if os.geteuid() != 0:
            self.assertIn(str(sub), self.fail_with(4, "store", "verify", "--no-trust", "--store",
                                                   self.store))
        else:
            self.assertIn(str(sub), self.fail_with(1, "store", "verify", "--no-trust", "--store",
                                                   self.store))
        self.assertEqual(self.in_store("store", "gc"), path)
        self.assertFalse(self.real(path).exists())

    # --- a store directory that is a symlink

    def in_place(self, *arguments, **environment):
        return self.cinch(*arguments, "--store", "local", environment={
            "NIX_STORE_DIR": str(self.directory / "link/store"),
            "NIX_STATE_DIR": str(self.directory / "state"),
            "NIX_LOG_DIR": str(self.directory / "log"), **environment})

    def make_linked_store(self):
        (self.directory / "real/store").mkdir(parents=True)
        (self.directory / "link").symlink_to("real")
        return self.write("file", "text")

    def test_symlinked_store(self):
        file = self.make_linked_store()
        for verb in (["store", "add-file", file], ["store", "gc"], ["path-info", "--all"],
                     ["store", "rebuild-database"]):
            result = self.in_place(*verb)
            self.assertEqual(result.status, 1, result)
            self.assertIn("is a symlink", result.err)
            self.assertIn(str(self.directory / "link"), result.err)
            self.assertRegex(result.err, "(?m)^hint: .*NIX_IGNORE_SYMLINK_STORE=1")
        self.assertEqual(os.listdir(self.directory / "real/store"), [])
        self.assertFalse((self.directory / "state").exists())

    def test_symlinked_store_that_is_allowed(self):
        file = self.make_linked_store()
        result = self.in_place("store", "add-file", file, NIX_IGNORE_SYMLINK_STORE="1")
        self.assertEqual(result.status, 0, result)
        path = result.out.strip()
        self.assertTrue(path.startswith(str(self.directory / "link/store/")))
        self.write_config("allow-symlinked-store = true\n")
        for verb in (["store", "verify", "--no-trust"], ["path-info", path]):
            self.assertEqual(self.in_place(*verb).status, 0)
        self.assertEqual(self.in_place("store", "gc").out.strip(), path)

    @needs_nix
    def test_symlinked_store_as_nix(self):
        file = self.make_linked_store()
        places = {"NIX_STORE_DIR": str(self.directory / "link/store"),
                  "NIX_STATE_DIR": str(self.directory / "state"),
                  "NIX_LOG_DIR": str(self.directory / "log"),
                  "NIX_CONFIG": "build-users-group ="}
        refused = self.nix_result("--add", file, program="nix-store", environment=places)
        self.assertEqual(refused.status, 1, refused)
        allowed = {"NIX_IGNORE_SYMLINK_STORE": "1"}
        added = self.nix_result("--add", file, program="nix-store",
                                environment={**places, **allowed})
        self.assertEqual(added.status, 0, added)
        result = self.in_place("store", "add", file, **allowed)
        self.assertEqual(result.out, added.out)

    # --- a store that is somebody else's

    def as_nobody(self, *arguments, store=None):
        process = subprocess.run(
            ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", CINCH,
             *map(str, arguments), "--store", store or self.store], capture_output=True,
            env={**self.environment, "HOME": "/nonexistent"}, cwd="/", timeout=TIMEOUT_SECONDS)
        return Result(process)

    def let_others_in(self):
        if os.geteuid() != 0 or shutil.which("setpriv") is None:
            self.skipTest("needs root, and setpriv, to be somebody else")
        if not os.access(os.path.dirname(CINCH), os.X_OK):
            self.skipTest("others cannot reach the program")
        self.directory.chmod(0o755)
        if self.as_nobody("--version").status != 0:
            self.skipTest("others cannot run the program")

    def test_owned_by_somebody_else(self):
        path = self.add_file("file")
        self.let_others_in()
        before = self.files()
        for verb in (["store", "add-file", "/etc/hostname"], ["store", "gc"],
                     ["store", "delete", path], ["store", "optimise"], ["path-info", "--all"],
                     ["store", "rebuild-database"]):
            result = self.as_nobody(*verb)
            self.assertEqual(result.status, 1, result)
            self.assertIn("Permission denied", result.err)
            self.assertIn(str(self.db / "big-lock"), result.err)
            self.assertRegex(result.err, "(?m)^hint: it belongs to user 'root': use the store's "
                             "daemon, or a store of your own")
        self.assertEqual(self.files(), before)
        # Whoever only reads may do so.
        result = self.as_nobody("path-info", "--all", store=self.store + "&read-only=true")
        self.assertEqual((result.status, result.out), (0, path + "\n"), result)
        result = self.as_nobody("store", "verify", "--no-trust",
                                store=self.store + "&read-only=true")
        self.assertEqual(result.status, 0, result)

    def test_database_owned_by_somebody_else(self):
        """All but one file may be written."""
        self.add_file("file")
        self.let_others_in()
        for folder, _, names in os.walk(self.root):
            for name in [folder, *(os.path.join(folder, name) for name in names)]:
                os.lchown(name, NOBODY, NOBODY)
        os.chown(self.db / "db.sqlite", 0, 0)
        result = self.as_nobody("store", "gc")
        self.assertEqual(result.status, 1, result)
        self.assertIn(str(self.db / "db.sqlite"), result.err)
        self.assertIn("hint: it belongs to user 'root'", result.err)

    def test_missing_right_to_the_store_directory(self):
        self.add_file("file")
        self.let_others_in()
        self.objects.chmod(0o700)
        result = self.as_nobody("path-info", "--all", store=self.store + "&read-only=true")
        self.assertEqual(result.status, 1, result)
        self.assertIn(f"'{self.objects}': cannot open directory: Permission denied", result.err)
        self.assertIn("hint: it belongs to user 'root'", result.err)

    def test_object_owned_by_somebody_else(self):
        """Owners do no harm to content, so they are no problem; root may collect them."""
        path = self.add_file("file")
        if os.geteuid() != 0:
            self.skipTest("needs root to give files away")
        os.chown(self.real(path), NOBODY, NOBODY)
        self.in_store("store", "verify", "--no-trust")
        self.assertEqual(self.in_store("store", "gc"), path)


if __name__ == "__main__":
    main()
