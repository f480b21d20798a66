#!/usr/bin/env python3
"""Where a store lies: URLs, environment variables, read-only stores and read-only mounts. What Nix
2.8 takes the same variables for is compared where it is installed."""
import bz2
import os
import shutil
import signal
import socket
import subprocess
import time
import unittest
from pathlib import Path

from command import CINCH, TIMEOUT_SECONDS, CommandTest, derivation, main, needs_nix

# A user and mount namespace; $1 is mounted over itself, read-only.
READ_ONLY = ['unshare', '-rm', 'sh', '-c',
             'mount --bind "$1" "$1" && mount -o remount,bind,ro "$1" && shift && exec "$@"', 'sh']

# A mount namespace that lives as long as its input; $1 is mounted as $2.
FOLDING = ["unshare", "--mount", "--propagation", "private", "sh", "-c",
           'mount -o loop "$1" "$2" && mkdir "$2/root" && chattr +F "$2/root" && echo mounted && '
           'exec cat', "sh"]


def mounts_work():
    return subprocess.run([*READ_ONLY, "/usr", "true"], capture_output=True).returncode == 0


class UrlTest(CommandTest):
    def test_each_directory_apart(self):
        places = {name: self.directory / f"the {name}" for name in ("real", "state", "log")}
        url = "local?root=" + str(self.root) + "".join(
            f"&{name}={place}" for name, place in places.items()).replace(" ", "%20")
        file = self.write("file", "text\n")
        path = self.succeed("store", "add", file, "--store", url)
        self.assertTrue(path.startswith("/nix/store/"))
        name = os.path.basename(path)
        self.assertEqual((places["real"] / name).read_text(), "text\n")
        self.assertTrue((places["state"] / "db/db.sqlite").exists())
        self.assertFalse((self.root / "nix").exists())
        drv = self.succeed("derivation", "add", "--store", url, input=derivation("x", "true"))
        log = os.path.basename(drv)
        (places["log"] / "drvs" / log[:2]).mkdir(parents=True)
        (places["log"] / "drvs" / log[:2] / f"{log[2:]}.bz2").write_bytes(bz2.compress(b"words\n"))
        self.assertEqual(self.succeed("log", drv, "--store", url), "words")
        # Its own name for itself opens it again.
        told = self.succeed("store", "info", "--store", url)
        again = told.split("Store URL: ")[1].splitlines()[0]
        self.assertEqual(self.succeed("store", "cat", path, "--store", again), "text")

    def test_logical_directory(self):
        url = f"local?root={self.root}&store=/other/store"
        path = self.succeed("store", "add", self.write("file", "x"), "--store", url)
        self.assertTrue(path.startswith("/other/store/"))
        self.assertTrue((self.root / path[1:]).exists())

    def test_directory_alone_is_a_root(self):
        path = self.succeed("store", "add", self.write("file", "x"), "--store", "./root")
        self.assertTrue((self.root / path[1:]).exists())
        self.assertEqual(self.in_store("path-info", "--all"), path)


class DaemonTest(CommandTest):
    def daemon(self, place, environment=None):
        """Serves the store of the test until its end."""
        place.parent.mkdir(parents=True, exist_ok=True)
        process = subprocess.Popen([CINCH, "daemon", "--store", f"local?root={self.root}",
                                    "--socket", place], stderr=subprocess.DEVNULL,
                                   env={**self.environment, **(environment or {})})
        self.addCleanup(process.wait, TIMEOUT_SECONDS)
        self.addCleanup(process.send_signal, signal.SIGTERM)
        for _ in range(1000):
            with socket.socket(socket.AF_UNIX) as probe:
                if probe.connect_ex(str(place)) == 0:
                    return
            time.sleep(0.02)
        self.fail("the daemon does not listen")


class EnvironmentTest(DaemonTest):
    def setUp(self):
        super().setUp()
        self.file = self.write("file", "text\n")
        for name in ("store", "state", "log"):
            self.environment[f"NIX_{'STATE' if name == 'state' else name.upper()}_DIR"] = str(
                self.directory / name)

    def test_directories(self):
        path = self.succeed("store", "add", self.file)
        self.assertEqual(os.path.dirname(path), str(self.directory / "store"))
        self.assertTrue(os.path.exists(path))
        self.assertTrue((self.directory / "state/db/db.sqlite").exists())
        drv = self.succeed("derivation", "add", input=derivation("x", "true"))
        log = os.path.basename(drv)
        (self.directory / "log/drvs" / log[:2]).mkdir(parents=True)
        (self.directory / "log/drvs" / log[:2] / log[2:]).write_text("words\n")
        self.assertEqual(self.succeed("log", drv), "words")

    def test_older_name_of_the_store_directory(self):
        del self.environment["NIX_STORE_DIR"]
        other = {"NIX_STORE": str(self.directory / "older")}
        path = self.succeed("store", "add", self.file, environment=other)
        self.assertEqual(os.path.dirname(path), other["NIX_STORE"])
        newer = {**other, "NIX_STORE_DIR": str(self.directory / "newer"),
                 "NIX_STATE_DIR": str(self.directory / "newer-state")}
        path = self.succeed("store", "add", self.file, environment=newer)
        self.assertEqual(os.path.dirname(path), newer["NIX_STORE_DIR"])

    def test_url_wins_over_environment(self):
        path = self.succeed("store", "add", self.file, "--store", f"local?root={self.root}")
        # A root changes where things lie, and the store directory keeps its name.
        self.assertTrue((self.root / path[1:]).exists())
        self.assertTrue((self.root / "nix/var/nix/db/db.sqlite").exists())
        self.assertFalse((self.directory / "state").exists())

    def test_remote(self):
        there = {"NIX_REMOTE": f"local?root={self.root}"}
        path = self.succeed("store", "add", self.file, environment=there)
        self.assertTrue((self.root / path[1:]).exists())
        elsewhere = {"NIX_REMOTE": f"unix://{self.directory}/nobody"}
        self.assertIn("nobody", self.fail_with(1, "path-info", "--all", environment=elsewhere))

    def test_configuration(self):
        other = self.directory / "other-etc"
        other.mkdir()
        (other / "nix.conf").write_text("cores = 7\nmax-jobs = 7\nkeep-going = true\n")
        user = self.write("user.conf", "max-jobs = 8\ncores = 8\n")
        there = {"NIX_CONF_DIR": str(other), "NIX_USER_CONF_FILES": str(user),
                 "NIX_CONFIG": "cores = 9"}
        told = [self.succeed("config", "show", name, environment=there)
                for name in ("cores", "max-jobs", "keep-going")]
        self.assertEqual(told, ["9", "8", "true"])

    def test_socket(self):
        plain = {"NIX_STORE_DIR": "/nix/store", "NIX_STATE_DIR": str(self.directory / "none")}
        place = self.directory / "elsewhere/socket"
        self.daemon(place, plain)
        path = self.in_store("store", "add", self.file, environment=plain)
        there = {**plain, "NIX_DAEMON_SOCKET_PATH": str(place)}
        for remote in ("daemon", "auto", ""):
            told = self.succeed("path-info", "--all", environment={**there, "NIX_REMOTE": remote})
            self.assertEqual(told, path, remote)

    def test_socket_below_the_state_directory(self):
        plain = {"NIX_STORE_DIR": "/nix/store", "NIX_STATE_DIR": str(self.directory / "state")}
        self.daemon(self.directory / "state/daemon-socket/socket", plain)
        path = self.in_store("store", "add", self.file, environment=plain)
        told = self.succeed("path-info", "--all", "--store", "daemon", environment=plain)
        self.assertEqual(told, path)

    @needs_nix
    def test_nix_finds_it_in_the_same_places(self):
        path = self.succeed("store", "add", self.file)
        result = self.nix_result("--query", "--hash", path,
                                 program=shutil.which("nix-store"))
        self.assertEqual(result.status, 0, result)
        self.assertRegex(result.out, r"^sha256:[0-9a-z]{52}\n$")
        self.assertEqual(self.nix("path-info", "--all"), path)


class ReadOnlyTest(DaemonTest):
    """A store that nobody may write to, by its URL and by its mount."""

    def setUp(self):
        super().setUp()
        self.file = self.write("file", "text\n")
        self.path = self.in_store("store", "add", self.file)
        self.info = self.in_store("path-info", "--json", self.path)
        self.read_only = f"{self.store}&read-only=true"

    def contents(self):
        """What is on disk, and since when."""
        files = {Path(folder) / name for folder, _, names in os.walk(self.root) for name in names
                 if not name.endswith("-shm")}  # readers note there that they read
        return {file: (file.stat().st_mtime_ns, file.read_bytes()) for file in files}

    def check_reading(self, run):
        self.assertEqual(run("path-info", "--all"), self.path)
        self.assertEqual(run("store", "cat", self.path), "text")
        self.assertEqual(run("path-info", "--json", self.path), self.info)
        self.assertEqual(run("store", "verify", "--all", "--no-trust"), "")
        self.assertEqual(run("store", "path-from-hash-part", os.path.basename(self.path)[:32]),
                         self.path)
        self.assertEqual(run("realisation", "info", "--all"), "")

    def refusals(self):
        return (("store", "add", self.file), ("store", "gc"), ("store", "optimise"),
                ("store", "delete", self.path),
                ("store", "add-root", self.directory / "link", self.path))

    def test_asks_and_changes_nothing(self):
        before = self.contents()
        self.check_reading(lambda *words: self.succeed(*words, "--store", self.read_only))
        for words in self.refusals():
            error = self.fail_with(1, *words, "--store", self.read_only)
            self.assertIn("the store was opened read-only", error, words)
        self.assertEqual(self.contents(), before)

    def mounted(self, *words, root=None):
        return self.nix_result(*READ_ONLY[1:], root or self.root, CINCH, *words,
                               program=READ_ONLY[0])

    @unittest.skipUnless(mounts_work(), "the system forbids mounts in user namespaces")
    def test_a_log_is_read_or_missed(self):
        # As on a disk whose machine has lost its power.
        self.daemon(self.directory / "socket")
        path = self.succeed("store", "add", self.write("late", "late\n"), "--store",
                            f"unix://{self.directory}/socket")
        copy = self.directory / "copy"
        shutil.copytree(self.root, copy, symlinks=True)
        read_only = f"local?root={copy}&read-only=true"
        told = self.mounted("path-info", "--all", "--store", read_only, root=copy)
        self.assertEqual(sorted(told.out.split()), sorted([self.path, path]), told)
        (copy / "nix/var/nix/db/db.sqlite-shm").unlink()
        told = self.mounted("path-info", "--all", "--store", read_only, root=copy)
        self.assertEqual(told.status, 1, told)
        self.assertIn("has a log of changes", told.err)
        self.assertIn("db.sqlite-wal", told.err)
        # Where it can be written, it is read.
        told = self.succeed("path-info", "--all", "--store", read_only)
        self.assertEqual(sorted(told.split()), sorted([self.path, path]))

    @unittest.skipUnless(mounts_work(), "the system forbids mounts in user namespaces")
    def test_on_a_read_only_mount(self):
        mounted = self.mounted

        def succeed(*words):
            result = mounted(*words, "--store", self.read_only)
            self.assertEqual(result.status, 0, result)
            return result.out.removesuffix("\n")

        self.check_reading(succeed)
        for words in self.refusals():
            told = mounted(*words, "--store", self.read_only)
            self.assertEqual(told.status, 1, told)
            self.assertIn("the store was opened read-only", told.err)
        # Who wants to write is told how to read.
        told = mounted("path-info", "--all", "--store", self.store)
        self.assertEqual(told.status, 1, told)
        self.assertIn("open the store with read-only=true", told.err)
        # Without the companions of the database, which cannot be made here.
        for suffix in ("wal", "shm"):
            (self.root / f"nix/var/nix/db/db.sqlite-{suffix}").unlink(missing_ok=True)
        self.assertEqual(succeed("path-info", "--all"), self.path)

    @needs_nix
    def test_of_a_store_of_nix(self):
        other = self.directory / "other"
        file = self.write("g", "of Nix\n")
        path = self.nix("store", "add-path", file, "--store", other)
        url = f"local?root={other}&read-only=true"
        self.assertEqual(self.succeed("path-info", "--all", "--store", url), path)
        self.assertEqual(self.succeed("store", "cat", path, "--store", url), "of Nix")


class FoldingTest(CommandTest):
    """A store on a file system that takes 'A' and 'a' for one name."""

    def mount_folding(self):
        """Only the commands of this test see it, and it ends with the test, however that ends."""
        for program in ("mkfs.ext4", "chattr", "nsenter"):
            if not shutil.which(program):
                self.skipTest(f"{program} is not installed")
        image, mount = self.directory / "image", self.directory / "mount"
        mount.mkdir()
        image.write_bytes(b"")
        os.truncate(image, 64 << 20)
        made = subprocess.run(["mkfs.ext4", "-q", "-O", "casefold", image], capture_output=True)
        holder = subprocess.Popen([*FOLDING, image, mount], stdin=subprocess.PIPE,
                                  stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        self.addCleanup(holder.communicate, timeout=TIMEOUT_SECONDS)
        if made.returncode != 0 or holder.stdout.readline() != b"mounted\n":
            self.skipTest("there is no ext4 here that folds case")
        self.enter = ["nsenter", f"--mount=/proc/{holder.pid}/ns/mnt"]
        return mount / "root"

    def test_names_that_differ_in_case(self):
        root = self.mount_folding()
        self.write("tree/Name", "1")
        self.write("tree/other", "2")
        path = self.succeed("store", "add", self.directory / "tree", "--store", root)
        self.write("tree/name", "3")
        error = self.fail_with(1, "store", "add", self.directory / "tree", "--store", root)
        self.assertIn("cannot tell 'name' from 'Name'", error)
        self.assertEqual(self.succeed("path-info", "--all", "--store", root), path)
        self.assertEqual(self.succeed("store", "verify", "--all", "--store", root), "")


if __name__ == "__main__":
    main()
