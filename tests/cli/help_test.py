#!/usr/bin/env python3
"""Help, usage errors, versions and completion."""
import os
import re
import shutil
import subprocess
import unittest
from pathlib import Path

from command import CommandTest, main

ROOT = Path(__file__).resolve().parents[2]
COMPLETIONS = {"bash": "cinch.bash", "zsh": "_cinch", "fish": "cinch.fish"}


class HelpTest(CommandTest):
    def verbs(self):
        text = self.succeed("--help")
        listed = text[text.index("Commands:"):text.index("Options of every command:")]
        return re.findall(r"(?m)^  ([a-z][a-z0-9-]*(?: [a-z][a-z0-9-]*){0,2})(?:  |$)", listed)

    def test_every_verb_has_help(self):
        verbs = self.verbs()
        self.assertGreaterEqual(len(verbs), 26)
        for verb in verbs:
            with self.subTest(verb):
                text = self.succeed(*verb.split(), "--help")
                self.assertIn(f"Usage: cinch {verb}", text)
                self.assertRegex(text, r"(?m)^Example:\n  \$ ")
                self.assertRegex(text, r"\n\n[A-Z][^\n]*(\n[^\n]+)*\.\n")
                self.assertIn("--store URL", text)
                self.assertLessEqual(max(map(len, text.splitlines())), 90)

    def test_every_verb_is_documented(self):
        page = (ROOT / "docs/cli.md").read_text()
        for verb in self.verbs():
            self.assertIn(f"`{verb}", page)

    def test_groups_and_help_verb(self):
        self.assertIn("store ls", self.succeed("store", "--help"))
        self.assertIn("Usage: cinch nar ls", self.succeed("help", "nar", "ls"))
        group = self.succeed("store", "path", "--help")
        self.assertIn("Usage: cinch store path COMMAND", group)
        self.assertNotIn("store ls", group)
        self.assertIn("Usage: cinch store path make", self.succeed("help", "store", "path", "make"))
        self.assertIn("Commands:", self.succeed("help"))
        self.assertIn("Commands:", self.succeed("-h"))

    def test_version(self):
        for arguments in (["--version"], ["build", "--version"], ["--store", "x", "--version"]):
            self.assertRegex(self.succeed(*arguments), r"^cinch \(Cinch\) \d+\.\d+\.\d+$")

    def test_bad_usage(self):
        for arguments, words in [
            ([], "no command given"),
            (["stor", "ls"], "there is no command 'stor'"),
            (["buidl"], "did you mean 'build'?"),
            (["store"], "'cinch store' needs a command"),
            (["store", "sl", "/x"], "there is no command 'store sl'"),
            (["store", "path"], "'cinch store path' needs a command"),
            (["store", "path", "mak", "x"], "did you mean 'store path make'?"),
            (["hash", "path"], "needs more arguments"),
            (["hash", "path", "--bogus", "x"], "unknown option '--bogus'"),
            (["nar", "cat", "a", "b", "c"], "unexpected argument 'c'"),
            (["build"], "needs more arguments"),
            (["hash", "path", ".", "--algo"], "--algo"),
            (["hash", "path", ".", "--format", "base99"], "unknown hash format 'base99'"),
            (["hash", "path", ".", "--log-format", "x"], "unknown log format 'x'"),
            (["path-info"], "--all"),
            (["key", "generate-secret"], "--key-name"),
        ]:
            with self.subTest(arguments):
                text = self.fail_with(1, *arguments)
                self.assertIn(words, text)
                self.assertRegex(text, r"(?m)^hint: ")

    def test_global_options_anywhere(self):
        self.make_tree()
        expected = self.succeed("hash", "path", "tree")
        for arguments in (["-v", "hash", "path", "tree"], ["hash", "-v", "path", "tree"],
                          ["--store", "dummy", "hash", "path", "tree"],
                          ["--option", "cores", "3", "hash", "path", "tree"],
                          ["hash", "path", "--", "tree"],
                          ["hash", "path", "tree", "--extra-experimental-features", "nix-command"]):
            with self.subTest(arguments):
                self.assertEqual(self.succeed(*arguments), expected)

    def test_arguments_after_two_dashes(self):
        self.write("-n", "x")
        self.assertRegex(self.succeed("hash", "file", "--", "-n"), "^sha256-")


class CompletionTest(CommandTest):
    def test_files_are_up_to_date(self):
        for shell, name in COMPLETIONS.items():
            file = ROOT / "tools/completions" / name
            self.assertEqual(self.succeed("__completion", shell) + "\n", file.read_text(),
                             f"run: cinch __completion {shell} > {file}")

    def test_scripts_parse(self):
        for shell, name in COMPLETIONS.items():
            if shutil.which(shell):
                subprocess.run([shell, "-n", ROOT / "tools/completions" / name], check=True)

    def test_bash_completes(self):
        script = (f"source {ROOT}/tools/completions/cinch.bash;"
                  'COMP_WORDS=("$@"); COMP_CWORD=$(($#-1)); _cinch; echo "${COMPREPLY[*]}"')
        for words, expected in [
            (["cinch", "bu"], "build"),
            (["cinch", "--store", "x", "bu"], "build"),
            (["cinch", "store", "add-"], "add-file add-path add-root"),
            (["cinch", "store", "pa"], "path path-from-hash-part"),
            (["cinch", "store", "path", ""], "parse make follow"),
            (["cinch", "store", "path", "parse", "--js"], "--json"),
            (["cinch", "hash", "path", "--mod"], "--mode --modulo"),
            (["cinch", "nar", "ls", "--js"], "--json"),
            (["cinch", "key", ""], "generate-secret convert-secret-to-public"),
        ]:
            output = subprocess.run(["bash", "-c", script, "bash", *words], check=True,
                                    capture_output=True, text=True, cwd=self.directory)
            self.assertEqual(output.stdout.strip(), expected)


class OutputTest(CommandTest):
    def test_a_full_disk_is_an_error(self):
        self.make_tree()
        self.write("big", b"x" * 3_000_000)
        with open("/dev/full", "wb") as full:
            for arguments in (["hash", "path", "tree"], ["nar", "pack", "big"]):
                result = self.cinch(*arguments, stdout=full)
                self.assertEqual(result.status, 1, result)
                self.assertIn("No space left on device", result.err)

    def test_a_closed_pipe_is_quiet(self):
        self.write("big", b"x" * 3_000_000)
        reader, writer = os.pipe()
        os.close(reader)
        result = self.cinch("nar", "pack", "big", stdout=writer)
        os.close(writer)
        self.assertEqual(result.status, -13, result)
        self.assertEqual(result.err, "")

    def test_no_colours_in_files(self):
        self.assertNotIn("\x1b", self.cinch("store", "sl").err)

    def test_internal_json_errors(self):
        err = self.cinch("hash", "file", "/nonexistent", "--log-format", "internal-json").err
        self.assertTrue(err.startswith('@nix {"action":"msg","level":0,"msg":"error: '), err)


if __name__ == "__main__":
    main()
