"""Long sessions with one store: what a session has named stays alive until it ends. One is with
Nix, one with Cinch, each through its daemon."""
import socket
import subprocess
import sys
import time
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1] / "proof"))
from nix_daemon import (CLIENT_MAGIC, SERVER_MAGIC, VERSION, NixDaemon, number,  # noqa: E402
                        text)
from parties import Refused  # noqa: E402, F401

START_SECONDS = 20


class Session(NixDaemon):
    def __init__(self, command, environment):
        super().__init__(None, environment)
        self.command = command

    def __enter__(self):
        try:
            self.open()
        except BaseException:
            self.end()
            raise
        return self

    def __exit__(self, *error):
        self.close()

    def greet(self):
        self.process.stdin.write(number(CLIENT_MAGIC) + number(VERSION))
        self.process.stdin.flush()
        assert self.number() == SERVER_MAGIC
        self.number()
        self.process.stdin.write(number(0) + number(0))
        self.process.stdin.flush()
        self.text()
        self.finish()

    def end(self):
        """Whatever state it is in."""
        if self.process:
            self.process.kill()
            self.process.wait()

    def add_text(self, name, content, references=()):
        return self.do_add_content(name, "text", "sha256", list(references), content)["path"]

    def register_realisation(self, json):
        self.call(42, text(json))


class NixSession(Session):
    def open(self):
        self.process = subprocess.Popen(self.command, stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                                        env=self.environment)
        self.greet()


class CinchSession(Session):
    """With a daemon of its own, which ends with the session."""

    def __init__(self, command, environment, address):
        super().__init__([*command, "--socket", str(address)], environment)
        self.address = str(address)
        self.daemon = None

    def open(self):
        self.daemon = subprocess.Popen(self.command, stdin=subprocess.DEVNULL,
                                       stderr=subprocess.DEVNULL, env=self.environment)
        self.process = Streams(self.connect())
        self.greet()

    def connect(self):
        for _ in range(START_SECONDS * 50):
            connection = socket.socket(socket.AF_UNIX)
            if connection.connect_ex(self.address) == 0:
                return connection
            connection.close()
            time.sleep(0.02)
        raise AssertionError("the daemon does not listen")

    def close(self):
        try:
            self.process.close()
            self.daemon.terminate()
            self.daemon.wait(timeout=START_SECONDS)
        finally:
            self.end()

    def end(self):
        if self.daemon:
            self.daemon.kill()
            self.daemon.wait()
        if self.process:
            self.process.close()


class Streams:
    """A connection in the shape of a process."""

    def __init__(self, connection):
        self.connection = connection
        self.stdin = connection.makefile("wb")
        self.stdout = connection.makefile("rb")

    def close(self):
        for one in (self.stdin, self.stdout, self.connection):
            one.close()

    def wait(self):
        return "unknown"
