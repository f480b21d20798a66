#!/usr/bin/env python3
"""store verify, store repair, store optimise; and the same stores under Nix 2.8."""
import os
import random
import re
import shutil
import stat
import unittest

from command import CommandTest, main, needs_nix


class KeepTest(CommandTest):
    def add_tree(self, name, files):
        for file, text in files.items():
            self.write(f"{name}/{file}", text)
        return self.in_store("store", "add-path", self.directory / name)

    def damage(self, path, file, text, root=None):
        name = self.real(path, root) / file
        name.chmod(0o644)
        name.write_text(text)
        name.chmod(0o444)

    def copy_store(self, name):
        """The same store once more, its links kept."""
        copy = self.directory / name
        shutil.copytree(self.root, copy, symlinks=True,
                        ignore=shutil.ignore_patterns("gc-socket"))
        return copy

    def test_repair(self):
        path = self.add_tree("one", {"a": "hello", "b/c": "more"})
        other = f"local?root={self.copy_store('other')}"
        self.damage(path, "a", "HELLO")
        error = self.fail_with(1, "store", "repair", path, "--store", self.store)
        self.assertIn("hint: name one that has it: --from STORE-URL", error)
        self.in_store("store", "repair", path, "--from", other)
        self.assertEqual((self.real(path) / "a").read_text(), "hello")
        result = self.cinch("store", "repair", path, "--store", self.store)
        self.assertEqual((result.status, result.err), (0, "1 of 1 paths were intact\n"))
        shutil.rmtree(self.real(path), onerror=self.make_removable)
        self.fail_with(1, "store", "verify", "--store", self.store)
        result = self.cinch("store", "verify", "--repair", "--from", other, "--store", self.store)
        self.assertEqual(result.status, 0, result)
        self.assertIn("the object is gone, although its path is valid (solved)", result.err)
        self.assertEqual(self.in_store("store", "verify"), "")
        # What lies in the other store is not what is registered here.
        self.damage(path, "a", "HELLO")
        self.damage(path, "a", "LIES!", self.directory / "other")
        error = self.fail_with(1, "store", "repair", path, "--from", other, "--store", self.store)
        self.assertIn("it could not be repaired", error)
        self.assertEqual((self.real(path) / "a").read_text(), "HELLO")

    @staticmethod
    def make_removable(function, name, _):
        os.chmod(os.path.dirname(name), 0o755)
        os.chmod(name, 0o755)
        function(name)

    def test_permissions(self):
        path = self.add_tree("one", {"a": "hello"})
        (self.real(path) / "a").chmod(0o666)
        error = self.fail_with(1, "store", "verify", "--store", self.store)
        self.assertIn(f"the permissions of '{self.real(path)}/a' are 0666, and should be 0444",
                      error)
        self.in_store("store", "verify", "--repair")
        self.assertEqual(stat.S_IMODE((self.real(path) / "a").lstat().st_mode), 0o444)

    def test_forgets(self):
        path = self.add_tree("one", {"a": "hello"})
        shutil.rmtree(self.real(path), onerror=self.make_removable)
        self.fail_with(1, "store", "verify", "--no-contents", "--store", self.store)
        self.assertEqual(self.in_store("path-info", "--all"), path)
        self.in_store("store", "verify", "--forget-gone", "--no-contents")
        self.assertEqual(self.in_store("path-info", "--all"), "")

    def test_passes_over_what_was_verified(self):
        path = self.add_tree("one", {"a": "hello"})
        self.in_store("store", "verify")
        self.damage(path, "a", "HELLO")
        self.assertEqual(self.in_store("store", "verify", "--older-than", "1h"), "")
        self.fail_with(1, "store", "verify", "--older-than", "0s", "--store", self.store)
        self.fail_with(1, "store", "verify", "--store", self.store)
        # Losing what is known about it is no loss.
        for file in (self.root / "nix/var/nix/db").glob("cinch.sqlite*"):
            file.unlink()
        self.fail_with(1, "store", "verify", "--older-than", "1h", "--store", self.store)

    def test_bad_arguments(self):
        for arguments in (["--older-than", "1y"], ["--older-than", "d"], ["--rate-limit", "fast"],
                          ["--from", "local"], ["--sigs-needed", "-1"]):
            self.fail_with(1, "store", "verify", *arguments, "--store", self.store)
        self.fail_with(1, "store", "repair", "--store", self.store)

    def test_optimise(self):
        self.add_tree("one", {"a": "hello", "b": "hello"})
        result = self.cinch("store", "optimise", "--store", self.store)
        self.assertEqual((result.status, result.err),
                         (0, "5 bytes freed by hard-linking 1 files\n"))
        self.add_tree("two", {"a": "hello", "c": "other"})
        self.in_store("store", "optimise", "--option", "auto-optimise-store", "true")
        path = self.in_store("store", "add-file", self.write("same", "hello"), "--option",
                             "auto-optimise-store", "true")
        self.assertEqual(self.real(path).lstat().st_nlink, 5)

    # --- beside Nix

    def nix_store(self, *arguments, root=None):
        result = self.nix_result(*arguments, "--store", f"local?root={root or self.root}",
                                 program="nix-store",
                                 environment={"NIX_CONFIG": "build-users-group ="})
        self.assertEqual(result.status, 0, result)
        return result.err

    def fill(self, chosen):
        """Trees of a few contents, some files executable, some empty, some links."""
        for number in range(12):
            for file in range(chosen.randrange(1, 9)):
                name = f"tree-{number}/{chosen.choice(['', 'in/', 'in/side/'])}f{file}"
                if chosen.random() < 0.2:
                    link = self.directory / name
                    link.parent.mkdir(parents=True, exist_ok=True)
                    link.symlink_to(f"target-{chosen.randrange(3)}")
                else:
                    content = "x" * chosen.choice([0, 1, 100, 70_000]) + str(chosen.randrange(3))
                    self.write(name, content if chosen.random() < 0.9 else "",
                               executable=chosen.random() < 0.3)
            self.in_store("store", "add-path", self.directory / f"tree-{number}")

    def links_of(self, root):
        """What each name in .links is a link of: sets of names in the store."""
        names = {}
        store = root / "nix/store"
        for folder, folders, files in os.walk(store):
            for name in files + [f for f in folders if os.path.islink(os.path.join(folder, f))]:
                full = os.path.join(folder, name)
                names.setdefault(os.lstat(full).st_ino, set()).add(os.path.relpath(full, store))
        return sorted(map(sorted, names.values()))

    @needs_nix
    def test_same_links_as_nix(self):
        seed = random.randrange(1 << 32)
        print(f"seed {seed}", flush=True)
        self.fill(random.Random(seed))
        copy = self.copy_store("copy")
        ours = self.cinch("store", "optimise", "--store", self.store)
        theirs = self.nix_store("--optimise", root=copy)
        files = re.compile(r"hard-linking (\d+) files")
        self.assertEqual(files.search(ours.err).group(1), files.search(theirs).group(1))
        self.assertEqual(self.links_of(self.root), self.links_of(copy))
        # Each is content with the other's work, and has nothing left to do.
        self.nix_store("--verify", "--check-contents")
        self.assertIn("hard-linking 0 files", self.nix_store("--optimise"))
        for root in (self.root, copy):
            store = f"local?root={root}"
            self.succeed("store", "verify", "--store", store)
            result = self.cinch("store", "optimise", "--store", store)
            self.assertEqual(result.err, "0 bytes freed by hard-linking 0 files\n")

    @needs_nix
    def test_nix_accepts_what_was_repaired(self):
        path = self.add_tree("one", {"a": "hello", "b": "hello"})
        other = f"local?root={self.copy_store('other')}"
        self.in_store("store", "optimise")
        self.damage(path, "a", "HELLO")
        result = self.nix_result("--verify", "--check-contents", "--store", self.store,
                                 program="nix-store")
        self.assertEqual(result.status, 1, result)
        self.in_store("store", "verify", "--repair", "--from", other)
        self.nix_store("--verify", "--check-contents")


if __name__ == "__main__":
    main()
