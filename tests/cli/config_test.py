#!/usr/bin/env python3
"""Where settings come from, and which source wins."""
import json
import os
import unittest

from command import CommandTest, main, needs_nix


class ConfigTest(CommandTest):
    def cores(self, *arguments, **options):
        return self.succeed("config", "show", "cores", *arguments, **options)

    def test_order_of_sources(self):
        self.assertEqual(self.cores(), "0")
        self.write_config("cores = 1 # a comment\n")
        self.assertEqual(self.cores(), "1")
        self.write(".config/nix/nix.conf", "cores = 2\n")
        self.assertEqual(self.cores(), "2")
        variables = {"NIX_CONFIG": "max-jobs = 7\ncores = 3"}
        self.assertEqual(self.cores(environment=variables), "3")
        self.assertEqual(self.cores("--option", "cores", "4", environment=variables), "4")
        self.assertEqual(self.cores("--cores", "5", environment=variables), "5")
        self.assertEqual(self.cores("--cores=6", environment=variables), "6")

    def test_user_files(self):
        first = self.write("first.conf", "cores = 1\n")
        second = self.write("second.conf", "cores = 2\nmax-jobs = 2\n")
        variables = {"NIX_USER_CONF_FILES": f"{first}:{second}"}
        self.assertEqual(self.cores(environment=variables), "1")
        self.assertEqual(self.succeed("config", "show", "max-jobs", environment=variables), "2")
        self.write("xdg/nix/nix.conf", "cores = 9\n")
        self.assertEqual(self.cores(environment={"XDG_CONFIG_HOME": str(self.directory / "xdg")}),
                         "9")

    def test_includes(self):
        self.write_config("include more.conf\n!include absent.conf\n")
        self.write("etc/more.conf", "cores = 8\n")
        self.assertEqual(self.cores(), "8")
        self.write_config("include absent.conf\n")
        self.assertIn("absent.conf", self.fail_with(1, "config", "show"))

    def test_flags_of_settings(self):
        show = lambda name, *rest: self.succeed("config", "show", name, *rest)
        self.assertEqual(show("keep-going", "--keep-going"), "true")
        self.write_config("keep-going = true\nsystem-features = kvm\n")
        self.assertEqual(show("keep-going", "--no-keep-going"), "false")
        self.assertEqual(show("system-features", "--extra-system-features", "big-parallel"),
                         "kvm big-parallel")
        self.assertEqual(show("store", "--store", "daemon"), "daemon")
        self.assertEqual(self.succeed("config", "show", "store",
                                      environment={"NIX_REMOTE": "unix:///x"}), "unix:///x")

    def test_unknown_settings_warn_once(self):
        self.write_config("bogus = 1\nbogus = 2\nsubstituters =\n")
        result = self.cinch("config", "show", "cores", "--option", "humbug", "1")
        self.assertEqual(result.status, 0, result)
        self.assertEqual(result.err.count("warning: unknown setting 'bogus'"), 1, result)
        self.assertEqual(result.err.count("warning: unknown setting 'humbug'"), 1, result)
        self.assertNotIn("substituters", result.err)
        self.assertEqual(self.cinch("config", "show", "cores", "--quiet", "--quiet").err, "")

    def test_what_has_no_meaning_is_kept(self):
        self.write_config("substituters = https://a  https://b\nextra-substituters = c\n"
                          "bogus = 1\nextra-cores = 2\n")
        show = lambda *arguments: self.cinch("config", "show", *arguments, "--quiet", "--quiet").out
        self.assertEqual(show("substituters"), "https://a https://b c\n")
        self.assertEqual(show("bogus"), "1\n")
        self.assertEqual(show("cores"), "0\n")
        self.assertTrue(show().endswith("\nbogus = 1\nextra-cores = 2\n"
                                        "substituters = https://a https://b c\n"))
        self.assertEqual(json.loads(show("--json"))["bogus"], {"value": "1"})

    def test_files_that_cannot_be_read(self):
        self.write_config("include folder\ncores = 3\n")
        (self.directory / "etc/folder").mkdir()
        self.assertEqual(self.cores(), "3")
        self.write_config("include folder/none\n")
        self.fail_with(1, "config", "show")

    @unittest.skipIf(os.geteuid() == 0, "root may read everything")
    def test_files_that_must_not_be_read(self):
        self.write_config("include secret\ncores = 3\n")
        self.write("etc/secret", "cores = 4\n").chmod(0)
        self.assertEqual(self.cores(), "3")

    @needs_nix
    def test_same_as_nix(self):
        names = ("cores", "keep-going", "max-build-log-size", "system-features", "trusted-users",
                 "sandbox-paths", "timeout", "log-lines", "substituters")
        self.write("etc/more/b.conf", "timeout = 7\n!include absent\ninclude c.conf\n")
        self.write("etc/more/c.conf", "log-lines = 12")
        for text in ("cores = 4 # x\n#cores = 5\n", "\t cores  =\t4\r\n", "cores = 4\ncores = 5",
                     "include more/b.conf\ntimeout = 8\n", "timeout = 8\ninclude more/b.conf\n",
                     "keep-going = yes\nkeep-going = 1\n", "build-cores = 3\n",
                     "max-build-log-size = 2048\n", "build-max-log-size = 1\nbogus = x",
                     "system-features =   b  a \n", "system-features =\nextra-system-features = c",
                     "trusted-users = a b\nextra-trusted-users = c\n",
                     "substituters = https://a.example https://b.example\n",
                     "extra-cores = 5\ncores = 2#3\n",
                     "cores = 4\f\n", "cores=4", "cores 4", "= 4", "include", "include a b",
                     "include none", "keep-going = maybe", "cores = x", "cores = -1", "cores =",
                     "max-build-log-size = 2X", "build-timeout = 1"):
            with self.subTest(text):
                self.write_config(text)
                ours = self.cinch("config", "show")
                theirs = self.nix_result("show-config", "--option", "experimental-features",
                                         "nix-command")
                self.assertEqual(ours.status == 0, theirs.status == 0, (ours, theirs))
                if ours.status == 0:
                    self.compare(names, ours.out, theirs.out)

    def compare(self, names, ours, theirs):
        """The settings of these names; lists as sets, as Nix sorts some of them."""
        values = [{name: set(value.split())
                   for name, _, value in (line.partition(" = ") for line in text.splitlines())}
                  for text in (ours, theirs)]
        for name in names:
            if name in values[0] and self.is_set(name):
                self.assertEqual(values[0][name], values[1][name], name)

    def is_set(self, name):
        """Whether nix.conf speaks of it: defaults differ."""
        return name in (self.directory / "etc/nix.conf").read_text()

    def test_bad_values(self):
        text = self.fail_with(1, "config", "show", "--cores", "many")
        self.assertIn("'cores'", text)
        self.assertNotIn("command line", text)
        self.write_config("this is no setting\n")
        self.assertIn("nix.conf:1", self.fail_with(1, "config", "show"))
        self.write_config("")
        self.fail_with(1, "config", "show", "bogus")

    def test_json(self):
        values = json.loads(self.succeed("config", "show", "--json", "--keep-going"))
        self.assertEqual(values["keep-going"], {"value": True, "defaultValue": False})
        self.assertEqual(values["trusted-users"]["value"], ["root"])
        self.assertEqual(values["cores"]["value"], 0)


if __name__ == "__main__":
    main()
