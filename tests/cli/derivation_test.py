#!/usr/bin/env python3
"""derivation show and derivation add."""
import json
import unittest

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


if __name__ == "__main__":
    main()
