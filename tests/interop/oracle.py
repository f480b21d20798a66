#!/usr/bin/env python3
"""Asks Nix and Cinch the same random questions and compares the answers.

  oracle.py CINCH [--cases N] [--seed SEED] [--nix-root DIR] [--part PART] [NAME ...]

Names, hashes, file trees and derivations (part "answers"), and one store that both work on (part
"store"); the seed is printed and repeats a run. With --nix-root, Nix is run inside another root
directory. Prints TAP; exit status 77 where there is no Nix.
"""
import argparse
import json
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import generate
from program import Program, compare, nix_prefix
from shared_store import SharedStore

SKIPPED = 77
VALID_NAME = re.compile(r"(?!\.{1,2}(-|$))[0-9a-zA-Z+\-._?=]{1,211}")
FEATURES = "nix-command ca-derivations impure-derivations"


class Oracle:
    """Each check_ method returns how many answers it compared; None if it could not ask."""

    def __init__(self, arguments, scratch):
        self.scratch = scratch
        self.cases = arguments.cases
        self.nix = Program(scratch, nix_prefix(arguments.nix_root, scratch))
        self.cinch = Program(scratch, [str(Path(arguments.cinch).resolve())])
        # Not inside another root, where there may be no sandbox within the sandbox.
        self.has_sandbox = not arguments.nix_root and subprocess.run(
            ["unshare", "-Ur", "true"], capture_output=True, check=False).returncode == 0
        printed = self.nix.bytes("nix-store", "--version").decode()
        self.version = tuple(map(int, re.search(r"(\d+)\.(\d+)", printed).groups()))
        # Of their own, so that neither side finds what the other has added.
        self.theirs = f"local?root={scratch}/theirs"
        self.ours = f"local?root={scratch}/ours"

    def nix_store(self, *arguments):
        return self.nix.lines("nix-store", "--store", self.theirs, *arguments)

    def check_names(self, rng):
        folder = self.scratch / "names"
        folder.mkdir()
        compared = 0
        names = {generate.any_name(rng) for _ in range(self.cases // 10)}
        if self.version < (2, 24):  # older ones refuse each name that begins with a dot
            names = {name for name in names if not name.startswith(".")}
        accepted = sorted(filter(VALID_NAME.fullmatch, names))
        for name in names:
            (folder / name).write_text(name)
        paths = self.nix_store("--add", *(folder / name for name in accepted))
        for name, path in zip(accepted, paths, strict=True):
            ours = self.cinch.lines("store", "add", "--dry-run", folder / name)
            compared += compare(f"the path of {name!r}", ours, [path])
        for name in names.difference(accepted):
            theirs = self.nix.attempt("nix-store", "--store", self.theirs, "--add", folder / name)
            ours = self.cinch.attempt("store", "add", "--dry-run", folder / name)
            compared += compare(f"whether {name!r} is refused", ours.returncode != 0,
                                theirs.returncode != 0)
        return compared

    def check_hashes(self, rng):
        compared = 0
        files = generate.write_files(rng, self.scratch / "hashes", self.cases // 20)
        for algorithm in generate.ALGORITHMS:
            theirs = self.nix.lines("nix-hash", "--type", algorithm, "--flat", *files)
            ours = self.cinch.lines("hash", "file", "--algo", algorithm, "--base16", *files)
            compared += sum(map(compare, files, ours, theirs))
            theirs = self.nix.lines("nix-hash", "--type", algorithm, "--base32", *files)
            ours = self.cinch.lines("hash", "path", "--algo", algorithm, "--base32", *files)
            compared += sum(map(compare, files, ours, theirs))
            compared += self.compare_conversions(rng, algorithm)
        return compared

    def compare_conversions(self, rng, algorithm):
        compared = 0
        hashes = [generate.digest(rng, algorithm).hex() for _ in range(self.cases // 20)]
        for format in ("base32", "base64", "sri"):
            theirs = self.nix.lines("nix", "--extra-experimental-features", FEATURES, "hash",
                                    f"to-{format}", "--type", algorithm, *hashes)
            ours = self.cinch.lines("hash", f"to-{format}", "--type", algorithm, *hashes)
            compared += sum(map(compare, hashes, ours, theirs))
            back = self.cinch.lines("hash", "to-base16", "--type", algorithm, *theirs)
            if format == "sri":  # which names the algorithm, and is not given another
                back = self.cinch.lines("hash", "to-base16", *theirs)
            compared += sum(map(compare, theirs, back, hashes))
        return compared

    def check_fixed(self, rng):
        compared = 0
        files = generate.write_files(rng, self.scratch / "fixed", self.cases // 50)
        newer = ["blake3"] if self.version >= (2, 31) else []
        for algorithm in [*generate.ALGORITHMS, *newer]:
            for mode, flags in (("flat", []), ("nar", ["--recursive"])):
                theirs = self.nix_store("--add-fixed", "--option", "experimental-features",
                                        "blake3-hashes", *flags, algorithm, *files)
                for file, path in zip(files, theirs, strict=True):
                    ours = self.cinch.lines("store", "add", "--dry-run", "--mode", mode,
                                            "--hash-algo", algorithm, file)
                    compared += compare(f"{mode}, {algorithm}: {file}", ours, [path])
        return compared

    def check_trees(self, rng):
        folder = self.scratch / "trees"
        folder.mkdir()
        trees = [folder / f"{generate.name(rng)}-{n}" for n in range(self.cases // 20)]
        for tree in trees:
            generate.tree(rng, tree)
        paths = self.nix_store("--add", *trees)
        compared = 0
        for tree, path in zip(trees, paths, strict=True):
            compared += compare(tree, self.cinch.lines("--store", self.ours, "store", "add", tree),
                                [path])
            nar = self.nix.bytes("nix-store", "--dump", tree)
            packed = self.cinch.bytes("nar", "pack", tree)
            compared += compare(f"NAR of {tree}", packed == nar, True)
            dumped = self.cinch.bytes("--store", self.ours, "store", "dump-path", path)
            compared += compare(f"NAR of {path}", dumped == nar, True)
        return compared

    def check_derivations(self, rng):
        kinds = ["input"] * 6 + ["fixed"] * 3 + ["structured", "impure"]
        return self.compare_derivations(rng, "plain", kinds)

    def check_floating_derivations(self, rng):
        return self.compare_derivations(rng, "floating", ["input"] * 4 + ["fixed", "floating"])

    def compare_derivations(self, rng, title, kinds):
        expression = self.scratch / f"{title}.nix"
        generated = generate.Derivations(rng, self.cases, kinds)
        expression.write_text(generated.expression())
        store = f"local?root={self.scratch}/{title}"
        paths = self.nix.lines("nix-instantiate", "--store", store, "--option",
                               "experimental-features", FEATURES, expression)
        compare("how many derivations", len(paths), self.cases)
        folder = self.scratch / f"{title}-derivations"
        folder.mkdir()
        physical = self.scratch / title / "nix/store"
        for file in physical.glob("*.drv"):
            shutil.copyfile(file, folder / file.name)
        return self.compare_files(folder) + self.compare_json(store, paths)

    def compare_files(self, folder):
        """Nix wrote them; Cinch computes their paths and outputs, and prints them, anew."""
        result = self.cinch.attempt("derivation", "check", folder)
        printed = result.stdout.decode(errors="replace")
        compare(f"derivations in {folder}:\n{printed[:3000]}{result.stderr.decode()}",
                result.returncode, 0)
        totals = list(map(int, re.findall(r"\d+", printed.splitlines()[-1])))
        compare("right paths, outputs and reprints", totals[1:], totals[:1] * 3)
        return 3 * totals[0]

    def compare_json(self, store, paths):
        """What Nix prints as JSON is what Cinch prints, where both have the current form."""
        if self.version < (2, 32):
            return 0
        # Newer Nix takes what follows a question mark for a query.
        paths = [path.partition("!")[0] for path in paths if "?" not in path]
        theirs = json.loads(self.nix.bytes(
            "nix", "--extra-experimental-features", FEATURES, "--store", store,
            "derivation", "show", *paths))
        ours = json.loads(self.cinch.bytes("--store", store, "derivation", "show", *paths))
        theirs, ours = (side.get("derivations", side) for side in (theirs, ours))
        compare("the derivations shown", sorted(ours), sorted(theirs))
        return sum(compare(path, ours[path], theirs[path]) for path in theirs)


    def check_builds(self, rng):
        """What builders are given of attributes, and which outputs are refused."""
        if not self.has_sandbox:
            return None
        expression = self.scratch / "builds.nix"
        expression.write_text(generate.Builds(rng, self.cases // 40).expression())
        stores = [self.scratch / "built-by-nix", self.scratch / "built-by-cinch"]
        theirs, ours = (f"local?root={store}" for store in stores)
        paths = self.nix.lines("nix-instantiate", "--store", theirs, expression)
        self.nix.attempt("nix-store", "--store", theirs, "--realise", "--keep-going", *paths)
        shown = self.nix.bytes("nix", "--extra-experimental-features", FEATURES, "--store", theirs,
                               "show-derivation", "-r", *paths)
        self.cinch.bytes("--store", ours, "derivation", "add", "-", input=shown)
        self.cinch.attempt("--store", ours, "build", "--no-link", "--keep-going",
                           *(f"{path}^*" for path in paths))
        found = [read_objects(store, self.nix.lines(
            "nix", "--extra-experimental-features", FEATURES, "path-info", "--all",
            "--store", f"local?root={store}")) for store in stores]
        compare("what was built", sorted(found[1]), sorted(found[0]))
        compare("the first ones, which cannot fail", len(found[0]) >= generate.FIRST_BUILDS, True)
        return sum(compare(path, found[1][path], found[0][path]) for path in found[0])


def read_objects(root, paths):
    """What is in each object but derivations, without what newer versions of Nix add."""
    objects = {}
    for path in paths:
        physical = Path(f"{root}/{path}")
        files = sorted(physical.iterdir()) if physical.is_dir() else [physical]
        if physical.suffix != ".drv":
            objects[path] = {file.name: file.read_bytes().replace(b',"valid":true', b"")
                             for file in files}
    return objects


def remove(folder):
    for path, _, _ in os.walk(folder):
        os.chmod(path, 0o700)
    shutil.rmtree(folder)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("cinch")
    parser.add_argument("--cases", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 32))
    parser.add_argument("--nix-root")
    parser.add_argument("--part", choices=["answers", "store"])
    parser.add_argument("names", nargs="*")
    arguments = parser.parse_intermixed_args()
    if not arguments.nix_root and not shutil.which("nix-store"):
        print("1..0 # SKIP Nix is not installed")
        return SKIPPED
    scratch = Path(tempfile.mkdtemp(prefix="cinch-oracle-"))
    try:
        return compare_all(checks_of(arguments, scratch), arguments)
    finally:
        remove(scratch)


def checks_of(arguments, scratch):
    """By name: the methods that compare."""
    checks = {}
    for part, subject in (("answers", Oracle), ("store", SharedStore)):
        if arguments.part not in (None, part):
            continue
        folder = scratch / part
        folder.mkdir()
        asks = subject(arguments, folder)
        checks.update({name.removeprefix("check_"): getattr(asks, name) for name in dir(asks)
                       if name.startswith("check_")})
    if not arguments.names:
        return checks
    unknown = set(arguments.names).difference(checks)
    if unknown:
        sys.exit(f"there is no check {', '.join(sorted(unknown))}; there are: "
                 f"{', '.join(sorted(checks))}")
    return {name: checks[name] for name in arguments.names}


def compare_all(checks, arguments):
    print(f"# --seed {arguments.seed}")
    print(f"1..{len(checks)}", flush=True)
    failed = 0
    for number, (name, check) in enumerate(checks.items(), 1):
        title = name.replace("_", " ")
        try:
            # Each has its own stream, so that one alone asks what it asks among the others.
            compared = check(random.Random(f"{arguments.seed} check_{name}"))
            told = f": {compared} answers compared" if compared else " # SKIP no sandbox here"
            print(f"ok {number} - {title}{told}", flush=True)
        except AssertionError as error:
            failed += 1
            print(f"not ok {number} - {title}")
            print("\n".join(f"# {line}" for line in str(error).splitlines()), flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
