#!/usr/bin/env python3
"""realisation info; and realisations that Nix 2.8 and Cinch share, in one store and through each
other's daemons."""
import json
import os
import signal
import socket
import sqlite3
import subprocess
import time
import unittest
from contextlib import closing

from command import CINCH, TIMEOUT_SECONDS, CommandTest, derivation, main, needs_nix

NIX_CONFIG = """experimental-features = nix-command ca-derivations
build-users-group =
substituters =
sandbox = false
"""
EXPRESSION = """
let floating = { system = "x86_64-linux"; builder = "/bin/sh"; __contentAddressed = true;
                 outputHashAlgo = "sha256"; outputHashMode = "recursive"; };
in rec {
  floating1 = derivation (floating // { name = "a"; args = [ "-c" "echo a > $out" ]; });
  floating2 = derivation (floating // { name = "b"; outputs = [ "out" "dev" ];
    args = [ "-c" "echo ${floating1} > $out; echo dev > $dev" ]; });
  plain = derivation { name = "c"; system = "x86_64-linux"; builder = "/bin/sh";
    args = [ "-c" "echo c > $out" ]; };
  fixed = derivation { name = "d"; system = "x86_64-linux"; builder = "/bin/sh";
    args = [ "-c" "printf d > $out" ]; outputHashAlgo = "sha256"; outputHashMode = "flat";
    outputHash = "18ac3e7343f016890c510e93f935261169d9e3f565436429830faf0934f4f8e4"; };
  deferred = derivation { name = "e"; system = "x86_64-linux"; builder = "/bin/sh";
    args = [ "-c" "echo ${floating2.dev} ${plain} ${fixed} > $out" ]; };
}
"""
NAMES = ["floating1", "floating2", "plain", "fixed", "deferred"]
HASHED = "sha256:" + 64 * "0" + "!out"


class RealisationTest(CommandTest):
    def add_derivation(self, **fields):
        return self.in_store("derivation", "add", input=derivation("x", "true", **fields))

    def test_shows_what_is_known(self):
        drv = self.add_derivation()
        name = os.path.basename(drv)
        out = self.in_store("path-info", f"{drv}^out", "--json")  # makes the store
        path = next(iter(json.loads(out)))
        # As Nix 2.35 has it.
        with closing(sqlite3.connect(self.database)) as database:
            database.executescript(
                "create table BuildTraceV3 (id integer primary key autoincrement not null, "
                "drvPath text not null, outputName text not null, outputPath text not null, "
                "signatures text); create index IndexBuildTraceV3 on "
                "BuildTraceV3(drvPath, outputName);")
            database.execute("insert into BuildTraceV3 (drvPath, outputName, outputPath, "
                             "signatures) values (?, 'out', ?, '')", (name, path))
            database.commit()
        line = f"{name}^out {path}"
        self.assertEqual(self.in_store("realisation", "info", f"{drv}^out"), line)
        self.assertEqual(self.in_store("realisation", "info", f"{drv}^*"), line)
        self.assertEqual(self.in_store("realisation", "info", "--all"), line)
        self.assertEqual(self.in_store("store", "build-trace", "info", f"{drv}^out", drv),
                         line + "\n" + drv)
        self.assertIn("store build-trace info", self.succeed("store", "build-trace", "--help"))
        found = json.loads(self.in_store("realisation", "info", "--json", f"{drv}^out", drv))
        self.assertEqual(found, [
            {"key": {"drvPath": name, "outputName": "out"},
             "value": {"outPath": os.path.basename(path), "signatures": []}},
            {"opaquePath": drv}])

    def test_refuses(self):
        drv = self.add_derivation()
        refused = (
            ((f"{drv}^out",), f"no realisation of '{drv}^out' is known"),
            ((f"{drv}^dev",), "the derivation has no output 'dev'"),
            ((HASHED,), f"no realisation of '{HASHED}' is known"),
            (("sha1:!out",), "a sha1 digest cannot have"),
            ((), "name some outputs, or use --all"))
        for arguments, words in refused:
            error = self.fail_with(1, "realisation", "info", "--store", self.store, *arguments)
            self.assertIn(words, error)
        self.assertEqual(self.in_store("realisation", "info", "--all"), "")
        self.assertEqual(self.in_store("realisation", "info", "--all", "--json"), "[]")


@needs_nix
class SharedTest(CommandTest):
    """Nix 2.8 builds with content-addressed derivations switched on."""

    def setUp(self):
        super().setUp()
        self.write_config(NIX_CONFIG)
        self.write("ca.nix", EXPRESSION)
        self.store = "auto"
        self.database = self.directory / "var/db/db.sqlite"
        for name, folder in (("STORE", "store"), ("STATE", "var"), ("LOG", "log")):
            self.environment[f"NIX_{name}_DIR"] = str(self.directory / folder)

    def run_nix(self, program, *arguments, **options):
        result = self.nix_result(*arguments, program=program, **options)
        self.assertEqual(result.status, 0, result)
        return result.out.strip()

    def nix_info(self, *names, **options):
        text = self.run_nix("nix", "realisation", "info", "--offline", "--json", "-f", "ca.nix",
                            *names, **options)
        # Later versions than 2.8 tell of the other outputs, too.
        return [info for info in json.loads(text) if info["id"].endswith("!out")]

    def build_all(self):
        """By name: the derivation."""
        derivations = {name: self.run_nix("nix-instantiate", "ca.nix", "-A", name)
                       for name in NAMES}
        self.run_nix("nix-store", "--realise", *derivations.values())
        return derivations

    def test_both_know_the_same(self):
        derivations = self.build_all()
        for name in NAMES:
            ours = json.loads(self.in_store("realisation", "info", "--json",
                                            f"{derivations[name]}^out"))
            self.assertEqual(ours, self.nix_info(name), name)
            self.assertGreater(len(ours), 0)
        for name in NAMES:  # also those whose paths only realisations tell
            output = f"{derivations[name]}^out"
            realised = self.in_store("realisation", "info", output).split()[1]
            self.assertEqual(self.in_store("path-info", output), realised)
        both = self.in_store("realisation", "info", f"{derivations['floating2']}^*")
        self.assertEqual(len(both.splitlines()), 2)
        everything = self.in_store("realisation", "info", "--all").splitlines()
        count = self.execute("select count(*) from Realisations")[0][0]
        self.assertEqual(len(everything), count)

    def test_collecting_leaves_no_row_behind(self):
        derivations = self.build_all()
        kept = self.in_store("realisation", "info", f"{derivations['plain']}^out")
        path = kept.split()[1]
        (self.directory / "var/gcroots/kept").symlink_to(path)
        self.succeed("store", "gc", "--option", "keep-derivations", "false")
        self.assertEqual(self.in_store("realisation", "info", "--all"), kept)
        self.assertEqual(self.execute("pragma foreign_key_check"), [])
        self.assertEqual(self.execute("select count(*) from RealisationsRefs"), [(0,)])
        self.run_nix("nix-store", "--verify", "--check-contents")
        # What was forgotten is built anew.
        self.build_all()
        self.assertEqual(self.nix_info("deferred"), json.loads(self.in_store(
            "realisation", "info", "--json", f"{derivations['deferred']}^out")))

    def daemon(self, *command):
        """The environment of who uses this daemon."""
        place = self.directory / "socket"
        process = subprocess.Popen(command, env={
            **self.environment, "NIX_DAEMON_SOCKET_PATH": str(place)},
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
        self.addCleanup(process.wait, TIMEOUT_SECONDS)
        self.addCleanup(os.killpg, process.pid, signal.SIGTERM)
        for _ in range(1000):
            with socket.socket(socket.AF_UNIX) as probe:
                if probe.connect_ex(str(place)) == 0:
                    return {"NIX_REMOTE": f"unix://{place}"}
            time.sleep(0.02)
        self.fail(f"{command[0]} does not listen")

    def test_nix_asks_our_daemon(self):
        self.build_all()
        told = self.nix_info("floating2", "deferred")
        through = self.daemon(CINCH, "daemon")
        self.assertEqual(self.nix_info("floating2", "deferred", environment=through), told)

    def test_we_ask_the_daemon_of_nix(self):
        derivations = self.build_all()
        asked = ["realisation", "info", "--json", f"{derivations['deferred']}^out",
                 f"{derivations['floating2']}^*"]
        told = self.succeed(*asked)
        through = self.daemon("nix-daemon")
        self.assertEqual(self.succeed(*asked, environment=through), told)
        error = self.fail_with(1, "realisation", "info", HASHED, environment=through)
        self.assertIn(f"no realisation of '{HASHED}' is known", error)
        error = self.fail_with(1, "realisation", "info", "--all", environment=through)
        self.assertIn("cannot list all realisations", error)


if __name__ == "__main__":
    main()
