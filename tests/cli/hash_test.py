#!/usr/bin/env python3
"""hash, nar and key, beside Nix 2.8."""
import json
import unittest

from command import CommandTest, main, needs_nix

EMPTY_SHA256 = "sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="


class HashTest(CommandTest):
    def test_known_hashes(self):
        self.write("empty", "")
        self.assertEqual(self.succeed("hash", "file", "empty"), EMPTY_SHA256)
        self.assertEqual(self.succeed("hash", "file", "--type", "md5", "--base16", "empty"),
                         "d41d8cd98f00b204e9800998ecf8427e")
        self.assertEqual(self.succeed("hash", "path", "--mode", "flat", "empty"), EMPTY_SHA256)
        self.assertEqual(self.succeed("hash", "file", "empty", "empty").split(),
                         [EMPTY_SHA256] * 2)

    def test_git_hashes(self):
        """The answers are those of git hash-object and git write-tree."""
        self.write("a/inner", "inside\n")
        self.write("a-b", "x")
        arguments = ["--mode", "git", "--algo", "sha1", "--format", "base16"]
        self.assertEqual(self.succeed("hash", "path", "a", *arguments),
                         "94e7a48af07fcd527bc6cee60117b6dd2a85ba9e")
        self.assertEqual(self.succeed("hash", "path", "a-b", *arguments),
                         "c1b0730e0133447badcfd47fd144e254807b06e1")
        self.write("a-b", "x", executable=True)
        self.assertEqual(self.succeed("hash", "path", "a-b", *arguments),
                         "c1b0730e0133447badcfd47fd144e254807b06e1")
        self.fail_with(1, "hash", "path", "--mode", "git", "--algo", "md5", "a")

    @needs_nix
    def test_same_as_nix(self):
        self.make_tree()
        for algorithm in ("md5", "sha1", "sha256", "sha512"):
            for form in ("base16", "base32", "base64", "sri"):
                for noun, name in (("path", "tree"), ("path", "tree/link"), ("file", "tree/a")):
                    with self.subTest(f"{noun} {algorithm} {form}"):
                        arguments = ["hash", noun, "--type", algorithm, f"--{form}", name]
                        self.assertEqual(self.succeed(*arguments), self.nix(*arguments))

    def test_modulo(self):
        """The hash does not depend on the path itself, but on where it is mentioned."""
        part, other = "3x7dwzq014bblazs7kq20p9hyzz0qh8g", "4x7dwzq014bblazs7kq20p9hyzz0qh8g"
        hashes = []
        for name, text, modulo in (("a", f"x {part} y", part), ("b", f"x {other} y", other),
                                   ("c", f"xx {part} y", part), ("d", f"x {part} y", other)):
            self.write(name, text)
            hashes.append(self.succeed("hash", "path", "--modulo", modulo, name))
        self.assertEqual(hashes[0], hashes[1])
        self.assertEqual(len(set(hashes)), 3)
        self.write("e", b"x " + bytes(32) + b" y|2")
        self.assertEqual(self.succeed("hash", "path", "--mode", "flat", "--modulo", part, "a"),
                         self.succeed("hash", "file", "e"))
        self.fail_with(1, "hash", "path", "--modulo", "short", "a")
        self.fail_with(1, "hash", "path", "--modulo", part, "--mode", "git", "a")

    def test_newer_names_of_options(self):
        self.make_tree()
        newer = self.succeed("hash", "path", "tree", "--algo", "sha1", "--format", "nix32")
        older = self.succeed("hash", "path", "tree", "--type", "sha1", "--base32")
        self.assertEqual(newer, older)

    def test_convert(self):
        base16 = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
        nix32 = "0mdqa9w1p6cmli6976v4wi0sw9r4p5prkj7lzfd1877wk11c9c73"
        self.assertEqual(self.succeed("hash", "convert", "--hash-algo", "sha256", base16),
                         EMPTY_SHA256)
        self.assertEqual(self.succeed("hash", "convert", "--to", "nix32", EMPTY_SHA256), nix32)
        self.assertEqual(self.succeed("hash", "to-sri", "--type", "sha256", nix32), EMPTY_SHA256)
        self.assertEqual(self.succeed("hash", "to-base16", EMPTY_SHA256), base16)
        self.assertEqual(self.succeed("hash", "to-base32", "sha256:" + base16), nix32)
        self.assertEqual(self.succeed("hash", "to-base64", EMPTY_SHA256), EMPTY_SHA256[7:])
        self.fail_with(1, "hash", "convert", "--from", "nix32", EMPTY_SHA256)
        self.fail_with(1, "hash", "convert", base16)
        self.fail_with(1, "hash", "convert", "sha256-xx")

    def test_bad_input(self):
        self.assertIn("/nonexistent", self.fail_with(1, "hash", "path", "/nonexistent"))
        self.make_tree()
        self.assertIn("not a regular file", self.fail_with(1, "hash", "file", "tree"))
        self.assertIn("sha3", self.fail_with(1, "hash", "path", "tree", "--algo", "sha3"))


class NarTest(CommandTest):
    def pack(self):
        self.make_tree()
        nar = self.cinch("nar", "pack", "tree")
        self.assertEqual(nar.status, 0, nar)
        return self.write("tree.nar", nar.bytes)

    @needs_nix
    def test_same_as_nix(self):
        self.pack()
        self.assertEqual(self.nix("hash", "file", "tree.nar"), self.nix("hash", "path", "tree"))
        for arguments in (["-R", "tree.nar", "/"], ["-lR", "tree.nar", "/"], ["tree.nar", "/sub"],
                          ["-l", "tree.nar", "/a"], ["-ld", "tree.nar", "/"],
                          ["-R", "tree.nar", "/sub"]):
            with self.subTest(arguments):
                self.assertEqual(self.succeed("nar", "ls", *arguments),
                                 self.nix("nar", "ls", *arguments))
        for arguments in (["-R", "tree.nar", "/"], ["tree.nar", "/"], ["tree.nar", "/link"],
                          ["tree.nar", "/empty"], ["-R", "tree.nar", "/sub"]):
            with self.subTest(arguments):
                ours = json.loads(self.succeed("nar", "ls", "--json", *arguments))
                self.assertEqual(ours, json.loads(self.nix("nar", "ls", "--json", *arguments)))

    def test_cat_and_offsets(self):
        nar = self.pack().read_bytes()
        self.assertEqual(self.cinch("nar", "cat", "tree.nar", "/a").bytes, b"hi\n")
        self.assertEqual(self.cinch("nar", "cat", "tree.nar", "/empty").bytes, b"")
        listing = json.loads(self.succeed("nar", "ls", "--json", "-R", "tree.nar", "/"))
        entry = listing["entries"]["sub"]["entries"]["deeper"]["entries"]["c"]
        start = entry["narOffset"]
        self.assertEqual(nar[start:start + entry["size"]], b"y" * 5000)

    def test_strange_names(self):
        self.write('tree/quote"\\\n\x1f', "x")
        (self.directory / "tree" / "\udcff").write_text("x")  # a byte that is not UTF-8
        (self.directory / "tree" / "\u00e9\u20ac\U0001f600").symlink_to("{")
        self.write("tree/z", "x")
        nar = self.cinch("nar", "pack", "tree").bytes
        listing = json.loads(self.succeed("nar", "ls", "-", "--json", "-R", input=nar))
        self.assertEqual(set(listing["entries"]), {'quote"\\\n\x1f', "\ufffd", "z",
                                                   "\u00e9\u20ac\U0001f600"})

    def test_standard_input_and_older_name(self):
        nar = self.pack().read_bytes()
        self.assertIn("./a", self.succeed("nar", "ls", "-", input=nar))
        self.assertEqual(self.cinch("nar", "dump-path", "tree").bytes, nar)

    def test_bad_input(self):
        nar = self.pack().read_bytes()
        self.assertIn("'/zz' does not exist", self.fail_with(1, "nar", "ls", "tree.nar", "/zz"))
        self.assertIn("not a regular file", self.fail_with(1, "nar", "cat", "tree.nar", "/link"))
        self.assertIn("not an absolute path", self.fail_with(1, "nar", "ls", "tree.nar", "sub"))
        text = self.fail_with(1, "nar", "ls", "-", input=nar[:300])
        self.assertIn("at byte 300", text)
        self.assertIn("follow", self.fail_with(1, "nar", "ls", "-", input=nar + b"x"))
        self.fail_with(1, "nar", "ls", "-", input=b"")
        self.fail_with(1, "nar", "ls", "-", input=b"not a nar at all, whatever it is")
        self.assertIn("/dev/null", self.fail_with(1, "nar", "pack", "/dev/null"))


class KeyTest(CommandTest):
    def test_round_trip(self):
        secret = self.succeed("key", "generate-secret", "--key-name", "example-1")
        self.assertTrue(secret.startswith("example-1:"))
        self.assertEqual(len(secret), len("example-1:") + 88)
        public = self.succeed("key", "convert-secret-to-public", input=secret.encode() + b"\n")
        self.assertEqual(len(public), len("example-1:") + 44)
        other = self.succeed("key", "generate-secret", "--key-name", "example-1")
        self.assertNotEqual(secret, other)

    @needs_nix
    def test_same_public_key_as_nix(self):
        secret = self.succeed("key", "generate-secret", "--key-name", "k").encode()
        self.assertEqual(self.succeed("key", "convert-secret-to-public", input=secret),
                         self.nix("key", "convert-secret-to-public", input=secret))

    def test_bad_input(self):
        for text in (b"", b"name", b"name:short", b":" + b"A" * 88):
            self.fail_with(1, "key", "convert-secret-to-public", input=text)
        self.fail_with(1, "key", "generate-secret", "--key-name", "a:b")


if __name__ == "__main__":
    main()
