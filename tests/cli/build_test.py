#!/usr/bin/env python3
"""build and log, in a sandbox; exit statuses; Ctrl-C."""
import json
import os
import signal
import subprocess
import time
import unittest
from pathlib import Path

from command import CINCH, TIMEOUT_SECONDS, CommandTest, derivation, main, needs_sandbox


@needs_sandbox
class BuildTest(CommandTest):
    def setUp(self):
        super().setUp()
        self.allow_host_tools()

    def add(self, name, script, **fields):
        return self.in_store("derivation", "add", input=derivation(name, script, **fields))

    def build(self, *arguments, **options):
        return self.in_store("build", *arguments, **options)

    def test_builds_and_links(self):
        path = self.add("hello", "echo hello > $out; echo a log line")
        out = self.build(path + "^out", "--print-out-paths")
        self.assertRegex(out, r"^/nix/store/[0-9a-z]{32}-hello$")
        self.assertEqual(os.readlink(self.directory / "result"), out)
        self.assertEqual(self.in_store("store", "cat", "result"), "hello")
        self.assertEqual(self.in_store("log", path), "a log line")
        self.assertEqual(self.in_store("log", out), "a log line")
        self.assertEqual(self.in_store("store", "verify", out), "")
        # The link is a root of the garbage collector.
        roots = self.root / "nix/var/nix/gcroots/auto"
        self.assertIn(str(self.directory / "result"),
                      [os.readlink(roots / name) for name in os.listdir(roots)])
        # A second time nothing runs.
        again = self.cinch("build", path + "^*", "--store", self.store)
        self.assertEqual(again.status, 0)
        self.assertNotIn("building", again.err)

    def test_messages(self):
        path = self.add("talk", "echo one; echo two >&2; echo > $out")
        result = self.cinch("build", path + "^*", "-L", "--no-link", "--store", self.store)
        self.assertEqual(result.out, "")
        self.assertIn(f"building '{path}'...\n", result.err)
        self.assertIn("talk> one\n", result.err)
        self.assertIn("talk> two\n", result.err)
        self.assertFalse((self.directory / "result").exists())

    def test_internal_json(self):
        path = self.add("talk", "echo one; echo > $out")
        result = self.cinch("build", path + "^*", "--log-format", "internal-json",
                            "--store", self.store)
        self.assertEqual(result.status, 0, result)
        events = []
        for line in result.err.splitlines():
            self.assertTrue(line.startswith("@nix "), line)
            events.append(json.loads(line.removeprefix("@nix ")))
        start = next(event for event in events
                     if event["action"] == "start" and event["type"] == 105)
        self.assertEqual(start["fields"][0], path)
        self.assertIn({"action": "result", "type": 101, "id": start["id"], "fields": ["one"]},
                      events)
        self.assertIn({"action": "stop", "id": start["id"]}, events)

    def test_json_and_many_outputs(self):
        path = self.add("many", "echo a > $out; echo b > $dev", outputs={"out": {}, "dev": {}})
        [entry] = json.loads(self.build(path + "^*", "--json"))
        self.assertEqual(entry["drvPath"], path)
        self.assertEqual(set(entry["outputs"]), {"out", "dev"})
        self.assertEqual(os.readlink(self.directory / "result-dev"), entry["outputs"]["dev"])
        other = self.add("other", "echo > $out")
        self.build(path + "^dev", other + "^out", "-o", "links")
        self.assertEqual({name for name in os.listdir(self.directory) if "links" in name},
                         {"links-dev", "links-1"})

    def check(self, *paths):
        return self.cinch("nix-store", "-r", "--check", *paths, "--store", self.store)

    def objects(self):
        return set(os.listdir(self.root / "nix/store"))

    def test_check_builds_again(self):
        path = self.add("same", "echo same > $out; echo built")
        out = self.build(path + "^*", "--no-link", "--print-out-paths")
        before = self.objects()
        result = self.check(path)
        self.assertEqual((result.status, result.out), (0, out + "\n"), result)
        self.assertIn(f"building '{path}'", result.err)
        self.assertEqual(self.objects(), before)

    def test_check_finds_what_is_not_deterministic(self):
        path = self.add("random", "cat /proc/sys/kernel/random/uuid > $out")
        same = self.add("same", "echo same > $out")
        out = self.build(path + "^*", "--no-link", "--print-out-paths")
        self.build(same + "^*", "--no-link")
        before, content = self.objects(), self.in_store("store", "cat", out)
        result = self.check(path)
        self.assertEqual((result.status, result.out), (104, ""), result)
        self.assertIn(f"error: derivation '{path}' may not be deterministic: output '{out}' "
                      "differs\n", result.err)
        # The old one is left alone, and nothing else is left.
        self.assertEqual(self.in_store("store", "cat", out), content)
        self.assertEqual(self.in_store("store", "verify", "--all", "--no-trust"), "")
        self.assertEqual(self.objects(), before)
        # What comes after a failure is tried if it is wanted, and does not change the status.
        for words in ([], ["--keep-going"]):
            result = self.check(path, same, *words)
            self.assertEqual(result.status, 104, result)
            self.assertEqual(f"building '{same}'" in result.err, bool(words), result)

    def test_check_needs_outputs_but_no_inputs(self):
        base = self.add("base", "echo base > $out")
        path = self.add("top", "cat $base > $out", inputs={"srcs": [], "drvs": {
            os.path.basename(base): {"outputs": ["out"], "dynamicOutputs": {}}}},
                        env={"PATH": "/bin:/usr/bin", "base": self.output_of(base)})
        result = self.check(path)
        self.assertEqual(result.status, 1, result)
        self.assertIn(f"some outputs of '{path}' are not valid, so checking is not possible",
                      result.err)
        self.build(path + "^*", "--no-link")
        self.in_store("store", "delete", self.output_of(base))
        result = self.check(path)
        self.assertEqual(result.status, 0, result)
        self.assertIn(f"building '{base}'", result.err)

    def output_of(self, path):
        return self.in_store("nix-store", "--query", "--outputs", path)

    def test_dry_run(self):
        path = self.add("hello", "echo > $out")
        result = self.cinch("build", path + "^*", "--dry-run", "--store", self.store)
        self.assertEqual(result.status, 0, result)
        self.assertIn("this derivation will be built:", result.err)
        self.assertIn(path, result.err)
        self.assertFalse((self.directory / "result").exists())

    def test_plain_paths(self):
        path = self.add("hello", "echo > $out")
        result = self.cinch("build", path, "--no-link", "--store", self.store)
        self.assertEqual(result.status, 0, result)
        self.assertIn(path + "^*", result.err)
        self.fail_with(1, "build", path + "^nope", "--store", self.store)
        absent = "/nix/store/00000000000000000000000000000000-absent"
        self.fail_with(1, "build", absent, "--no-link", "--store", self.store)

    def test_links_replace_only_links(self):
        path = self.add("hello", "echo > $out")
        self.write("result", "precious")
        self.fail_with(1, "build", path + "^*", "--store", self.store)
        self.assertEqual((self.directory / "result").read_text(), "precious")

    def test_failure(self):
        path = self.add("broken", "echo some words; exit 7")
        err = self.fail_with(100, "build", path + "^*", "--store", self.store)
        self.assertIn(path, err)
        self.assertIn("7", err)
        self.assertIn("some words", err)
        self.assertFalse((self.directory / "result").exists())

    def test_timeouts(self):
        path = self.add("slow", "sleep 30; echo > $out")
        self.fail_with(101, "build", path + "^*", "--timeout", "1", "--store", self.store)
        self.fail_with(101, "build", path + "^*", "--max-silent-time", "1", "--store", self.store)

    def test_hash_mismatch(self):
        wrong = "sha256-AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="
        path = self.add("fixed", "echo hi > $out",
                        outputs={"out": {"method": "flat", "hash": wrong}})
        err = self.fail_with(102, "build", path + "^*", "--store", self.store)
        self.assertIn("sha256-AAAA", err)

    def test_keep_going(self):
        bad = self.add("bad", "exit 1")
        good = self.add("good", "sleep 0.3; echo > $out")
        result = self.cinch("build", "-k", bad + "^*", good + "^*", "--store", self.store)
        self.assertEqual(result.status, 100, result)
        out = self.in_store("path-info", good + "^out")
        self.assertRegex(out, "-good$")

    def test_needs_a_build_store(self):
        self.assertIn("error:", self.fail_with(1, "log", "/nix/store/" + "0" * 32 + "-x",
                                               "--store", self.store))

    def processes_of(self, word):
        found = []
        for name in os.listdir("/proc"):
            if not name.isdigit():
                continue
            try:
                command = Path(f"/proc/{name}/cmdline").read_bytes()
            except OSError:
                continue
            if word.encode() in command and int(name) != os.getpid():
                found.append(int(name))
        return found

    def on_terminal(self, *arguments, environment=None):
        """What a terminal gets on standard error."""
        leader, follower = os.openpty()
        process = subprocess.Popen([CINCH, *arguments, "--store", self.store],
                                   stdout=subprocess.DEVNULL, stderr=follower, cwd=self.directory,
                                   env={**self.environment, "TERM": "xterm", **(environment or {})})
        os.close(follower)
        text = b""
        try:
            while chunk := os.read(leader, 65536):
                text += chunk
        except OSError:  # so ends a terminal that nobody holds open any more
            pass
        os.close(leader)
        self.assertEqual(process.wait(TIMEOUT_SECONDS), 0, text)
        return text.decode()

    def test_terminal(self):
        script = "echo one; sleep 0.2; printf '\\033[2Jtwo\\n'; sleep 0.2; echo > $out"
        first = self.add("first", script)
        text = self.on_terminal("build", first + "^*")
        self.assertIn("[0/1 built, 1 running] first> two", text)
        self.assertNotIn("\x1b[2J", text)
        self.assertTrue(text.endswith("\r\x1b[K"), text)
        second = self.add("second", script)
        text = self.on_terminal("build", second + "^*", "-L", environment={"NO_COLOR": "1"})
        self.assertIn("second> two\r\n", text)
        self.assertNotIn("\x1b[3", text)
        self.assertNotIn("\x1b[2J", text)
        third = self.add("third", "echo > $out")
        text = self.on_terminal("build", third + "^*", environment={"TERM": "dumb"})
        self.assertNotIn("\x1b", text)

    def test_errors_quote_no_escape_sequences(self):
        path = self.add("evil", "printf '\\033[2Ja\\033]0;title\\007b\\n'; exit 3")
        err = self.fail_with(100, "build", path + "^*", "--store", self.store)
        self.assertIn("> ab\n", err)
        self.assertNotIn("\x1b", err)
        self.assertNotIn("\x1b", self.fail_with(1, "hash", "file", "no\x1b[2J such"))

    def interrupt(self, number, expected, times=1):
        mark = f"97{os.getpid()}"
        path = self.add("endless", f"echo started; sleep {mark}")
        process = subprocess.Popen([CINCH, "build", "-L", path + "^*", "--store", self.store],
                                   stderr=subprocess.PIPE, cwd=self.directory,
                                   env=self.environment, start_new_session=True)
        self.addCleanup(process.stderr.close)
        for line in process.stderr:
            if b"endless> started" in line:
                break
        began = time.monotonic()
        for _ in range(times):
            process.send_signal(number)
        rest = process.stderr.read().decode()
        self.assertEqual(process.wait(10), expected, rest)
        self.assertLess(time.monotonic() - began, 5)
        while times > 1 and self.processes_of(f"sleep\0{mark}"):
            self.assertLess(time.monotonic() - began, 5)
        self.assertEqual(self.processes_of(f"sleep\0{mark}"), [])
        self.assertNotIn(str(self.root), Path("/proc/self/mountinfo").read_text())
        if times == 1:
            self.assertIn("error: interrupted by the user", rest)
            self.assertEqual(os.listdir(self.root / "nix/var/nix/builds"), [])
        # Nobody holds a lock: another build of the same starts at once.
        again = self.cinch("build", path + "^*", "--timeout", "1", "--store", self.store)
        self.assertEqual(again.status, 101, again)

    def test_interrupt(self):
        self.interrupt(signal.SIGINT, 130)

    def test_two_interrupts(self):
        self.interrupt(signal.SIGINT, 130, times=2)

    def test_terminate(self):
        self.interrupt(signal.SIGTERM, 143)


if __name__ == "__main__":
    main()
