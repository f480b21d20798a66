#!/usr/bin/env python3
"""`cinch` as nix-store: the same words on the same store give the same output and exit status as
Nix 2.8's own program does."""
import os
import random
import re
import unittest
from pathlib import Path

from command import main, needs_nix
from nix_names import NixNamesTest

QUERIES = [["-q"], ["-q", "--outputs"], ["-qR"], ["--query", "--requisites", "--include-outputs"],
           ["-q", "--references"], ["-q", "--referrers"], ["-q", "--referers"],
           ["-q", "--referrers-closure"], ["-q", "--deriver"], ["-qd"], ["-q", "-b", "quoted"],
           ["-q", "--binding", "builder"], ["-q", "--hash"], ["-q", "--size"], ["-q", "--tree"],
           ["-q", "--graph"], ["-q", "--graphml"], ["-q", "--resolve"]]


@needs_nix
class NixStoreTest(NixNamesTest):
    def seeded(self):
        seed = int(os.environ.get("CINCH_TEST_SEED", random.randrange(1 << 32)))
        print(f"{self.id()}: seed {seed}", flush=True)
        return random.Random(seed)

    def test_queries(self):
        chosen = self.seeded()
        paths, derivations, outputs, invalid = self.random_graph(chosen)
        everything = paths + derivations + outputs
        for query in QUERIES:
            for use_output in ([], ["-u"]):
                for _ in range(2):
                    count = chosen.randrange(1, 4)
                    among = everything + (invalid if chosen.random() < 0.2 else [])
                    if chosen.random() < 0.4:
                        among = derivations
                    named = chosen.sample(among, count)
                    self.compare("nix-store", *query, *use_output, *named, *self.on())
        # What comes before an error is printed.
        for query in QUERIES:
            self.compare("nix-store", *query, everything[0], invalid[0], everything[1],
                         *self.on())
        unknown = "/nix/store/" + 32 * "0" + "-x.drv"
        for query in ("--hash", "--size"):
            self.compare("nix-store", "-q", query, "-u", paths[0], unknown, *self.on())

    def test_roots(self):
        chosen = self.seeded()
        paths, derivations, outputs, _ = self.random_graph(chosen)
        everything = paths + derivations + outputs
        for number, path in enumerate(chosen.sample(everything, 5)):
            self.compare("nix-store", "--add-root", f"links/root-{number % 3}", "-r",
                         chosen.choice(paths), *self.on())
            link = self.root / "nix/var/nix/gcroots" / f"permanent-{number}"
            if number % 2:
                link.symlink_to(path)
        self.compare("nix-store", "--gc", "--print-roots", *self.on())
        for keep in ("true", "false"):
            settings = ["--option", "keep-outputs", keep, "--option", "keep-derivations", keep]
            self.compare("nix-store", "--gc", "--print-live", *settings, *self.on())
            self.compare("nix-store", "--gc", "--print-dead", *settings, *self.on())
            for path in everything:
                # In the order of a hash table there, of links here.
                self.compare("nix-store", "-q", "--roots", path, *settings, *self.on(), sort=True)

    def test_adding(self):
        self.make_tree()
        self.write("other", "text")
        for words in (["--add", "tree", "other"], ["-A", "tree/link"],
                      ["--add-fixed", "sha256", "other", "tree/a"],
                      ["--add-fixed", "--recursive", "sha1", "tree"],
                      ["--add-fixed", "md5", "tree/sub/b"], ["--add-fixed"],
                      ["--add-fixed", "sha7", "other"], ["--add-fixed", "sha256", "tree"],
                      ["--add", "nothing"], ["--add", "--flag", "other"], ["--add"],
                      ["--print-fixed-path", "sha256", "0" * 64, "name"],
                      ["--print-fixed-path", "--recursive", "sha1", "0" * 32, "a-name"],
                      ["--print-fixed-path", "sha256", "0" * 63, "name"],
                      ["--print-fixed-path", "sha256", "0" * 64]):
            with self.subTest(words):
                self.compare("nix-store", *words, *self.on())

    def test_dump_and_restore(self):
        self.make_tree()
        nar = self.theirs("nix-store", "--dump", "tree").bytes
        for words in (["--dump", "tree"], ["--dump", "tree/link"], ["--dump"],
                      ["--dump", "tree", "tree"]):
            with self.subTest(words):
                self.compare("nix-store", *words)
        self.assertEqual(self.ours("nix-store", "--dump", "nothing").status, 1)
        for program in (self.ours, self.theirs):
            place = f"{program.__name__}-tree"
            result = program("nix-store", "--restore", place, input=nar + b"what follows")
            self.assertEqual((result.status, result.out), (0, ""), result)
        modes = [{entry.name: entry.stat(follow_symlinks=False).st_mode
                  for entry in os.scandir(self.directory / f"{name}-tree")}
                 for name in ("ours", "theirs")]
        self.assertEqual(*modes)
        self.assertEqual(self.ours("nix-store", "--dump", "theirs-tree").bytes, nar)
        self.assertEqual(self.theirs("nix-store", "--dump", "ours-tree").bytes, nar)
        self.compare("nix-store", "--restore", "ours-tree", input=nar)
        self.compare("nix-store", "--restore", "cut", input=nar[:-8])

    def test_derivations(self):
        chosen = self.seeded()
        paths, derivations, outputs, invalid = self.random_graph(chosen, 4, 4)
        log = self.root / "nix/var/log/nix/drvs" / Path(derivations[0]).name[:2]
        log.mkdir(parents=True)
        (log / Path(derivations[0]).name[2:]).write_text("what was built\n")
        for words in (["--print-env", derivations[0]], ["--print-env", derivations[-1]],
                      ["--print-env"], ["--print-env", *derivations[:2]],
                      ["--print-env", invalid[0]],
                      ["-l", derivations[0]], ["--read-log", derivations[1]],
                      ["-l", derivations[0], derivations[1]], ["-l", paths[0]]):
            with self.subTest(words):
                self.compare("nix-store", *words, *self.on())
        for output in outputs:
            self.compare_log_of(output, derivations[0])

    def compare_log_of(self, output, logged):
        """A path that does not tell its deriver: Nix gives up, we look who would make it."""
        told = self.theirs("nix-store", "-q", "--deriver", output, *self.on()).out.strip()
        made = self.theirs("nix-store", "-q", "--outputs", logged, *self.on()).out.split()
        if told != "unknown-deriver" or output not in made:
            return self.compare("nix-store", "-l", output, *self.on())
        self.assertEqual(self.theirs("nix-store", "-l", output, *self.on()).status, 1)
        ours = self.ours("nix-store", "-l", output, *self.on())
        self.assertEqual((ours.status, ours.out), (0, "what was built\n"), ours)

    def test_validity(self):
        chosen = self.seeded()
        paths, _, _, invalid = self.random_graph(chosen, 4, 1)
        for words in (["--check-validity", *paths], ["--check-validity", paths[0], *invalid],
                      ["--check-validity", "--print-invalid", invalid[0], *paths, invalid[1]],
                      ["--check-validity", "--other", *paths], ["--verify-path", *paths],
                      ["--verify-path", paths[0], invalid[0]]):
            with self.subTest(words):
                self.compare("nix-store", *words, *self.on())
        self.real(paths[1]).chmod(0o644)
        self.real(paths[1]).write_text("changed\n")
        self.compare("nix-store", "--verify-path", *paths, *self.on())
        self.compare("nix-store", "--verify-path", paths[0], *self.on())

    def test_words(self):
        """How words are taken apart, and what is refused."""
        chosen = self.seeded()
        paths, derivations, _, _ = self.random_graph(chosen, 4, 1)
        (self.directory / "link").symlink_to(self.real(paths[0]))
        (self.directory / "logical").symlink_to(paths[0])
        for words in ([], ["-q"], ["-qR", "-qR"], ["-q", "-r"], ["-q", "--nonsense"],
                      ["--nonsense"], ["-qv", paths[0]], ["-q", "-R", "--references", paths[0]],
                      ["-q", "--", "-R", paths[0]], ["-q", "logical"], ["-q", "/elsewhere"],
                      ["-q", "--resolve", "logical", paths[0] + "/bin/x"], ["-q", "-b"],
                      ["-q", paths[0], "-b", "name"], ["--add-root"], ["-q", "--option", "x"],
                      ["--gc", "--print-nothing"], ["--gc", "x"],
                      ["--gc", "--max-freed", "much"], ["--delete", "--force"],
                      ["--init"], ["--init", "x"], ["-q", "-Q", "-k", "-K", "-j3", paths[0]],
                      ["-q", "--max-jobs", "2", "--cores", "1", "--keep-going", paths[0]],
                      ["-q", "--no-gc-warning", "--readonly-mode", paths[0]],
                      ["-q", "--no-keep-outputs", "--timeout", "3", paths[0]],
                      ["-q", "-u", derivations[0]], ["-r", "--flag", paths[0]]):
            with self.subTest(words):
                self.compare("nix-store", *words, *self.on(),
                             input=("\n".join(paths) + "\n").encode())

    def test_realise(self):
        chosen = self.seeded()
        paths, derivations, outputs, invalid = self.random_graph(chosen)
        built = [path for path in derivations
                 if set(self.theirs("nix-store", "-q", path, *self.on()).out.split())
                 <= set(outputs)]
        for words in (["-r", *paths[:3]], ["-r", *built],
                      ["--realise", *(path + "!out" for path in built)],
                      ["-r", invalid[0]], ["-r", "--ignore-unknown", invalid[0]],
                      ["-r", "--dry-run", *derivations], ["-r", "--no-output", *built],
                      ["-r", *(path + "!nothing" for path in built[:1])],
                      ["-r", "--add-root", "link", *built, paths[0], paths[1]],
                      ["--add-root", "links/below/link", "--indirect", "-r", paths[0]],
                      ["--add-root", "names", "-r", paths[0]],
                      ["-q", "-f", *built], ["-qf", "--size", *built, *paths],
                      ["-q", "-f", invalid[0]]):
            with self.subTest(words):
                self.compare("nix-store", *words, *self.on())
        inside = self.ours("nix-store", "--add-root", "/nix/store/link", "-r", paths[0],
                           *self.on())
        self.assertEqual(inside.status, 1)
        self.assertIn("a root must lie outside the store", inside.err)
        inside = self.ours("nix-store", "--add-root", self.real("/nix/store/link"), "-r",
                           paths[0], *self.on())
        self.assertEqual(inside.status, 1)
        self.assertFalse(self.real("/nix/store/link").is_symlink())

    def compare_changes(self, *words, **options):
        """Each on a copy of its own: the same words, and the same is left."""
        copies = [self.copy_of(self.root, name) for name in ("our-copy", "their-copy")]
        try:
            results = [self.ours("nix-store", *words, *self.on(copies[0]), **options),
                       self.theirs("nix-store", *words, *self.on(copies[1]), **options)]
            # How many bytes: Nix 2.8 adds up the sizes of files, later ones what is free on disk.
            said = [re.sub(r", [0-9.]+ MiB freed", "", result.out) for result in results]
            self.assertEqual(said[0], said[1], results)
            self.assertEqual(results[0].status, results[1].status, results)
            left = [sorted(set(os.listdir(self.real("/nix/store", copy))) - {".links"})
                    for copy in copies]
            self.assertEqual(left[0], left[1])
            valid = [self.theirs("nix-store", "--dump-db", *self.on(copy)).out for copy in copies]
            self.assertEqual(valid[0], valid[1])
            return results
        finally:
            for copy in copies:
                self.remove_tree(copy)

    def test_collecting(self):
        chosen = self.seeded()
        paths, derivations, outputs, invalid = self.random_graph(chosen)
        everything = paths + derivations + outputs
        for number, path in enumerate(chosen.sample(everything, 3)):
            (self.root / "nix/var/nix/gcroots" / f"root-{number}").symlink_to(path)
        dead = self.theirs("nix-store", "--gc", "--print-dead", *self.on()).out.split()
        self.compare_changes("--gc")
        self.compare_changes("--gc", "--option", "keep-outputs", "true")
        self.compare_changes("--gc", "--max-freed", "0")
        self.compare_changes("--delete", *dead)
        self.compare_changes("--delete", invalid[0])
        self.compare_changes("--delete", "--ignore-liveness", *everything)
        # As later versions of Nix do, we let derivations and outputs be deleted by name, whatever
        # the settings say.
        settings = ["--option", "keep-derivations", "false"]
        for path in chosen.sample(everything, 10):
            self.compare_changes("--delete", path, *settings)
        for path in chosen.sample(everything, 5):
            self.compare_changes("--delete", "--ignore-liveness", path)

    def test_archives(self):
        chosen = self.seeded()
        paths, derivations, outputs, invalid = self.random_graph(chosen)
        everything = paths + derivations + outputs
        for count in (1, 3, len(everything)):
            self.compare("nix-store", "--export", *chosen.sample(everything, count), *self.on())
        self.compare("nix-store", "--export", *self.on())
        self.assertEqual(self.ours("nix-store", "--export", invalid[0], *self.on()).status, 1)
        closure = self.theirs("nix-store", "-qR", *derivations, *self.on()).out.split()
        archive = self.theirs("nix-store", "--export", *closure, *self.on()).bytes
        old, self.root = self.root, self.directory / "other-root"
        self.assertEqual(self.ours("nix-store", "--init", *self.on()).status, 0)
        for given in (archive, archive[:8], b""):
            self.compare_changes("--import", input=given)
        self.compare_changes("--import", "x", input=archive)
        self.compare("nix-store", "--import", *self.on(), input=archive)
        self.assertEqual(self.ours("nix-store", "--import", *self.on(), input=archive[:-30]).status,
                         1)
        self.root = old

    def test_registrations(self):
        chosen = self.seeded()
        paths, derivations, outputs, invalid = self.random_graph(chosen)
        everything = paths + derivations + outputs
        self.compare("nix-store", "--dump-db", *self.on())
        self.compare("nix-store", "--dump-db", *chosen.sample(everything, 4), *self.on())
        self.compare("nix-store", "--dump-db", paths[0], invalid[0], *self.on())
        dump = self.theirs("nix-store", "--dump-db", *self.on()).out
        self.compare_changes("--load-db", input=dump.encode())
        self.compare_changes("--register-validity", "--hash-given", input=dump.encode())
        # A new object of each: references to what is valid, to itself, to what is not.
        for references, status in ([paths[:2], 0], [[invalid[0]], 0], [[invalid[1]], 1]):
            text = "\n".join([invalid[0], "0" * 64, "17", derivations[0], str(len(references)),
                              *references]) + "\n"
            self.real(invalid[0]).write_text("an object\n")
            os.utime(self.real(invalid[0]), (1, 1))
            self.real(invalid[0]).chmod(0o444)
            results = self.compare_changes("--load-db", input=text.encode())
            self.assertEqual([result.status for result in results], [status] * 2, results)
        for words in (["--load-db", "x"], ["--register-validity", "--other"],
                      ["--dump-db", "--other"]):
            self.compare_changes(*words, input=dump.encode())

    def test_keeping(self):
        """--verify, --repair-path, --optimise: what they say, how they end, what they leave."""
        chosen = self.seeded()
        paths, _, _, invalid = self.random_graph(chosen, 6, 2)
        for words in (["--verify"], ["--verify", "--check-contents"], ["--verify", "x"],
                      ["--verify", "--other"], ["--optimise"], ["--optimise", "x"],
                      ["--optimize"], ["--repair-path", invalid[0]]):
            self.compare_changes(*words)
        top = [self.random_path(chosen) for _ in range(2)]
        self.register([(path, [chosen.choice(paths), path], "") for path in top])
        self.real(top[0]).unlink()
        self.compare_changes("--verify")
        self.real(top[-1]).chmod(0o644)
        self.real(top[-1]).write_text("changed\n")
        self.compare_changes("--verify", "--check-contents")
        self.compare_changes("--verify", "--check-contents", "--repair")
        self.compare_changes("--repair-path", top[-1])

    def test_keys(self):
        for words in (["k-1", "secret", "public"], ["k-1", "secret"], []):
            for program in (self.ours, self.theirs):
                result = program("nix-store", "--generate-binary-cache-key", *words, *self.on())
                self.assertEqual((result.status, result.out), (0 if len(words) == 3 else 1, ""))
                if len(words) == 3:
                    secret, public = (self.directory / name for name in words[1:])
                    self.assertRegex(secret.read_text(), r"^k-1:[A-Za-z0-9+/]{86}==$")
                    self.assertRegex(public.read_text(), r"^k-1:[A-Za-z0-9+/]{43}=$")
                    self.assertEqual(secret.stat().st_mode & 0o777, 0o600)
                    self.assertEqual(self.succeed("key", "convert-secret-to-public",
                                                  input=secret.read_bytes()), public.read_text())
                    secret.unlink()
                    public.unlink()

    def test_other_ways_to_call(self):
        path = self.in_store("store", "add", self.make_tree())
        self.assertEqual(self.ours("nix-store", "-q", "--stdin", "--resolve", *self.on(),
                                   input=f" {path}\n{path} ".encode()).out, f"{path}\n" * 2)
        self.assertEqual(self.in_store("nix-store", "-q", "--size", path),
                         self.ours("nix-store", "-q", "--size", path, *self.on()).out.strip())
        self.assertRegex(self.ours("nix-store", "--version").out, r"^nix-store \(Cinch\) [0-9.]+$")
        self.assertIn("--requisites", self.ours("nix-store", "--help").out)


if __name__ == "__main__":
    main()
