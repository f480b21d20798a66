#!/usr/bin/env python3
"""profile: generations beside nix-env 2.8's, on profiles that both change."""
import json
import os
import random
import shutil
import time
import unittest

from command import main, needs_nix
from nix_names import NixNamesTest


class ProfileTest(NixNamesTest):
    def setUp(self):
        super().setUp()
        self.profile = self.directory / "profiles/tools"
        self.paths = []
        for number in range(4):
            file = self.write(f"texts/text-{number}", f"{number}\n")
            self.paths.append(self.in_store("store", "add-file", file))

    def on_profile(self, verb, *words):
        return self.cinch("profile", verb, "--profile", self.profile, *words, "--store",
                          self.store)

    def succeed_on_profile(self, verb, *words):
        result = self.on_profile(verb, *words)
        self.assertEqual(result.status, 0, result)
        return result.out.removesuffix("\n")

    def versions(self):
        """Version and path of each, and the current version."""
        history = json.loads(self.succeed_on_profile("history", "--json"))
        current = [entry["version"] for entry in history if entry["current"]]
        self.assertLessEqual(len(current), 1)
        return {entry["version"]: entry["path"] for entry in history}, (current or [None])[0]

    def test_versions(self):
        first, second, third, _ = self.paths
        self.assertEqual(self.versions(), ({}, None))
        self.assertEqual(self.succeed_on_profile("set", first), f"{self.profile}-1-link")
        self.assertEqual(self.succeed_on_profile("set", first), f"{self.profile}-1-link")
        self.succeed_on_profile("set", second)
        self.succeed_on_profile("set", third)
        self.assertEqual(self.versions(), ({1: first, 2: second, 3: third}, 3))
        self.assertEqual(os.readlink(self.profile), "tools-3-link")
        self.assertRegex(self.succeed_on_profile("history"),
                         rf"(?m)^3\t\d+-\d\d-\d\d \d\d:\d\d:\d\d\t{third}\tcurrent$")
        self.succeed_on_profile("rollback")
        self.assertEqual(self.versions()[1], 2)
        self.succeed_on_profile("rollback", "--to", "3")
        self.assertEqual(self.versions()[1], 3)
        self.assertIn("profile version 9 does not exist",
                      self.on_profile("rollback", "--to", "9").err)
        refused = self.on_profile("wipe-history", "1", "3")
        self.assertEqual(refused.status, 1)
        self.assertIn("cannot delete the current version of a profile, 3", refused.err)
        self.assertEqual(set(self.versions()[0]), {1, 2, 3})
        shown = self.on_profile("wipe-history", "--dry-run")
        self.assertEqual(shown.err.count("would remove version"), 2, shown)
        self.assertEqual(set(self.versions()[0]), {1, 2, 3})
        self.succeed_on_profile("wipe-history")
        self.assertEqual(self.versions(), ({3: third}, 3))
        self.assertEqual(sorted(os.listdir(self.profile.parent)), ["tools", "tools-3-link"])
        result = self.on_profile("rollback")
        self.assertIn("no profile version older than the current (3) exists", result.err)

    def test_keeps_paths_alive(self):
        first, second, third, fourth = self.paths
        for path in (first, second, third):
            self.succeed_on_profile("set", path)
        self.succeed_on_profile("wipe-history", "--keep", "2")
        self.assertCountEqual(self.in_store("store", "gc").split(), [first, fourth])
        missing = self.on_profile("set", first)
        self.assertIn("is not valid", missing.err)
        self.assertEqual(self.versions(), ({2: second, 3: third}, 3))

    def test_refuses(self):
        self.profile.parent.mkdir()
        self.profile.write_text("mine")
        result = self.on_profile("set", self.paths[0])
        self.assertEqual(result.status, 1)
        self.assertIn("the profile is not a symlink", result.err)
        self.assertEqual(self.profile.read_text(), "mine")
        self.profile.unlink()
        (self.profile.parent / "tools-1-link").write_text("mine")
        result = self.on_profile("set", self.paths[0])
        self.assertIn("something else is there", result.err)
        for words in (["rollback"], ["wipe-history", "--older-than", "30"],
                      ["wipe-history", "--keep", "0"], ["wipe-history", "x"],
                      ["wipe-history", "--keep", "1", "2"], ["set"]):
            with self.subTest(words):
                self.assertEqual(self.on_profile(*words).status, 1)
        inside = self.cinch("profile", "set", "--profile", "/nix/store/tools", self.paths[0],
                            "--store", self.store)
        self.assertIn("a root must lie outside the store", inside.err)
        self.assertEqual(self.cinch("profile", "history").status, 1)

    def test_default_profile(self):
        (self.directory / ".nix-profile").symlink_to(self.profile)
        self.in_store("profile", "set", self.paths[0])
        self.assertEqual(self.versions(), ({1: self.paths[0]}, 1))

    # --- beside Nix

    def nix_env(self, profile, *words):
        return self.theirs("nix-env", "--profile", profile, *words, *self.on())

    @needs_nix
    def test_takes_turns_with_nix(self):
        """The same steps by both, on a profile each, and on one that they share."""
        seed = random.randrange(1 << 32)
        print(f"seed {seed}", flush=True)
        chosen = random.Random(seed)
        profiles = [self.directory / name for name in ("a/tools", "b/tools")]
        shared = self.directory / "c/tools"
        for profile in (*profiles, shared):
            profile.parent.mkdir()
        for step in range(40):
            words = chosen.choice(
                [["--set", path] for path in self.paths] * 2 +
                [["--rollback"], ["--switch-generation", str(chosen.randrange(1, 20))],
                 ["--delete-generations", str(chosen.randrange(1, 20))]] +
                ([["--delete-generations", "old"]] if step % 10 == 9 else []))
            ours = {"--set": ["set"], "--rollback": ["rollback"],
                    "--switch-generation": ["rollback", "--to"],
                    "--delete-generations": ["wipe-history"]}[words[0]] + words[1:]
            if ours[-1] == "old":
                ours.pop()
            before = self.generations(shared)
            results = [self.cinch("profile", ours[0], "--profile", profiles[0], *ours[1:],
                                  *self.on()),
                       self.nix_env(profiles[1], *words)]
            if chosen.random() < 0.5:
                last = self.cinch("profile", ours[0], "--profile", shared, *ours[1:], *self.on())
            else:
                last = self.nix_env(shared, *words)
            # Nix 2.8 crashes on a profile that is not there yet.
            statuses = [bool(result.status) for result in (*results, last)]
            message = f"seed {seed}, step {step}: {words}: {before} {results} {last}"
            self.assertEqual(len(set(statuses)), 1, message)
            found = [self.generations(profile) for profile in (*profiles, shared)]
            self.assertEqual(found[0], found[1], message)
            self.assertEqual(found[0], found[2], message)

    def generations(self, profile):
        links = {name: os.readlink(profile.parent / name) for name in os.listdir(profile.parent)
                 if not name.endswith(".lock")}
        return links

    @needs_nix
    def test_ages_and_counts(self):
        seed = random.randrange(1 << 32)
        print(f"seed {seed}", flush=True)
        chosen = random.Random(seed)
        for _ in range(12):
            profiles = [self.directory / name / "tools" for name in ("a", "b")]
            numbers = sorted(chosen.sample(range(1, 30), chosen.randrange(1, 8)))
            current = chosen.choice(numbers)
            for profile in profiles:
                profile.parent.mkdir()
                for number in numbers:
                    link = profile.parent / f"tools-{number}-link"
                    link.symlink_to(chosen.choice(self.paths[:1]))
                    age = (30 - number) * 24 * 3600 + 1800
                    os.utime(link, (time.time() - age,) * 2, follow_symlinks=False)
                profile.symlink_to(f"tools-{current}-link")
            days = f"{chosen.randrange(1, 32)}d"
            done = self.cinch("profile", "wipe-history", "--profile", profiles[0],
                              "--older-than", days, *self.on())
            self.assertEqual(done.status, 0, done)
            done = self.nix_env(profiles[1], "--delete-generations", days)
            self.assertEqual(done.status, 0, done)
            self.assertEqual(*map(self.generations, profiles),
                             f"seed {seed}: {numbers} {current} {days}")
            for profile in profiles:
                shutil.rmtree(profile.parent)


if __name__ == "__main__":
    main()
