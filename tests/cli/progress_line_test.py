#!/usr/bin/env python3
"""What a person sees on a terminal while something takes its time; and that nobody else does."""
import os
import pty
import re
import signal
import subprocess
import threading
import time

from command import CINCH, TIMEOUT_SECONDS, CommandTest, main

LINE = re.compile(rb"adding: (\d+)/(\d+) files, [0-9.]+[BKM]/([0-9.]+)M, [0-9.]+[BKM]/s, "
                  rb"\d+:\d\d left")


class ProgressTest(CommandTest):
    def on_terminal(self, *arguments):
        """Standard output, and what the terminal got."""
        ours, theirs = pty.openpty()
        shown = bytearray()

        def read():
            try:
                while piece := os.read(ours, 4096):
                    shown.extend(piece)
            except OSError:  # the last one has hung up
                pass
        reader = threading.Thread(target=read)
        reader.start()
        out, status = self.run_slowly(theirs, *arguments)
        os.close(theirs)
        reader.join()
        os.close(ours)
        self.assertEqual(status, 0, bytes(shown))
        return out, bytes(shown)

    def run_slowly(self, errors, *arguments):
        """In a fifth of its usual speed, so that it takes more than a second wherever it runs."""
        process = subprocess.Popen(
            [CINCH, *map(str, arguments)], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=errors, cwd=self.directory, env={**self.environment, "TERM": "xterm"})
        ended = time.monotonic() + TIMEOUT_SECONDS
        while process.poll() is None and time.monotonic() < ended:
            time.sleep(0.02)
            process.send_signal(signal.SIGSTOP)
            time.sleep(0.1)
            process.send_signal(signal.SIGCONT)
        out, _ = process.communicate(timeout=TIMEOUT_SECONDS)
        return out.decode().removesuffix("\n"), process.returncode

    def large_tree(self):
        """Most of it is a hole."""
        self.write("large/small", "x")
        os.truncate(self.write("large/file", ""), 400 << 20)
        return self.directory / "large"

    def test_adding_tells_the_time_left(self):
        tree = self.large_tree()
        path = self.in_store("store", "add", "--dry-run", tree)
        added, shown = self.on_terminal("store", "add", tree, "--store", self.store)
        self.assertEqual(added, path)
        lines = LINE.findall(shown)
        self.assertTrue(lines, shown)
        for done, expected, size in lines:
            self.assertLessEqual(int(done), int(expected))
            self.assertEqual((expected, size), (b"2", b"400.0"))
        self.assertTrue(shown.endswith(b"\r\x1b[K"), shown)

    def test_others_are_not_bothered(self):
        with open(self.directory / "errors", "w+b") as errors:
            _, status = self.run_slowly(errors, "store", "add", self.large_tree(),
                                        "--store", self.store)
            errors.seek(0)
            self.assertEqual((status, errors.read()), (0, b""))


if __name__ == "__main__":
    main()
