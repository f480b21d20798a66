#!/usr/bin/env python3
"""Where settings come from, and which source wins."""
import json
import unittest

from command import CommandTest, main


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
