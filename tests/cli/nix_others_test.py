#!/usr/bin/env python3
"""`cinch` as nix-hash and nix-collect-garbage, beside Nix 2.8's own; and as nix-daemon."""
import os
import random
import re
import time
import unittest

from command import main, needs_nix
from nix_names import NixNamesTest

DIGESTS = {
    "md5": "8a5edab282632443219e051e4ade2d1d5bbc671c781051bf1437897cbdfea0f1"[:32],
    "sha1": "a9993e364706816aba3e25717850c26c9cd0d89d",
    "sha256": "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
    "sha512": "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
              "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f",
}


@needs_nix
class NixHashTest(NixNamesTest):
    def test_hashes(self):
        self.make_tree()
        for algorithm in ([], *(["--type", name] for name in (*DIGESTS, "sha7"))):
            for options in ([], ["--base32"], ["--truncate"], ["--truncate", "--base32"]):
                for paths in (["tree"], ["tree/a", "tree/link"]):
                    self.compare("nix-hash", *algorithm, *options, *paths)
                self.compare("nix-hash", "--flat", *algorithm, *options, "tree/a", "tree/link")
        for words in ([], ["nothing"], ["tree/a", "nothing"], ["--flat", "tree"], ["--type"],
                      ["--other", "tree"]):
            with self.subTest(words):
                self.compare("nix-hash", *words)

    def test_conversions(self):
        # Later than 2.8, no type is one that must be named.
        later = "does not include a type" in self.theirs("nix-hash", "--to-base16",
                                                         DIGESTS["md5"]).err
        for algorithm, digest in DIGESTS.items():
            base32 = self.compare("nix-hash", "--type", algorithm, "--to-base32", digest).strip()
            sri = self.succeed("hash", "to-sri", "--type", algorithm, digest)
            for text in (digest, base32, f"{algorithm}:{digest}", f"{algorithm}:{base32}", sri,
                         digest[:-1], "x" * len(digest)):
                self.compare("nix-hash", "--type", algorithm, "--to-base16", text, digest)
                self.compare("nix-hash", "--type", algorithm, "--to-base32", text)
                if not later:
                    self.compare("nix-hash", "--to-base16", text)
            # Names of later versions.
            self.assertEqual(self.ours("nix-hash", "--type", algorithm, "--to-sri", base32).out,
                             sri + "\n")
            self.assertEqual(self.ours("nix-hash", "--type", algorithm, "--to-base64", digest).out,
                             sri.split("-")[1] + "\n")


@needs_nix
class NixCollectGarbageTest(NixNamesTest):
    """Each on a store and profiles of its own, which are alike."""

    def setUp(self):
        super().setUp()
        self.seed = random.randrange(1 << 32)
        print(f"{self.id()}: seed {self.seed}", flush=True)
        chosen = random.Random(self.seed)
        paths, _, _, _ = self.random_graph(chosen, 10, 1)
        profiles = self.root / "nix/var/nix/profiles"
        for name in ("default", "per-user/me/profile", "per-user/me/with-link"):
            profile = profiles / name
            profile.parent.mkdir(parents=True, exist_ok=True)
            numbers = sorted(chosen.sample(range(1, 30), 6))
            for number, path in zip(numbers, chosen.sample(paths, 6)):
                link = profile.parent / f"{profile.name}-{number}-link"
                link.symlink_to(path)
                age = (30 - number) * 24 * 3600 + 1800
                os.utime(link, (time.time() - age,) * 2, follow_symlinks=False)
            profile.symlink_to(f"{profile.name}-{chosen.choice(numbers)}-link")
        (profiles / "default-x-link").symlink_to(paths[0])
        (profiles / "dangling").symlink_to("nothing")

    def left(self, root):
        links = sorted(str(os.path.relpath(os.path.join(folder, name), root))
                       for folder, _, names in os.walk(root / "nix/var/nix/profiles")
                       for name in names)
        return links, sorted(os.listdir(root / "nix/store"))

    def compare_changes(self, *words):
        roots = [self.copy_of(self.root, name) for name in ("ours", "theirs")]
        results = [program("nix-collect-garbage", *words, *self.on(root), environment={
                       "NIX_STATE_DIR": str(root / "nix/var/nix")})
                   for program, root in zip((self.ours, self.theirs), roots)]
        said = [(re.sub(r", [0-9.]+ MiB freed", "", result.out), result.status)
                for result in results]
        self.assertEqual(*said, f"seed {self.seed}: {results}")
        self.assertEqual(*map(self.left, roots), f"seed {self.seed}: {words} {results}")
        for root in roots:
            self.remove_tree(root)

    def test_collecting(self):
        for words in ([], ["-d"], ["--delete-old"], ["--dry-run"], ["-d", "--dry-run"],
                      ["--delete-older-than", "10d"], ["--delete-older-than", "1d"],
                      ["--delete-older-than", "100d"], ["--delete-older-than", "20d", "--dry-run"],
                      ["--delete-older-than", "0d"], ["--delete-older-than", "d"],
                      ["--delete-older-than"], ["--max-freed", "0"], ["--max-freed", "1K"],
                      ["--max-freed", "x"], ["--other"]):
            with self.subTest(words):
                self.compare_changes(*words)

    def test_more_careful_than_nix(self):
        result = self.ours("nix-collect-garbage", "--delete-older-than", "30", *self.on())
        self.assertEqual(result.status, 1)
        self.assertIn("write a number and 'd'", result.err)


@needs_nix
class NixCopyClosureTest(NixNamesTest):
    """Nix's own goes by ssh, whatever it is told; ours is compared with nix copy."""

    def test_copies_between_stores(self):
        chosen = random.Random(random.randrange(1 << 32))
        _, derivations, _, invalid = self.random_graph(chosen)
        for words, options in ((["--to"], []), ([], ["--include-outputs"])):
            other = self.directory / f"other-{len(options)}"
            result = self.ours("nix-copy-closure", *words, f"local?root={other}", *options,
                               derivations[-1], *self.on())
            self.assertEqual((result.status, result.out), (0, ""), result)
            wanted = self.theirs("nix-store", "-qR", *options, derivations[-1], *self.on()).out
            copied = self.succeed("path-info", "--all", "--store", other).split()
            self.assertEqual(set(copied), set(wanted.split()))
            checked = self.theirs("nix-store", "--verify", "--check-contents", *self.on(other))
            self.assertEqual(checked.status, 0, checked)
        back = self.directory / "back"
        result = self.ours("nix-copy-closure", "--from", self.root, derivations[0],
                           *self.on(back))
        self.assertEqual(result.status, 0, result)
        self.assertIn(derivations[0], self.succeed("path-info", "--all", "--store", back))
        for words in ([], ["--to", self.root, invalid[0]], ["--other", self.root]):
            self.assertEqual(self.ours("nix-copy-closure", *words, *self.on(back)).status, 1)

    def test_hosts_are_not_supported(self):
        result = self.ours("nix-copy-closure", "--to", "example.org", *self.on())
        self.assertEqual(result.status, 1)
        self.assertRegex(result.err, r"error: .*ssh")


class NixDaemonTest(NixNamesTest):
    def test_is_the_verb(self):
        self.assertIn("Usage: cinch daemon", self.ours("nix-daemon", "--help").out)
        result = self.ours("nix-daemon", "--daemon", "--stdio")
        self.assertEqual(result.status, 1)
        self.assertIn("unknown option '--stdio'", result.err)


if __name__ == "__main__":
    main()
