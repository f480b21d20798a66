#!/usr/bin/env python3
"""What store paths say, and which path content has; no store is opened."""
import json
import unittest

from command import CommandTest, main, needs_nix

HASH_PART = "3x7dwzq014bblazs7kq20p9hyzz0qh8g"
PATH = f"/nix/store/{HASH_PART}-hello-2.10"


class StorePathTest(CommandTest):
    def test_parse(self):
        self.assertEqual(self.succeed("store", "path", "parse", PATH).splitlines()[0],
                         f"path:      {PATH}")
        text = self.succeed("store", "path", "parse", f"{PATH}/bin/x", f"{HASH_PART}-a.drv")
        self.assertIn("rest:      /bin/x\n\npath:", text)
        first, second = json.loads(self.succeed("store", "path", "parse", "--json",
                                                f"{PATH}/bin/x", f"{HASH_PART}-a.drv"))
        # 20 bytes, as a SHA-1 has them.
        self.assertEqual(self.succeed("hash", "convert", "--to", "nix32", "--hash-algo", "sha1",
                                      first.pop("digest")), HASH_PART)
        self.assertEqual(first, {"path": PATH, "storeDir": "/nix/store", "hashPart": HASH_PART,
                                 "name": "hello-2.10", "isDerivation": False, "rest": "/bin/x"})
        self.assertTrue(second["isDerivation"])
        self.assertEqual(second["rest"], "")

    def test_store_directories(self):
        path = PATH.replace("/nix/store", "/gnu/store")
        self.fail_with(1, "store", "path", "parse", path)
        self.assertIn("/gnu/store", self.succeed("store", "path", "parse", path,
                                                 "--store-dir", "/gnu/store"))
        self.assertIn("/gnu/store", self.succeed("store", "path", "parse", path,
                                                 environment={"NIX_STORE_DIR": "/gnu/store"}))

    def test_bad_paths(self):
        for text in ("/nix/store/short", "short", "/etc/passwd", f"{PATH}!", "/nix/store", "",
                     f"{HASH_PART}-", f"/nix/store/{HASH_PART}", PATH.replace("3x", "3e")):
            with self.subTest(text):
                self.fail_with(1, "store", "path", "parse", text)

    def make(self, *arguments):
        return self.succeed("store", "path", "make", *arguments)

    def test_make(self):
        """The answers are those of Nix."""
        flat = "094qif9n4cq4fdg459qzbhg1c6wywawwaaivx0k0x8xhbyx4vwic"
        self.assertEqual(self.make("hello.txt", "--ca", f"fixed:sha256:{flat}"),
                         "/nix/store/iixxin28s82lrxs8v4lcf7nha2dkwprm-hello.txt")
        self.assertEqual(self.make("hello.txt", "--mode", "flat", "--hash", f"sha256:{flat}"),
                         "/nix/store/iixxin28s82lrxs8v4lcf7nha2dkwprm-hello.txt")
        self.assertEqual(self.make("a", "--mode", "text", "--hash", f"sha256:{flat}"),
                         "/nix/store/vmg5na96ajnh1v932j9jdzfc3022vbh9-a")
        nar = "sha256:0sg9f58l1jj88w6pdrfdpj5x9b1zrwszk84j81zvby36q9whhhqa"
        self.assertEqual(self.make("hello.txt", "--hash", nar),
                         "/nix/store/xfp2hphvk98rkk9ywlqpp587rjdcgnc2-hello.txt")
        paths = {self.make("x", "--hash", nar, *rest) for rest in
                 ([], ["--self"], ["--reference", PATH], ["--reference", PATH, "--self"],
                  ["--reference", PATH, "--reference", f"{HASH_PART}-b"],
                  ["--store-dir", "/gnu/store"])}
        self.assertEqual(len(paths), 6)

    def test_make_refuses(self):
        nar = "sha256:0sg9f58l1jj88w6pdrfdpj5x9b1zrwszk84j81zvby36q9whhhqa"
        for arguments in (["x"], ["x", "--ca", f"fixed:r:{nar}", "--hash", nar],
                          ["x", "--ca", f"fixed:r:{nar}", "--mode", "nar"], ["x", "--ca", "y"],
                          ["x", "--hash", "y"], ["..", "--hash", nar],
                          ["x", "--hash", nar, "--mode", "flat", "--self"],
                          ["x", "--hash", nar, "--mode", "flat", "--reference", PATH],
                          ["x", "--hash", nar, "--reference", "/etc"],
                          ["x", "--hash", "md5-1B2M2Y8AsgTpgAmY7PhCfg==", "--mode", "git"],
                          ["x", "--hash", nar, "--mode", "tar"]):
            with self.subTest(arguments):
                self.fail_with(1, "store", "path", "make", *arguments)

    @needs_nix
    def test_make_as_nix_does(self):
        self.make_tree()
        for algorithm in ("sha256", "sha1", "md5", "sha512"):
            for mode, name in (("flat", "tree/a"), ("nar", "tree")):
                digest = self.succeed("hash", "path", "--mode", mode, "--algo", algorithm,
                                      "--format", "nix32", name)
                recursive = ["--recursive"] if mode == "nar" else []
                theirs = self.nix_result("--print-fixed-path", *recursive, algorithm, digest,
                                         "name", program="nix-store").out.strip()
                self.assertEqual(self.make("name", "--mode", mode, "--hash",
                                           f"{algorithm}:{digest}"), theirs)

    def test_follow(self):
        self.write("deep/er/x", "")
        (self.directory / "result").symlink_to(f"{PATH}/bin")
        (self.directory / "again").symlink_to("result/x")
        (self.directory / "loop").symlink_to("loop")
        follow = lambda *arguments: self.succeed("store", "path", "follow", *arguments)
        self.assertEqual(follow("result", "./again", PATH).split(), [PATH] * 3)
        self.assertEqual(follow("--full", "result", "again", PATH).split(),
                         [f"{PATH}/bin", f"{PATH}/bin/x", PATH])
        for name in ("loop", "deep/er/x", "absent"):
            self.fail_with(1, "store", "path", "follow", name)


if __name__ == "__main__":
    main()
