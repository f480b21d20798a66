#!/usr/bin/env python3
"""store export, store import, beside Nix 2.8's nix-store --export and --import."""
import os
import random

from command import CommandTest, main, needs_nix
from objects import archive, number, random_objects, random_path, seeded


class ExportTest(CommandTest):
    def import_objects(self, objects):
        return self.in_store("store", "import", input=archive(objects)).split()

    def export(self, *arguments, store=None):
        result = self.cinch("store", "export", *arguments, "--store", store or self.store)
        self.assertEqual(result.status, 0, result)
        return result.bytes

    def test_round_trip(self):
        objects = random_objects(seeded(self.id()), 12)
        paths = [item[0] for item in objects]
        self.assertEqual(self.import_objects(objects), paths)
        self.assertEqual(self.in_store("store", "verify", "--no-trust", "--all"), "")
        whole = self.export(*paths)
        other = f"local?root={self.directory}/other"
        file = self.write("whole.export", whole)
        imported = self.succeed("store", "import", file, "--store", other).split()
        self.assertEqual(sorted(imported), sorted(paths))
        self.assertEqual(self.export(*paths, store=other), whole)
        # Once more changes nothing.
        self.succeed("store", "import", file, "--store", other)
        top = paths[-1]
        closure = self.in_store("path-info", "-r", top).split()
        self.assertEqual(self.export("-r", top), self.export(*closure))
        names = set(os.listdir(self.directory / "other/nix/store"))
        self.assertEqual(names - {".links"}, {os.path.basename(path) for path in paths})

    def test_refusals(self):
        objects = random_objects(random.Random(1), 3)
        text = archive(objects)
        fail = lambda input: self.fail_with(1, "store", "import", "--store", self.store,
                                            input=input)
        self.assertIn("this is no export archive", fail(b"something else"))
        self.assertIn("ends too early", fail(text[:-8]))
        # What came before is there, whole.
        self.assertEqual(len(self.in_store("path-info", "--all").split()), 3)
        stranger = random_path(random.Random(2), "stranger")
        lonely = random_path(random.Random(3), "lonely")
        self.assertIn("which is not valid", fail(archive([(lonely, b"x", {stranger}, "")])))
        self.assertIn("no export archive", fail(number(7)))
        names = os.listdir(self.root / "nix/store")
        self.assertEqual(len([name for name in names if name != ".links"]), 3, names)
        self.fail_with(1, "store", "export", stranger, "--store", self.store)

    def test_modified_object(self):
        objects = random_objects(random.Random(4), 1)
        path, = self.import_objects(objects)
        file = self.root / path[1:] / "size"
        file.chmod(0o644)
        file.write_bytes(b"modified")
        result = self.cinch("store", "export", path, "--store", self.store)
        self.assertEqual(result.status, 1, result)
        self.assertIn("was modified", result.err)

    @needs_nix
    def test_nix_both_ways(self):
        objects = random_objects(seeded(self.id()), 12)
        deriver = random_path(random.Random(5), "x.drv")
        objects = [(path, tree, references, deriver) for path, tree, references, _ in objects]
        paths = [item[0] for item in objects]
        ours = f"local?root={self.directory}/ours"
        theirs = f"local?root={self.directory}/theirs"
        text = archive(objects)
        result = self.nix_result("--import", "--store", theirs, input=text, program="nix-store",
                                 environment={"NIX_CONFIG": "substituters ="})
        self.assertEqual(result.status, 0, result)
        self.assertEqual(self.succeed("store", "import", "--store", ours, input=text), "\n".join(
            result.out.split()))
        self.assertEqual(result.out.split(), paths)
        exported = self.nix_result("--export", *paths, "--store", theirs, program="nix-store")
        self.assertEqual(exported.status, 0, exported)
        self.assertEqual(self.export(*paths, store=ours), exported.bytes)
        # Each reads what the other wrote: a store of Nix exported by us, and taken by Nix again.
        again = f"local?root={self.directory}/again"
        result = self.nix_result("--import", "--store", again, program="nix-store",
                                 input=self.export(*paths, store=theirs))
        self.assertEqual(result.status, 0, result)
        verified = self.nix_result("--verify", "--check-contents", "--store", ours,
                                   program="nix-store")
        self.assertEqual(verified.status, 0, verified)


if __name__ == "__main__":
    main()
