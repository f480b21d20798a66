#!/usr/bin/env python3
"""store gc, store delete, store roots; and the same stores under Nix 2.8's collector."""
import os
import random
import re
import shutil
import subprocess
import unittest
from pathlib import Path

from command import TIMEOUT_SECONDS, CommandTest, derivation, main, needs_nix, needs_sandbox


class GarbageTest(CommandTest):
    def add_text(self, name):
        file = self.write(f"texts/{name}", f"text of {name}\n")
        return self.in_store("store", "add-file", file)

    def root_at(self, name, path):
        """A permanent root, written as a person would."""
        link = self.root / "nix/var/nix/gcroots" / name
        link.symlink_to(path)
        return str(link)

    def valid(self):
        return set(self.in_store("path-info", "--all").split())

    def test_collects(self):
        dead, alive = self.add_text("dead"), self.add_text("alive")
        link = self.root_at("kept", alive)
        self.assertEqual(self.in_store("store", "roots"), f"{link} -> {alive}")
        plan = self.cinch("store", "gc", "--dry-run", "--store", self.store)
        self.assertEqual(plan.out, dead + "\n", plan)
        self.assertRegex(plan.err, r"^1 store paths would be deleted, [0-9.]+K freed, in about "
                                   r"\d+ s\ncounted in 1 files; the time is that of a usual disk")
        self.assertEqual(self.valid(), {dead, alive})
        done = self.cinch("store", "gc", "--store", self.store)
        self.assertEqual(done.out, dead + "\n", done)
        self.assertRegex(done.err, r"^1 store paths deleted, [0-9.]+K freed\n$")
        self.assertEqual(self.valid(), {alive})
        self.assertEqual(self.in_store("store", "gc"), "")

    def test_dry_run_counts_left_overs(self):
        """What is told beforehand is what is freed then."""
        self.add_text("dead")
        left_over = self.root / "nix/store/00000000000000000000000000000000-left-over"
        left_over.mkdir()
        (left_over / "file").write_bytes(b"x" * 100_000)
        Path(f"{left_over}.lock").touch()
        plan = self.cinch("store", "gc", "--dry-run", "--store", self.store)
        told = re.match(r"1 store paths and 2 left-overs would be deleted, ([0-9.]+K) freed, "
                        r"in about \d+ s\ncounted in 4 files; ", plan.err)
        self.assertTrue(told, plan)
        done = self.cinch("store", "gc", "--store", self.store)
        self.assertEqual(done.out, plan.out)
        self.assertEqual(
            done.err, f"1 store paths and 2 left-overs deleted, {told[1]} freed\n", done)
        nothing = self.cinch("store", "gc", "--dry-run", "--store", self.store)
        self.assertEqual(nothing.err, "0 store paths would be deleted, 0 bytes freed\n", nothing)

    def test_reasons(self):
        base = self.add_text("base")
        path = self.in_store("derivation", "add", input=derivation(
            "top", "true", inputs={"srcs": [os.path.basename(base)], "drvs": {}}))
        link = self.root_at("top", path)
        self.assertEqual(self.in_store("store", "roots", "--why", base),
                         f"{link}\n  -> {path}\n    -> {base}")
        other = self.add_text("other")
        self.assertEqual(self.in_store("store", "roots", "--why", other), f"{other} is not alive")
        error = self.fail_with(1, "store", "delete", base, "--store", self.store)
        self.assertIn("is still alive", error)
        self.assertEqual(self.in_store("store", "delete", other), other)
        self.assertEqual(self.valid(), {base, path})

    def needing(self, name, *needed):
        """A derivation that refers to these paths."""
        return self.in_store("derivation", "add", input=derivation(name, "true", inputs={
            "srcs": [os.path.basename(path) for path in needed], "drvs": {}}))

    def delete(self, *arguments):
        return set(self.in_store("store", "delete", *arguments).split())

    def refuse_to_delete(self, *arguments):
        before = self.valid()
        error = self.fail_with(1, "store", "delete", *arguments, "--store", self.store)
        self.assertEqual(self.valid(), before)
        return error

    def test_delete_with_referrers(self):
        base, other = self.add_text("base"), self.add_text("other")
        middle = self.needing("middle", base)
        top = self.needing("top", middle, other)
        self.assertIn(f"needed by '{middle}'", self.refuse_to_delete(base))
        dry = self.delete("--also-referrers", "--dry-run", base)
        self.assertEqual(dry, {base, middle, top})
        self.assertEqual(self.valid(), {base, other, middle, top})
        self.assertEqual(self.delete("--also-referrers", base), {base, middle, top})
        self.assertEqual(self.valid(), {other})

    def test_delete_with_references(self):
        base, other = self.add_text("base"), self.add_text("other")
        middle = self.needing("middle", base)
        top, third = self.needing("top", middle, other), self.needing("third", other)
        self.assertIn(f"needed by '{third}'", self.refuse_to_delete("--recursive", top))
        self.assertEqual(self.delete("-r", "--skip-alive", top), {top, middle, base})
        self.assertEqual(self.valid(), {other, third})
        self.assertEqual(self.delete("-r", third), {other, third})
        self.assertEqual(self.valid(), set())

    def test_delete_passes_over_the_living(self):
        base, dead = self.add_text("base"), self.add_text("dead")
        top = self.needing("top", base)
        self.root_at("top", top)
        for path in (base, top):
            self.assertIn("is still alive", self.refuse_to_delete(path, dead))
        self.assertIn("is still alive", self.refuse_to_delete("--also-referrers", base, dead))
        self.assertEqual(self.delete("--skip-alive", base, top, dead), {dead})
        self.assertEqual(self.delete("--skip-alive", "--also-referrers", base), set())
        self.assertEqual(self.valid(), {base, top})

    def test_delete_in_spite_of_roots(self):
        base, rooted = self.add_text("base"), self.add_text("rooted")
        top = self.needing("top", base)
        self.root_at("rooted", rooted)
        self.root_at("top", top)
        self.assertIn("is still alive", self.refuse_to_delete(rooted))
        self.assertEqual(self.delete("--ignore-liveness", rooted), {rooted})
        # References of other paths count nevertheless.
        self.assertIn(f"needed by '{top}'", self.refuse_to_delete("--ignore-liveness", base))
        self.assertEqual(self.delete("--ignore-liveness", "--recursive", top), {top, base})
        self.assertEqual(self.valid(), set())

    @needs_nix
    def test_deletes_what_nix_deletes(self):
        """Nix 2.8 has no options but one; what it refuses is refused here."""
        base, rooted = self.add_text("base"), self.add_text("rooted")
        top = self.needing("top", base)
        self.root_at("rooted", rooted)
        for words in ([base], [rooted], ["--ignore-liveness", base]):
            theirs = self.nix_result("--experimental-features", "nix-command", "store", "delete",
                                     *words, "--store", self.store)
            self.assertEqual(theirs.status, 1, theirs)
            self.refuse_to_delete(*words)
        theirs = self.nix_result("--experimental-features", "nix-command", "store", "delete",
                                 "--ignore-liveness", rooted, "--store", self.store)
        self.assertEqual((theirs.status, self.valid()), (0, {base, top}), theirs)

    # --- when the disk fills up

    def test_min_free_collects_before_adding(self):
        dead, alive = self.add_text("dead"), self.add_text("alive")
        self.root_at("kept", alive)
        first = self.add_text("first")
        self.assertEqual(self.valid(), {dead, alive, first})
        # No disk has as much.
        self.write_config("min-free = 1000000T\n")
        added = self.add_text("added")
        self.assertEqual(self.valid(), {alive, added})
        self.write_config("")
        again = self.add_text("again")
        self.assertEqual(self.valid(), {alive, added, again})

    def test_max_free_ends_the_collection(self):
        dead = self.add_text("dead")
        # More is free already: there is nothing to collect for.
        self.write_config("min-free = 1000000T\nmax-free = 1\n")
        added = self.add_text("added")
        self.assertEqual(self.valid(), {dead, added})
        # Less than is free: not begun at all.
        self.write_config("min-free = 1\n")
        more = self.add_text("more")
        self.assertEqual(self.valid(), {dead, added, more})

    def test_bad_arguments(self):
        self.fail_with(1, "store", "gc", "--max", "much", "--store", self.store)
        self.fail_with(1, "store", "roots", "--why", "--store", self.store)
        self.fail_with(1, "store", "delete", "/nix/store/nothing", "--store", self.store)

    def test_leaves_foreign_files_alone(self):
        self.add_text("dead")
        notes = self.root / "nix/store/notes.txt"
        notes.write_text("mine")
        result = self.cinch("store", "gc", "--store", self.store)
        self.assertIn("'/nix/store/notes.txt' is no store object, and is left alone", result.err)
        self.assertEqual(notes.read_text(), "mine")

    # --- beside Nix

    def nix_store(self, *arguments):
        result = self.nix_result(*arguments, "--store", self.store, program="nix-store")
        self.assertEqual(result.status, 0, result)
        return result.out

    def random_graph(self, chosen):
        """Derivations that need each other and sources, and the outputs of some."""
        self.allow_host_tools()
        sources = [self.add_text(f"source-{number}") for number in range(6)]
        derivations, outputs = [], []
        for number in range(14):
            count = min(len(derivations), chosen.randrange(3))
            needed = {os.path.basename(path): {"outputs": ["out"], "dynamicOutputs": {}}
                      for path in chosen.sample(derivations, count)}
            wanted = [os.path.basename(path)
                      for path in chosen.sample(sources, chosen.randrange(3))]
            path = self.in_store("derivation", "add", input=derivation(
                f"step-{number}", f"echo {' '.join(wanted)} > $out",
                inputs={"srcs": wanted, "drvs": needed}))
            derivations.append(path)
            if chosen.random() < 0.4:
                outputs.append(self.in_store("build", path + "^*", "--no-link",
                                             "--print-out-paths"))
        return sources + derivations + outputs

    @needs_nix
    @needs_sandbox
    def test_same_choice_as_nix(self):
        seed = random.randrange(1 << 32)
        print(f"seed {seed}", flush=True)
        chosen = random.Random(seed)
        paths = self.random_graph(chosen)
        for number, path in enumerate(chosen.sample(paths, 4)):
            self.root_at(f"root-{number}", path)
        for outputs in ("true", "false"):
            for derivations in ("true", "false"):
                with self.subTest(seed=seed, outputs=outputs, derivations=derivations):
                    options = ["--option", "keep-outputs", outputs,
                               "--option", "keep-derivations", derivations]
                    theirs = self.nix_store("--gc", "--print-dead", *options)
                    ours = self.in_store("store", "gc", "--dry-run", *options)
                    self.assertEqual(sorted(ours.split()), sorted(theirs.split()))
        # Both really collect: Nix a copy of the store, and the same is left.
        copy = self.directory / "copy"
        shutil.copytree(self.root, copy, symlinks=True,
                        ignore=shutil.ignore_patterns("gc-socket"))
        roots = copy / "nix/var/nix/gcroots"
        self.assertTrue(roots.exists())
        theirs = self.nix_result("--gc", "--store", f"local?root={copy}", program="nix-store")
        self.assertEqual(theirs.status, 0, theirs)
        self.in_store("store", "gc")
        left = self.succeed("path-info", "--all", "--store", f"local?root={copy}")
        self.assertEqual(self.valid(), set(left.split()))
        names = [set(os.listdir(root / "nix/store")) - {".links"} for root in (self.root, copy)]
        self.assertEqual(*names)
        self.nix_store("--verify", "--check-contents")

    @needs_nix
    def test_nix_adds_while_we_collect(self):
        """Nix's own roots hold against our collector, by file and by socket."""
        self.in_store("store", "gc")
        adders = []
        for number in range(3):
            tree = self.make_tree(f"adder-{number}")
            self.write(f"adder-{number}/number", str(number))
            script = ('for i in 1 2 3 4 5 6; do'
                      ' nix-store --store "$STORE" --add "$TREE" || exit 1; done')
            adders.append(subprocess.Popen(
                ["sh", "-c", script], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                env={**self.environment, "STORE": self.store, "TREE": str(tree)}))
        collections = 0
        while any(adder.poll() is None for adder in adders):
            self.in_store("store", "gc")
            collections += 1
        self.assertGreater(collections, 0)
        for adder in adders:
            out, error = adder.communicate(timeout=TIMEOUT_SECONDS)
            self.assertEqual(adder.returncode, 0, error.decode())
            self.assertEqual(len(out.split()), 6)
        self.nix_store("--verify", "--check-contents")

    @needs_nix
    def test_nix_collects_while_we_add(self):
        """Our roots hold against Nix's collector."""
        self.add_text("first")
        trees = [self.make_tree(f"tree-{number}") for number in range(3)]
        collector = subprocess.Popen(
            ["sh", "-c",
             'while [ ! -e stop ]; do nix-store --store "$STORE" --gc || exit 1; done'],
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, cwd=self.directory,
            env={**self.environment, "STORE": self.store})
        try:
            for number in range(20):
                self.in_store("store", "add", trees[number % 3])
        finally:
            self.write("stop", "")
            _, error = collector.communicate(timeout=TIMEOUT_SECONDS)
        self.assertEqual(collector.returncode, 0, error.decode())
        self.nix_store("--verify", "--check-contents")


if __name__ == "__main__":
    main()
