#!/usr/bin/env python3
"""Cuts the power of a disk with a store on it, at random moments of work, and looks at the rest.

The disk is a file with ext4 in it, mounted by a loop device. It is copied while the file system is
mounted and the work goes on: what is still in the page cache does not reach the copy. The copy is
mounted elsewhere, which replays its journal, and must hold a store without damage. Needs root.

    tests/proof/power.py build/tests/proof/proof-work --cuts 100 --seed S
"""
import argparse
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import uuid
from pathlib import Path

SKIPPED = 77
IMAGE_BYTES = 96 << 20
INSIDE = "CINCH_PROOF_OWN_MOUNTS"
CUTS_A_STORE = 20
BOOT_ID = "/proc/sys/kernel/random/boot_id"


def run(*command, **options):
    return subprocess.run(list(map(str, command)), check=True, capture_output=True, **options)


def why_not():
    if os.geteuid() != 0:
        return "only root can mount"
    for program in ("mkfs.ext4", "e2fsck", "mount", "unshare"):
        if not shutil.which(program):
            return f"{program} is not installed"
    if not os.path.exists("/dev/loop-control"):
        return "there are no loop devices"
    return None


class Disk:
    """A file system of its own in a file, mounted at `folder`."""

    def __init__(self, image, folder):
        self.image, self.folder = image, folder
        folder.mkdir(exist_ok=True)

    def mount(self):
        run("mount", "-o", "loop", self.image, self.folder)

    def unmount(self):
        for _ in range(50):
            if subprocess.run(["umount", self.folder], capture_output=True).returncode == 0:
                return
            time.sleep(0.05)
        run("umount", self.folder)


def snapshot(image, copy):
    """The file as it is at one moment: copied until it is the same before and after."""
    for _ in range(30):
        run("cp", "--sparse=always", image, copy)
        if subprocess.run(["cmp", "-s", image, copy]).returncode == 0:
            return
    raise OSError("the image does not stop changing")


class Cutter:
    def __init__(self, arguments, scratch):
        self.work = arguments.work
        self.mode = arguments.mode
        self.seed = arguments.seed
        self.rng = random.Random(arguments.seed)
        self.live = Disk(scratch / "disk", scratch / "live")
        self.cut = Disk(scratch / "copy", scratch / "cut")
        self.boot_id = scratch / "boot-id"
        self.worker = None

    def start(self, number):
        with self.live.image.open("wb") as file:
            file.truncate(IMAGE_BYTES)
        run("mkfs.ext4", "-q", "-E", "lazy_itable_init=0", self.live.image)
        self.live.mount()
        self.worker = subprocess.Popen([self.work, "work", self.live.folder,
                                        str(self.seed * 1000 + number), self.mode],
                                       stdout=subprocess.PIPE)

    def stop(self):
        if not self.worker:
            return
        self.worker.kill()
        said = self.worker.communicate()[0].decode()
        self.worker = None
        self.live.unmount()
        if said:
            raise AssertionError(f"the work ended by itself: {said}")

    def disturb(self):
        """The kernel writes back what it likes, when it likes."""
        database = self.live.folder / "root/nix/var/nix/db"
        name = self.rng.choice(["db.sqlite-wal", "db.sqlite", "schema", None, None])
        if name and (database / name).exists():
            descriptor = os.open(database / name, os.O_RDONLY)
            os.fsync(descriptor)
            os.close(descriptor)

    def cut_power(self, number):
        if number % CUTS_A_STORE == 0:
            self.stop()
            self.start(number)
        time.sleep(self.rng.uniform(0.01, 0.3))
        self.disturb()
        time.sleep(self.rng.uniform(0, 0.05))
        self.worker.send_signal(signal.SIGSTOP)
        snapshot(self.live.image, self.cut.image)
        self.worker.send_signal(signal.SIGCONT)
        return self.look()

    def start_machine_anew(self):
        """As far as who reads the name of its last start can tell."""
        self.boot_id.write_text(str(uuid.uuid4()) + "\n")
        run("mount", "--bind", self.boot_id, BOOT_ID)

    def look(self):
        self.cut.mount()
        try:
            self.start_machine_anew()
            if not (self.cut.folder / "root/nix/var/nix/db/schema").exists():
                return None  # before there was a store
            checked = subprocess.run([self.work, "check", self.cut.folder], capture_output=True)
        finally:
            run("umount", BOOT_ID)
            self.cut.unmount()
        run("e2fsck", "-fn", self.cut.image)
        said = checked.stdout.decode(errors="replace")
        assert checked.returncode in (0, 1, 2), f"{checked.returncode}: {said}"
        return (checked.returncode == 0, said)


def cut_often(arguments, scratch):
    cutter = Cutter(arguments, scratch)
    print(f"# {arguments.cuts} cuts, --mode {arguments.mode} --seed {arguments.seed}", flush=True)
    whole, paths, damaged = 0, 0, 0
    try:
        for number in range(arguments.cuts):
            found = cutter.cut_power(number)
            if found is None:
                continue
            good, said = found
            whole += good
            paths += int(said.split()[-3]) if good else 0
            if not good:
                damaged += 1
                print(f"not ok: cut {number}:\n" + "".join(f"#   {line}\n"
                                                         for line in said.splitlines()[:8]))
        cutter.stop()
    finally:
        if cutter.worker:
            cutter.worker.kill()
            cutter.worker.wait()
            cutter.live.unmount()
    print(f"# {whole} stores whole, with {paths} valid paths in all; {damaged} damaged")
    print("not ok" if damaged else "ok: what was valid before each cut and is valid now is whole")
    return 1 if damaged else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("work", type=os.path.abspath)
    parser.add_argument("--cuts", type=int, default=100)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 32))
    parser.add_argument("--mode", choices=["fsync", "default"], default="default")
    arguments = parser.parse_args()
    reason = why_not()
    if reason:
        print(f"skipped: {reason}")
        return SKIPPED
    if INSIDE not in os.environ:
        # Mounts that nobody else sees, and that end with this process.
        os.environ[INSIDE] = "yes"
        os.execvp("unshare", ["unshare", "--mount", "--propagation", "private", sys.executable,
                              *sys.argv])
    memory = "/dev/shm" if shutil.disk_usage("/dev/shm").free > 8 * IMAGE_BYTES else None
    scratch = Path(tempfile.mkdtemp(prefix="cinch-power-", dir=memory))
    try:
        return cut_often(arguments, scratch)
    finally:
        shutil.rmtree(scratch)


if __name__ == "__main__":
    sys.exit(main())
