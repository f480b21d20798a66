#!/usr/bin/env python3
"""why-depends, store diff-closures, path-info of closures, store path-from-hash-part, store
statistics: on random stores, beside Nix 2.8."""
import json
import re

from command import CommandTest, main, needs_nix, nix_version
from objects import archive, nar, random_objects, random_path, seeded


def without_colours(text):
    return re.sub(r"\x1b\[[0-9;]*m", "", text)


class ClosureTest(CommandTest):
    def fill(self, objects):
        return self.in_store("store", "import", input=archive(objects)).split()

    def chain(self):
        """a <- b <- c, and c -> a, too."""
        chosen = seeded(self.id())
        a, b, c = (random_path(chosen, name) for name in ("a-1", "b-2-dev", "c"))
        self.fill([(a, b"the end", set(), ""), (b, {"bin": {"link": a + "/x"}}, {a}, ""),
                   (c, {"one": ("x", b"\0\1 " + b.encode() + b"\n"), "two": a.encode()},
                    {a, b, c}, "")])
        return a, b, c

    def test_why_depends(self):
        a, b, c = self.chain()
        self.assertEqual(self.in_store("why-depends", c, a), f"{c}\n└───{a}")
        self.assertEqual(self.in_store("why-depends", "--all", c, a),
                         f"{c}\n├───{a}\n└───{b}\n    └───{a}")
        self.assertEqual(
            self.in_store("why-depends", "--precise", c, b),
            f"{c}\n└───one: ….. {b[:44 - 1]}-b-2-dev.…\n    → {b}")
        self.assertEqual(self.in_store("why-depends", "--precise", b, a),
                         f"{b}\n└───bin/link -> {a}/x\n    → {a}")
        result = self.cinch("why-depends", a, c, "--store", self.store)
        self.assertEqual((result.status, result.out), (0, ""))
        self.assertEqual(result.err, f"'{a}' does not depend on '{c}'\n")
        self.fail_with(1, "why-depends", a, "--store", self.store)

    def test_places_across_pieces(self):
        """A reference is found wherever it lies in a large file, with the text around it."""
        chosen = seeded(self.id())
        target = random_path(chosen, "t")
        hash_part = target[11:43].encode()
        objects = [(target, b"", set(), "")]
        expected = {}
        for position in [0, 31, 32, 33, *(chosen.randrange(1 << 20) for _ in range(6)),
                         *((1 << 18) * piece - offset for piece in (1, 2, 4)
                           for offset in (1, 16, 31, 32, 33, 64))]:
            path = random_path(chosen, f"at-{position}")
            text = b"-" * position + hash_part + b"=" * chosen.randrange(100)
            objects.append((path, text, {target}, ""))
            around = text[max(0, position - 32):position + 64].decode()
            expected[path] = f"{path}\n└───/: …{around}…\n    → {target}"
        self.fill(objects)
        for path, text in expected.items():
            self.assertEqual(self.in_store("why-depends", "--precise", path, target), text)

    def test_diff_closures(self):
        chosen = seeded(self.id())
        def make(name, size, references=()):
            path = random_path(chosen, name)
            self.fill([(path, b"x" * size, set(references), "")])
            return path
        old = make("top", 10, [make("hello-2.10", 10), make("lib-1.0-dev", 20000),
                               make("gone-3", 1), make("plain", 100)])
        new = make("top", 10, [make("hello-2.12", 10), make("hello-2.12-doc", 50000),
                               make("lib-1.0", 10), make("plain", 100), make("fresh", 1)])
        self.assertEqual(self.in_store("store", "diff-closures", old, new), "\n".join([
            "fresh: ∅ → ε", "gone: 3 → ∅", "hello: 2.10 → 2.12, +48.9 KiB", "lib: -19.5 KiB"]))
        self.assertEqual(self.in_store("store", "diff-closures", old, old), "")

    def test_hash_part(self):
        a, b, _ = self.chain()
        self.assertEqual(self.in_store("store", "path-from-hash-part", b[11:43]), b)
        self.fail_with(1, "store", "path-from-hash-part", "0" * 32, "--store", self.store)
        self.fail_with(1, "store", "path-from-hash-part", a, "--store", self.store)

    def test_statistics(self):
        a, b, c = self.chain()
        text = self.in_store("store", "add-file", self.write("text", "text"))
        statistics = json.loads(self.in_store("store", "statistics", "--json", "--biggest", "2"))
        sizes = {path: info["narSize"] for path, info in
                 json.loads(self.in_store("path-info", "--all", "--json")).items()}
        self.assertEqual(statistics["paths"], 4)
        self.assertEqual(statistics["references"], 4)
        self.assertEqual(statistics["contentAddressed"], 1)
        self.assertEqual(statistics["narSize"], sum(sizes.values()))
        self.assertEqual(statistics["biggest"], [{"path": path, "narSize": sizes[path]} for path in
                                                 sorted(sizes, key=lambda p: -sizes[p])[:2]])
        shown = self.in_store("store", "statistics").splitlines()
        self.assertEqual(shown[0], "paths:             4")
        self.assertEqual(len(shown), 6 + 4)
        self.assertIn(text, self.in_store("store", "statistics"))
        self.fail_with(1, "store", "statistics", "--biggest", "all", "--store", self.store)

    def test_derivations(self):
        chosen = seeded(self.id())
        deriver = random_path(chosen, "x.drv")
        path = random_path(chosen, "x")
        self.fill([(path, b"x", set(), deriver)])
        self.fail_with(1, "path-info", "--derivation", path, "--store", self.store)
        other = random_path(chosen, "y")
        self.fill([(other, b"y", set(), "")])
        error = self.fail_with(1, "path-info", "--derivation", other, "--store", self.store)
        self.assertIn("no derivation of", error)

    # --- beside Nix

    def compare(self, *arguments):
        ours = self.cinch(*arguments, "--store", self.store)
        theirs = self.nix(*arguments, "--store", self.store)
        self.assertEqual(ours.out.removesuffix("\n"), without_colours(theirs), arguments)
        self.assertEqual(ours.status, 0, ours)

    @needs_nix
    def test_same_chains_as_nix(self):
        for round_number in range(4):
            objects = random_objects(seeded(f"{self.id()} {round_number}"), 14, references_max=3)
            paths = self.fill(objects)
            top = paths[-1]
            for path in self.in_store("path-info", "-r", top).split():
                self.compare("why-depends", top, path)
                self.compare("why-depends", "--precise", top, path)

    @needs_nix
    def test_same_trees_as_nix(self):
        """Where there is one way of each length: Nix finds distances in the order of addresses."""
        chosen = seeded(self.id())
        names = [random_path(chosen, f"n-{number}") for number in range(7)]
        objects = []
        for at, path in enumerate(names):
            references = set(names[max(0, at - 2):at])
            if chosen.random() < 0.5:
                references.add(path)
            objects.append((path, {f"f{index}": reference.encode() for index, reference in
                                   enumerate(sorted(references))}, references, ""))
        self.fill(objects)
        for path in names:
            self.compare("why-depends", "--all", names[-1], path)
            self.compare("why-depends", "--all", "--precise", names[-1], path)

    @needs_nix
    def test_same_differences_as_nix(self):
        objects = random_objects(seeded(self.id()), 40)
        paths = self.fill(objects)
        for before, after in [(-1, -2), (-2, -1), (-1, 5), (-3, -10), (-10, -3)]:
            self.compare("store", "diff-closures", paths[before], paths[after])

    @needs_nix
    def test_same_infos_as_nix(self):
        paths = self.fill(random_objects(seeded(self.id()), 90))
        key = self.write("secret.key", self.succeed("key", "generate-secret", "--key-name", "k-1"))
        self.in_store("store", "sign", "-k", key, *paths[:20])
        # Later versions than 2.8 round sizes in another way.
        human = [["-rsSh"]] if nix_version() <= (2, 8) else []
        for options in (["-r"], ["-rs"], ["-rS"], *human, ["-r", "--sigs"], ["-sS"]):
            self.compare("path-info", *options, *paths[-3:])
        self.compare("path-info", "--all", "-S")
        theirs = json.loads(self.nix("path-info", "--json", "-rS", paths[-1], "--store",
                                     self.store))
        if isinstance(theirs, dict):  # as in later versions
            theirs = [{**info, "path": path} for path, info in theirs.items()]
        ours = json.loads(self.in_store("path-info", "--json", "-rS", paths[-1]))
        self.assertEqual({info["path"]: info["closureSize"] for info in theirs},
                         {path: info["closureSize"] for path, info in ours.items()})

    @needs_nix
    def test_same_nars_as_nix(self):
        objects = random_objects(seeded(self.id()), 5)
        for path, (_, tree, _, _) in zip(self.fill(objects), objects):
            ours = self.cinch("store", "dump-path", path, "--store", self.store).bytes
            self.assertEqual(ours, nar(tree))
            theirs = self.nix_result("--dump", str(self.root / path[1:]), program="nix-store")
            self.assertEqual(ours, theirs.bytes)


if __name__ == "__main__":
    main()
