#!/usr/bin/env python3
"""derivation show, derivation add and derivation check."""
import json
import os
import subprocess
import unittest
from pathlib import Path

from command import CommandTest, derivation, main, needs_nix


class DerivationTest(CommandTest):
    def add(self, *arguments, input=b""):
        return self.in_store("derivation", "add", *arguments, input=input).split()

    def show(self, *arguments):
        return json.loads(self.in_store("derivation", "show", *arguments))["derivations"]

    def test_outputs_are_filled_in(self):
        [path] = self.add(input=derivation("simple", "echo hi > $out"))
        self.assertRegex(path, r"^/nix/store/[0-9a-z]{32}-simple\.drv$")
        base = path.removeprefix("/nix/store/")
        value = self.show(path)[base]
        output = value["outputs"]["out"]["path"]
        self.assertRegex(output, r"^[0-9a-z]{32}-simple$")
        self.assertEqual(value["env"]["out"], "/nix/store/" + output)
        self.assertEqual(value["version"], 4)
        # What was shown can be added, and gives the same.
        self.assertEqual(self.add(input=json.dumps(value).encode()), [path])
        whole = self.in_store("derivation", "show", path).encode()
        self.assertEqual(self.add(input=whole), [path])

    def test_files_and_graphs(self):
        [first] = self.add(input=derivation("first", "echo > $out"))
        base = first.removeprefix("/nix/store/")
        inputs = {"srcs": [], "drvs": {base: {"outputs": ["out"], "dynamicOutputs": {}}}}
        file = self.write("second.json", derivation("second", "cat x", inputs=inputs))
        [second] = self.add(file)
        graph = self.show("-r", second)
        self.assertEqual(set(graph), {base, second.removeprefix("/nix/store/")})
        elsewhere = f"local?root={self.directory}/other"
        added = self.succeed("derivation", "add", "--store", elsewhere,
                             input=self.in_store("derivation", "show", "-r", second).encode())
        self.assertEqual(set(added.split()), {first, second})

    def test_deferred_graph(self):
        # The keys are only names until the outputs are known.
        key = "0" * 32 + "-first.drv"
        inputs = {"srcs": [], "drvs": {key: {"outputs": ["out"], "dynamicOutputs": {}}}}
        other = "1" * 32 + "-second.drv"
        graph = {"version": 4, "derivations": {
            key: json.loads(derivation("first", "echo > $out")),
            other: json.loads(derivation("second", "echo > $out", inputs=inputs))}}
        added = self.add(input=json.dumps(graph).encode())
        [first] = self.add(input=derivation("first", "echo > $out"))
        self.assertIn(first, added)
        second = next(path for path in added if path.endswith("-second.drv"))
        value = self.show(second)[second.removeprefix("/nix/store/")]
        self.assertEqual(list(value["inputs"]["drvs"]), [first.removeprefix("/nix/store/")])

    @needs_nix
    def test_nix_shows_the_same(self):
        [path] = self.add(input=derivation("simple", "echo hi > $out"))
        ours = self.show(path)[path.removeprefix("/nix/store/")]
        theirs = json.loads(self.nix("show-derivation", "--store", self.store, path))[path]
        for field in ("args", "builder", "env", "system"):
            self.assertEqual(ours[field], theirs[field])
        self.assertEqual("/nix/store/" + ours["outputs"]["out"]["path"],
                         theirs["outputs"]["out"]["path"])
        # Its older JSON is understood too, though it does not hold the name.
        self.assertEqual(self.show(path), self.show(path + "^out"))

    def test_bad_input(self):
        store = ["--store", self.store]
        right = json.loads(derivation("x", "true"))
        for words, text in [
            ("at byte", b"{"),
            ("", b""),
            ("", b"[]"),
            ("outputs", json.dumps({**right, "outputs": {}}).encode()),
            ("outputs", json.dumps({k: v for k, v in right.items() if k != "outputs"}).encode()),
            ("system", json.dumps({**right, "system": 3}).encode()),
            ("", json.dumps({**right, "version": 99}).encode()),
        ]:
            with self.subTest(text):
                err = self.fail_with(1, "derivation", "add", *store, input=text)
                self.assertIn(words, err)
                self.assertIn("standard input", err)
        self.assertEqual(self.in_store("path-info", "--all"), "")

    def test_wrong_output_path_names_both(self):
        [path] = self.add(input=derivation("simple", "true"))
        base = path.removeprefix("/nix/store/")
        value = self.show(path)[base]
        right = value["outputs"]["out"]["path"]
        wrong = "0" * 32 + "-simple"
        value["outputs"]["out"]["path"] = wrong
        value["env"]["out"] = "/nix/store/" + wrong
        err = self.fail_with(1, "derivation", "add", "--store", self.store,
                             input=json.dumps(value).encode())
        self.assertIn(right, err)
        self.assertIn(wrong, err)

    def test_cycles_and_wrong_keys(self):
        a, b = "0" * 32 + "-a.drv", "1" * 32 + "-b.drv"
        needs = lambda key: {"srcs": [], "drvs": {key: {"outputs": ["out"], "dynamicOutputs": {}}}}
        graph = {a: json.loads(derivation("a", "true", inputs=needs(b))),
                 b: json.loads(derivation("b", "true", inputs=needs(a)))}
        self.assertIn("depends on itself",
                      self.fail_with(1, "derivation", "add", "--store", self.store,
                                     input=json.dumps(graph).encode()))
        [path] = self.add(input=derivation("simple", "true"))
        value = self.show(path)[path.removeprefix("/nix/store/")]
        key = "0" * 32 + "-simple.drv"
        self.assertIn(path, self.fail_with(1, "derivation", "add", "--store", self.store,
                                           input=json.dumps({key: value}).encode()))

    def test_show_of_what_is_not_there(self):
        absent = "/nix/store/00000000000000000000000000000000-absent.drv"
        self.fail_with(1, "derivation", "show", absent, "--store", self.store)
        self.write("plain", "x")
        plain = self.in_store("store", "add", "plain")
        self.assertIn("does not know the derivation",
                      self.fail_with(1, "derivation", "show", plain, "--store", self.store))


class CheckTest(CommandTest):
    def setUp(self):
        super().setUp()
        key = "0" * 32 + "-first.drv"
        inputs = {"srcs": [], "drvs": {key: {"outputs": ["out"], "dynamicOutputs": {}}}}
        graph = {key: json.loads(derivation("first", "echo > $out")),
                 "1" * 32 + "-second.drv":
                     json.loads(derivation("second", "cat x > $out", inputs=inputs))}
        added = self.in_store("derivation", "add", input=json.dumps(graph).encode()).split()
        self.first, self.second = (path.removeprefix("/nix/store/") for path in added)
        self.texts = {name: (self.root / "nix/store" / name).read_bytes()
                      for name in (self.first, self.second)}
        for name, text in self.texts.items():
            self.write(f"drvs/{name}", text)

    def check(self, *arguments):
        """The exit status, the lines of mismatches, and the totals."""
        result = self.cinch("derivation", "check", *arguments)
        *mismatches, totals = result.out.splitlines()
        self.assertEqual(result.err, "")
        return result.status, mismatches, totals

    def test_all_right(self):
        right = "2 files, 2 paths right, 2 outputs right, 2 reprints right"
        self.write("drvs/not-a-derivation", "is left out")
        self.assertEqual(self.check("drvs"), (0, [], right))
        files = [f"drvs/{name}" for name in self.texts]
        self.assertEqual(self.check(*files), (0, [], right))
        # An input needs none of those that need it.
        self.assertEqual(self.check(files[0])[0], 0)
        value = json.loads(self.succeed("derivation", "check", "--json", *files))
        self.assertEqual(value, {"files": 2, "pathsRight": 2, "outputsRight": 2,
                                 "reprintsRight": 2, "mismatches": []})

    def test_wrong_path(self):
        (self.directory / "drvs" / self.second).rename(
            self.directory / "drvs" / ("z" * 32 + "-second.drv"))
        status, [line], totals = self.check("drvs")
        self.assertEqual((status, totals),
                         (1, "2 files, 1 paths right, 2 outputs right, 2 reprints right"))
        self.assertRegex(line, f"^drvs/z{{32}}-second.drv: path: .*/nix/store/{self.second}'$")

    def test_wrong_outputs(self):
        self.write(f"drvs/{self.first}", self.texts[self.first].replace(b"echo", b"true"))
        status, lines, totals = self.check("drvs")
        self.assertEqual((status, totals),
                         (1, "2 files, 1 paths right, 0 outputs right, 2 reprints right"))
        self.assertEqual([line.split(": ")[:2] for line in lines],
                         [[f"drvs/{name}", fact] for name, fact in
                          sorted([(self.first, "outputs"), (self.first, "path"),
                                  (self.second, "outputs")],
                                 key=lambda pair: (pair[0], pair[1] == "outputs"))])

    def test_wrong_bytes(self):
        self.write(f"drvs/{self.first}", self.texts[self.first].replace(b"echo", b"\\echo"))
        result = self.cinch("derivation", "check", "--json", f"drvs/{self.first}")
        self.assertEqual(result.status, 1)
        value = json.loads(result.out)
        self.assertEqual([value[key] for key in ("files", "pathsRight", "reprintsRight")],
                         [1, 0, 0])
        self.assertEqual(value["outputsRight"], 1)  # these follow from what was read
        self.assertEqual([mismatch["what"] for mismatch in value["mismatches"]],
                         ["path", "reprint"])
        self.assertIn("differs from byte", value["mismatches"][1]["message"])

    def test_inputs_that_are_absent(self):
        status, [line], totals = self.check(f"drvs/{self.second}")
        self.assertEqual((status, totals),
                         (1, "1 files, 1 paths right, 0 outputs right, 1 reprints right"))
        self.assertIn(f"outputs: the input derivation '{self.first}' is not among the files", line)

    def test_what_is_no_derivation(self):
        self.write(f"bad/{self.first}", b"Derive(\x1b[2J")
        self.write("bad/x.drv", self.texts[self.first])
        self.write("bad/" + "0" * 32 + "-x", self.texts[self.first])
        status, lines, totals = self.check("bad", "bad/" + "0" * 32 + "-x")
        self.assertEqual((status, totals),
                         (1, "3 files, 0 paths right, 0 outputs right, 0 reprints right"))
        self.assertEqual(len(lines), 3)
        self.assertRegex(lines[0], "text: .*byte")
        self.assertIn("x.drv: path: ", lines[1])
        self.assertIn("does not end in '.drv'", lines[2])
        self.assertNotIn("\x1b", "".join(lines))

    def test_bad_usage(self):
        (self.directory / "empty").mkdir()
        self.assertIn("has no file", self.fail_with(1, "derivation", "check", "empty"))
        self.assertIn("absent", self.fail_with(1, "derivation", "check", "absent"))
        self.fail_with(1, "derivation", "check")

    def test_corpus(self):
        shared = Path(__file__).resolve().parents[2] / ".." / "shared" / "corpus"
        archive = Path(os.environ.get("CINCH_CORPUS", shared)) / "derivations.tar.zst"
        if not archive.exists():
            self.skipTest("the corpus is not at hand")
        (self.directory / "corpus").mkdir()
        subprocess.run(["tar", "--zstd", "-xf", archive, "-C", self.directory / "corpus"],
                       check=True)
        self.assertEqual(
            self.check("corpus"),
            (0, [], "851 files, 851 paths right, 851 outputs right, 851 reprints right"))


if __name__ == "__main__":
    main()
