#!/usr/bin/env python3
"""The daemon, with our own client and with Nix's."""
import json
import signal
import subprocess
import unittest

from command import CINCH, CommandTest, derivation, main, needs_nix, needs_sandbox


class DaemonTest(CommandTest):
    def setUp(self):
        super().setUp()
        self.socket = self.directory / "socket"

    def start(self, *arguments):
        process = subprocess.Popen([CINCH, "daemon", "--store", self.store, "--socket", self.socket,
                                    *arguments], stderr=subprocess.PIPE, cwd=self.directory,
                                   env=self.environment)
        self.addCleanup(process.stderr.close)
        self.addCleanup(process.kill)
        line = process.stderr.readline().decode()
        self.assertIn(f"listening on '{self.socket}'", line)
        return process

    def stop(self, process, number=signal.SIGTERM):
        process.send_signal(number)
        self.assertEqual(process.wait(10), 0)
        self.assertFalse(self.socket.exists())

    def test_our_client(self):
        process = self.start()
        url = f"unix://{self.socket}"
        self.make_tree()
        path = self.succeed("store", "add", "tree", "--store", url)
        self.assertEqual(self.succeed("hash", "path", "tree"),
                         json.loads(self.succeed("path-info", "--json", path, "--store",
                                                 url))[path]["narHash"])
        self.assertEqual(self.succeed("store", "ls", "-R", path, "--store", url).split(),
                         ["./a", "./empty", "./link", "./sub", "./sub/b", "./sub/deeper",
                          "./sub/deeper/c"])
        self.assertEqual(self.succeed("store", "cat", path + "/a", environment={"NIX_REMOTE": url}),
                         "hi")
        self.assertRegex(self.succeed("store", "info", "--store", url),
                         f"^Store URL: {url}\nVersion: cinch-0[.0-9]+$")
        self.stop(process)
        self.assertEqual(self.in_store("path-info", path), path)

    @needs_sandbox
    def test_build_through_the_daemon(self):
        self.allow_host_tools()
        process = self.start()
        store = ["--store", f"unix://{self.socket}"]
        good = self.succeed("derivation", "add", *store,
                            input=derivation("good", "echo a line; echo > $out"))
        result = self.cinch("build", good + "^*", "-L", "--print-out-paths", *store)
        self.assertEqual(result.status, 0, result)
        self.assertIn(f"building '{good}'...", result.err)
        self.assertIn("good> a line", result.err)
        self.assertEqual(self.in_store("path-info", result.out.strip()), result.out.strip())
        bad = self.succeed("derivation", "add", *store,
                           input=derivation("bad", "echo words; exit 9"))
        err = self.fail_with(100, "build", bad + "^*", *store)
        self.assertIn(bad, err)
        self.assertIn("9", err)
        self.assertIn("hint:", self.fail_with(1, "log", good, *store))
        self.stop(process)

    @needs_nix
    def test_nix_as_client(self):
        process = self.start()
        url = f"unix://{self.socket}"
        self.make_tree()
        path = self.nix("store", "add-path", "tree", "--store", url)
        self.assertEqual(self.in_store("path-info", path), path)
        self.stop(process, signal.SIGINT)

    def test_second_daemon_is_refused(self):
        process = self.start()
        self.fail_with(1, "daemon", "--store", self.store, "--socket-path", self.socket)
        self.assertTrue(self.socket.exists())
        self.stop(process)

    def test_default_socket(self):
        state = self.directory / "state"
        for store, variables, expected in [
            (self.store, {}, f"{self.root}/nix/var/nix"),
            ("./root", {}, "/root/nix/var/nix"),
            (f"{self.store}&state={state}", {}, state),
            ("local", {"NIX_STATE_DIR": str(state), "NIX_STORE_DIR": f"{self.directory}/store",
                       "NIX_LOG_DIR": f"{self.directory}/log"}, state),
        ]:
            with self.subTest(store):
                process = subprocess.Popen([CINCH, "daemon", "--store", store],
                                           stderr=subprocess.PIPE, cwd=self.directory,
                                           env={**self.environment, **variables})
                self.addCleanup(process.stderr.close)
                self.addCleanup(process.kill)
                self.assertIn(f"{expected}/daemon-socket/socket",
                              process.stderr.readline().decode())
                process.terminate()
                self.assertEqual(process.wait(10), 0)


if __name__ == "__main__":
    main()
