"""Runs the built `cinch` (its name is in $CINCH) in a directory of its own, with an environment
that has nothing of the machine's Nix in it; and Nix 2.8 beside it, where outputs are compared."""
import json
import os
import re
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import unittest
from contextlib import closing
from pathlib import Path

CINCH = os.environ.get("CINCH", "cinch")
NIX = shutil.which("nix")
TIMEOUT_SECONDS = 60


class Result:
    def __init__(self, process):
        self.status = process.returncode
        self.bytes = process.stdout
        self.out = process.stdout.decode(errors="replace")
        self.err = process.stderr.decode(errors="replace")

    def __repr__(self):
        return f"status {self.status}\nstdout: {self.out}\nstderr: {self.err}"


class CommandTest(unittest.TestCase):
    maxDiff = None

    def setUp(self):
        self.directory = Path(tempfile.mkdtemp(prefix="cinch-cli-"))
        self.addCleanup(self.remove_directory)
        (self.directory / "etc").mkdir()
        self.root = self.directory / "root"
        self.store = f"local?root={self.root}"
        self.database = self.root / "nix/var/nix/db/db.sqlite"
        self.enter = []  # what the commands run in
        self.environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.directory),
            "NIX_CONF_DIR": str(self.directory / "etc"),
            "LC_ALL": "C.UTF-8",
        }
        # Sanitizers and coverage are steered through the environment.
        for name, value in os.environ.items():
            if name.endswith("SAN_OPTIONS") or name == "LD_LIBRARY_PATH":
                self.environment[name] = value

    def remove_directory(self):
        for folder, _, _ in os.walk(self.directory):
            os.chmod(folder, 0o700)
        shutil.rmtree(self.directory)

    def cinch(self, *arguments, input=b"", environment=None, **options):
        """Runs cinch and returns what happened, whatever that was."""
        options.setdefault("stdout", subprocess.PIPE)
        process = subprocess.run([*self.enter, CINCH, *map(str, arguments)], input=input,
                                 stderr=subprocess.PIPE, cwd=self.directory,
                                 env={**self.environment, **(environment or {})},
                                 timeout=TIMEOUT_SECONDS, **options)
        if process.stdout is None:
            process.stdout = b""
        return Result(process)

    def succeed(self, *arguments, **options):
        """Its standard output, without the last newline."""
        result = self.cinch(*arguments, **options)
        self.assertEqual(result.status, 0, result)
        return result.out.removesuffix("\n")

    def fail_with(self, status, *arguments, **options):
        """Fails with this status, one `error:` line first; returns what standard error says."""
        result = self.cinch(*arguments, **options)
        self.assertEqual(result.status, status, result)
        self.assertRegex(result.err, r"(?m)^error: \S", result)
        return result.err

    def in_store(self, *arguments, **options):
        return self.succeed(*arguments, "--store", self.store, **options)

    def real(self, path, root=None):
        """Where an object of the store lies, or of the one below another root."""
        return Path(root or self.root) / path.lstrip("/")

    def execute(self, sql, *values):
        """Asks or changes the store's database as another program does; returns the rows."""
        with closing(sqlite3.connect(self.database)) as database:
            rows = database.execute(sql, values).fetchall()
            database.commit()
        return rows

    def settle(self):
        """Brings the log into the database, as whoever closes it last does."""
        self.execute("pragma wal_checkpoint(truncate)")

    def nix(self, *arguments, input=b""):
        """What Nix 2.8 prints for the same arguments."""
        result = self.nix_result(*arguments, input=input, environment={
            "NIX_CONFIG": "experimental-features = nix-command\nbuild-users-group =\n"
                          "substituters =\nsandbox = false"})
        self.assertEqual(result.status, 0, result)
        return result.out.removesuffix("\n")

    def nix_result(self, *arguments, program=NIX, input=b"", environment=None):
        """Runs Nix 2.8 and returns what happened, whatever that was."""
        return Result(subprocess.run([program, *map(str, arguments)], input=input,
                                     capture_output=True,
                                     cwd=self.directory, timeout=TIMEOUT_SECONDS,
                                     env={**self.environment, **(environment or {})}))

    def write(self, name, text, executable=False):
        file = self.directory / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(text if isinstance(text, bytes) else text.encode())
        if executable:
            file.chmod(0o755)
        return file

    def allow_host_tools(self):
        """Shows the host's shell and its friends to builds."""
        paths = [f"/{name}" for name in ("bin", "usr", "lib", "lib64")
                 if os.path.exists(f"/{name}")]
        self.write_config(f"sandbox-paths = {' '.join(paths)}\n")

    def make_tree(self, name="tree"):
        """A tree with one of everything that a store object may hold."""
        self.write(f"{name}/a", "hi\n", executable=True)
        self.write(f"{name}/empty", "")
        self.write(f"{name}/sub/b", "x\n")
        self.write(f"{name}/sub/deeper/c", "y" * 5000)
        (self.directory / name / "link").symlink_to("a")
        return self.directory / name

    def write_config(self, text):
        self.write("etc/nix.conf", text)


def derivation(name, script, **fields):
    """A derivation that runs a shell script, as JSON; its output's path is for cinch to fill in."""
    value = {
        "name": name,
        "version": 4,
        "outputs": {"out": {}},
        "inputs": {"srcs": [], "drvs": {}},
        "system": "x86_64-linux",
        "builder": "/bin/sh",
        "args": ["-c", script],
        "env": {"PATH": "/bin:/usr/bin"},
    }
    value.update(fields)
    return json.dumps(value).encode()


def main():
    """As unittest.main, but for meson: 77 if there was nothing that could be tested."""
    program = unittest.main(module="__main__", exit=False, verbosity=1)
    result = program.result
    if not result.wasSuccessful():
        sys.exit(1)
    sys.exit(77 if result.testsRun == len(result.skipped) else 0)


def namespaces_work():
    if "CINCH_SANDBOX_MUST_WORK" in os.environ:
        return True
    return subprocess.run(["unshare", "-Ur", "true"], capture_output=True).returncode == 0


def nix_version():
    """Major and minor."""
    text = subprocess.run([NIX, "--version"], capture_output=True, text=True, check=True,
                          timeout=TIMEOUT_SECONDS).stdout
    return tuple(map(int, re.search(r"([0-9]+)\.([0-9]+)", text).groups()))


needs_sandbox = unittest.skipUnless(namespaces_work(), "the system forbids user namespaces")
needs_nix = unittest.skipUnless(NIX, "nix is not installed")
