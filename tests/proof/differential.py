#!/usr/bin/env python3
"""Random operations on a store of Nix and on one of Cinch, whose answers and files must be the
same; and stories in which both take turns on one store, and each finds right what the other did.

A story is a few hundred operations on fresh stores. It follows from the seed and its number alone:

    tests/proof/differential.py build/tests/proof/proof-driver --seed S --story N
"""
import argparse
import itertools
import os
import random
import shutil
import stat
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from operations import OPERATIONS, remove
from nix_daemon import NixDaemon
from parties import CinchDriver, Refused

SKIPPED = 77
OPERATIONS_A_STORY = 150
STATE_IS_COMPARED_EVERY = 25


def look(root, paths):
    """What lies in the store directory: all that canonicalisation promises of some objects."""
    found = {}
    store = Path(root) / "nix/store"
    objects = [store / os.path.basename(path) for path in paths]
    for folder, directories, files in [("", [], objects),
                                       *itertools.chain(*map(os.walk, objects))]:
        for name in directories + files:
            file = Path(folder, name)
            status = file.lstat()
            kind = stat.S_IFMT(status.st_mode)
            content = (os.readlink(file) if kind == stat.S_IFLNK
                       else file.read_bytes() if kind == stat.S_IFREG else None)
            mode = status.st_mode & 0o7777 if kind != stat.S_IFLNK else None
            found[str(file.relative_to(store))] = (kind, mode, status.st_mtime, content)
    return found


class Story:
    """One run of random operations; `together`: on one store."""

    def __init__(self, rng, programs, scratch, together):
        self.rng = rng
        self.scratch = scratch
        self.together = together
        self.done = 0
        self.trace = []
        environment = make_environment(rng, scratch)
        roots = [scratch / "nix", scratch / "nix" if together else scratch / "cinch"]
        self.parties = [NixDaemon(roots[0], environment),
                        CinchDriver(*programs, roots[1], environment)]
        self.has_nix_store = programs[1] is not None
        self.roots = sorted(set(roots))
        self.valid, self.gone, self.links, self.litter, self.archives = [], [], [], set(), []
        self.open()

    def open(self):
        for party in self.parties:
            party.open()

    def close(self):
        for party in self.parties:
            party.close()

    # --- for operations.py

    def query(self, operation, **arguments):
        """Both are asked, and say the same; returns the answer, or None if both refuse."""
        return self.ask(self.parties, operation, arguments)

    def change(self, operation, **arguments):
        """As query(), but where both work on one store, one of them does it."""
        parties = [self.rng.choice(self.parties)] if self.together else self.parties
        return self.ask(parties, operation, arguments)

    def ask(self, parties, operation, arguments):
        self.done += 1
        who = " and ".join(party.title for party in parties)
        self.trace.append(f"{who}: {operation} {shortened(arguments)}")
        answers = []
        for party in parties:
            try:
                answer = self.known(operation, arguments, party.ask(operation, arguments))
                answers.append(("answers", answer))
            except Refused as refusal:
                answers.append(("refuses", str(refusal)))
        for party, (kind, answer) in zip(parties, answers):
            self.trace.append(f"    {party.title} {kind}: {shortened(answer)}")
        self.check_same(parties, answers)
        kind, answer = answers[0]
        return answer if kind == "answers" else None

    def known(self, operation, arguments, answer):
        """Of what is collected, Nix names also what it left of failed additions itself."""
        def filtered(paths):
            return [path for path in paths if path in self.valid or path in self.litter]
        if operation == "collect":
            return filtered(answer)
        if operation == "nix_store" and "--gc" in arguments["words"]:
            return [answer[0], sorted(filtered(answer[1]))]
        return answer

    @staticmethod
    def check_same(parties, answers):
        if len(answers) == 1 or answers[0] == answers[1]:
            return
        if answers[0][0] == answers[1][0] == "refuses":
            return  # each in its own words
        told = list(zip(parties, map(differing_part, answers, reversed(answers))))
        raise AssertionError("\n".join(f"{party.title} {kind}: {shortened(answer, 3000)}"
                                       for party, (kind, answer) in told))

    def reopen(self):
        """Ends all temporary roots."""
        self.trace.append("reopen")
        self.close()
        self.open()

    # ---

    def learn(self):
        """What is valid by now; all else that operations draw from follows."""
        now = self.query("all")
        self.gone = sorted(set(self.gone) | set(self.valid) - set(now))[-20:]
        self.valid = now

    def step(self):
        weights = [operation.weight for operation in OPERATIONS]
        operation = self.rng.choices(OPERATIONS, weights)[0]
        self.trace.append(f"-- {operation.__name__}")
        operation(self)
        self.learn()

    def compare_state(self):
        self.trace.append("-- the whole state")
        self.query("find", paths=self.valid + self.gone)
        for path in self.valid:
            for what in ("referrers", "derivers"):
                self.query(what, path=path)
        self.compare_roots()
        if not self.together:
            ours, theirs = (look(party.root, self.valid) for party in self.parties)
            differing = sorted(name for name in ours.keys() | theirs.keys()
                               if ours.get(name) != theirs.get(name))
            assert not differing, f"on disk, these differ: {differing[:20]}"
        assert not self.query("verify", contents=True), "the store is damaged"

    def compare_roots(self):
        """The names of links begin with the store's own root."""
        found = [sorted([link.replace(str(party.root), "", 1), path]
                        for link, path in party.ask("roots", {})) for party in self.parties]
        assert found[0] == found[1], f"roots of Nix: {found[0]}\nof Cinch: {found[1]}"

    def run(self):
        self.learn()
        for number in range(1, OPERATIONS_A_STORY + 1):
            self.step()
            if number % STATE_IS_COMPARED_EVERY == 0:
                self.compare_state()
        self.reopen()
        self.change("collect", keep_outputs=False, keep_derivations=False, dry_run=False)
        self.learn()
        self.compare_state()
        for root in self.roots:
            left = [path for path in self.litter if os.path.lexists(f"{root}{path}")]
            assert not left, f"no collection has removed {left}"
        self.close()


def differing_part(mine, other):
    """Of two long lists, only what one has and the other has not."""
    if isinstance(mine[1], list) and isinstance(other[1], list):
        return mine[0], [item for item in mine[1] if item not in other[1]]
    return mine


def shortened(value, length=300):
    text = repr(value)
    return text if len(text) < length else text[:length] + "…"


def make_environment(rng, scratch):
    features = rng.choice(["nix-command", "nix-command ca-derivations"])
    return {"PATH": os.environ["PATH"], "HOME": str(scratch), "LC_ALL": "C.UTF-8",
            "NIX_CONF_DIR": str(scratch), "NIX_CONFIG":
            f"experimental-features = {features}\nbuild-users-group =\nsubstituters =\n"
            "require-sigs = false\nsandbox = false\nfsync-metadata = false",
            **{name: value for name, value in os.environ.items() if name.endswith("SAN_OPTIONS")}}


def tell_one(arguments, number):
    """Runs a story; returns how many operations were compared, and what went wrong."""
    scratch = Path(tempfile.mkdtemp(prefix="cinch-differential-"))
    nix_store = None
    if arguments.cinch:
        nix_store = scratch / "nix-store"
        nix_store.symlink_to(Path(arguments.cinch).resolve())
    story = Story(random.Random(f"{arguments.seed} {number}"), [arguments.driver, nix_store],
                  scratch, together=number % 3 == 2)
    try:
        story.run()
        return story.done, None
    except (AssertionError, OSError) as error:
        lines = [f"{type(error).__name__}: {error}", "the last steps:",
                 *story.trace[-arguments.trace:]]
        return story.done, "\n".join(lines)
    finally:
        story.close()
        if not arguments.keep:
            remove(scratch)


def seed(text):
    """Tests take that of the commit: each draws other stories, and the same if repeated."""
    if text == "commit":
        here = Path(__file__).resolve().parent
        told = subprocess.run(["git", "-C", here, "rev-parse", "--short=8", "HEAD"],
                              capture_output=True, check=False).stdout
        text = int(told[:8], 16) if told else "random"
    return random.SystemRandom().randrange(1 << 32) if text == "random" else int(text)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("driver")
    parser.add_argument("--cinch", help="the command, to be asked by its name nix-store, too")
    parser.add_argument("--seed", type=seed, default="random",
                        help="a number, 'random', or 'commit': that of what is checked out")
    parser.add_argument("--story", type=int, help="run only this one")
    parser.add_argument("--stories", type=int, help="run so many, instead of some time")
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--operations", type=int, default=2000,
                        help="at least so many, even if that takes longer")
    parser.add_argument("--trace", type=int, default=30,
                        help="how many lines are told of a failure")
    parser.add_argument("--keep", action="store_true", help="leave the stores where they are")
    arguments = parser.parse_args()
    if not shutil.which("nix-daemon"):
        print("1..0 # SKIP Nix is not installed")
        return SKIPPED
    print(f"# --seed {arguments.seed}", flush=True)
    numbers = [arguments.story] if arguments.story is not None else itertools.count()
    end, operations, failed, run = time.monotonic() + arguments.seconds, 0, 0, 0
    for number in numbers:
        enough = arguments.stories == run if arguments.stories is not None else (
            operations >= arguments.operations and time.monotonic() > end)
        if enough or failed:
            break
        done, problem = tell_one(arguments, number)
        run, operations = run + 1, operations + done
        if problem:
            failed += 1
            print(f"not ok {run} - story {number}")
            print("\n".join(f"# {line}" for line in problem.splitlines()))
            print(f"# again: --seed {arguments.seed} --story {number}", flush=True)
        else:
            print(f"ok {run} - story {number}: {done} operations", flush=True)
    print(f"1..{run}\n# {operations} operations compared, --seed {arguments.seed}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
