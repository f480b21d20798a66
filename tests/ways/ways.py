#!/usr/bin/env python3
"""Builds GNU hello 2.10 from its source in four ways, and compares what comes of it:

  1. by the cinch command, in an embedded store
  2. by docs/examples/embed.c, compiled against an installation through pkg-config alone
  3. by nix-build of docs/examples/hello.nix against `cinch daemon`, questioned with Nix's tools
  4. by Nix's own builder, in a store of its own

Prints TAP. Usage: ways.py BUILD-FOLDER
"""
import concurrent.futures
import contextlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/installed"))
from installed import Installation, run  # noqa: E402

EXAMPLES = ROOT / "docs/examples"
DERIVATIONS = sorted(EXAMPLES.glob("hello/*.json"))
SANDBOX_PATHS = "/bin /lib /lib64 /usr /etc/alternatives"


def closure_of(text):
    """Paths and NAR hashes from `path-info --json` of any version."""
    infos = json.loads(text)
    if isinstance(infos, dict):
        infos = [dict(info, path=path) for path, info in infos.items()]
    return {info["path"]: info["narHash"] for info in infos}


class Ways:
    def __init__(self, build, folder, tarball):
        self.cinch = Path(build, "tools/cinch").resolve()
        self.build = build
        self.folder = folder
        self.tarball = tarball
        self.configuration = folder / "etc"
        self.configuration.mkdir()
        (self.configuration / "nix.conf").write_text(
            f"sandbox = true\nsandbox-paths = {SANDBOX_PATHS}\nbuild-users-group =\n"
            "substituters =\nexperimental-features = nix-command\n")

    def environment(self, **more):
        # A home of its own, as Nix keeps caches and profiles there.
        return dict(os.environ, NIX_CONF_DIR=str(self.configuration), HOME=str(self.folder),
                    NIX_REMOTE="", NIX_CONFIG="", **more)

    def root(self, way):
        root = self.folder / way
        root.mkdir()
        return root

    def embedded(self):
        url = f"local?root={self.root('embedded')}"

        def cinch(*arguments):
            return run(self.cinch, *arguments, "--store", url, env=self.environment())

        cinch("store", "add-file", "--name", "hello-2.10.tar.gz", self.tarball)
        derivation = cinch("derivation", "add", *DERIVATIONS).split()[-1]
        output = cinch("build", "--no-link", "--print-out-paths", f"{derivation}^out").strip()
        assert "Hello, world!" in cinch("log", derivation)
        assert "Hello, world!" in cinch("store", "cat", output)
        cinch("store", "verify")
        return closure_of(cinch("path-info", "--recursive", "--json", output))

    def c_program(self):
        installed = Installation(self.build, self.folder / "image")
        program = self.folder / "embed"
        installed.compile_embed(program)
        printed = run(program, f"local?root={self.root('c-program')}", self.tarball, *DERIVATIONS,
                      env=self.environment(LD_LIBRARY_PATH=str(installed.library_path)))
        assert "  Hello, world!\n" in printed, printed
        return {path: nar_hash for path, nar_hash, _size in
                (line.split() for line in printed.splitlines() if line.startswith("/nix/store/"))}

    @contextlib.contextmanager
    def daemon(self, root):
        socket = self.folder / "socket"
        with subprocess.Popen([self.cinch, "daemon", "--store", f"local?root={root}",
                               "--socket", socket], env=self.environment()) as server:
            try:
                for _ in range(100):
                    if socket.exists():
                        break
                    time.sleep(0.1)
                yield socket
            finally:
                server.terminate()
                assert server.wait(20) == 0, "the daemon did not end well"
        assert not socket.exists(), "the daemon left its socket"

    def nix_client(self):
        root = self.root("nix-client")
        with self.daemon(root) as socket:
            environment = self.environment()
            environment["NIX_REMOTE"] = f"unix://{socket}?root={root}"

            def nix(*arguments):
                return run(*arguments, env=environment)

            output = nix("nix-build", "--no-out-link", EXAMPLES / "hello.nix",
                         "--arg", "tarball", self.tarball).strip()
            references = nix("nix-store", "--query", "--references", output).split()
            assert [path[-11:] for path in references] == ["-hello-2.10"], references
            requisites = nix("nix-store", "-qR", output).split()
            assert set(requisites) == {output, *references}, requisites
            nix("nix-store", "--verify-path", output, *references)
            assert "Hello, world!" in nix("nix", "log", output)
            return closure_of(nix("nix", "path-info", "--recursive", "--json", output))

    def nix_builder(self):
        url = f"local?root={self.root('nix-builder')}"
        output = run("nix-build", "--store", url, "--no-out-link", EXAMPLES / "hello.nix",
                     "--arg", "tarball", self.tarball, env=self.environment()).strip()
        return closure_of(run("nix", "path-info", "--store", url, "--recursive", "--json", output,
                              env=self.environment()))


def report(number, name, problem=None, skip=None):
    """One line of TAP."""
    print("not ok" if problem else "ok", number, "-", name, f"# SKIP {skip}" if skip else "")
    for line in (problem or "").splitlines():
        print(f"# {line}")
    sys.stdout.flush()


def compare(futures):
    """Reports each way, and that it gave what the first one gave."""
    expected = None
    for number, (name, future) in enumerate(futures.items(), 1):
        problem = None
        try:
            result = future.result()
            expected = expected or result
            if result != expected:
                problem = f"{json.dumps(result, indent=1)}\nis not\n" \
                          f"{json.dumps(expected, indent=1)}"
            elif len(expected) != 2:
                problem = f"the closure has {len(expected)} paths, not 2"
        except (RuntimeError, AssertionError, OSError) as error:
            problem = f"{type(error).__name__}: {error}"
        report(number, name, problem)


def main():
    fetched = subprocess.run([EXAMPLES / "fetch_hello.sh", ROOT / "demo"], check=False,
                             capture_output=True, text=True)
    if fetched.returncode != 0:
        print(f"1..0 # SKIP no tarball: {fetched.stderr.strip().splitlines()[-1]}")
        return
    with tempfile.TemporaryDirectory(prefix="cinch-ways-") as name:
        folder = Path(name)
        ways = Ways(sys.argv[1], folder, Path(fetched.stdout.strip()))
        have_nix = shutil.which("nix-build") is not None
        print("1..4")
        with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
            chosen = {"embedded, by the command": ways.embedded,
                      "embedded, by a C program": ways.c_program}
            if have_nix:
                chosen |= {"by nix-build, through the daemon": ways.nix_client,
                           "by Nix's own builder": ways.nix_builder}
            compare({way: pool.submit(build) for way, build in chosen.items()})
        if not have_nix:
            for number in (3, 4):
                report(number, "with Nix", skip="nix-bin is not installed")
        run("chmod", "-R", "u+w", folder)


if __name__ == "__main__":
    main()
