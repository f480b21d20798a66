#!/usr/bin/env python3
"""Installs into a folder of its own, and compiles programs against that alone, as users do: embed.c
through pkg-config's `cinch`, evaluator.cc through `libstore-core`.

Usage: installed.py BUILD-FOLDER
"""
import json
import os
import re
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
EMBED = ROOT / "docs/examples/embed.c"

EVALUATOR = ROOT / "docs/examples/evaluator.cc"
LINES = """\
greeting: echo Hello > $out
loud greeting: tr a-z A-Z < $greeting > $out
both greeting loud: cat $greeting $loud > $out
"""


def run(*command, **options):
    result = subprocess.run(command, capture_output=True, text=True, check=False, **options)
    if result.returncode != 0:
        raise RuntimeError(f"{shlex.join(map(str, command))} ended with {result.returncode}:\n"
                           f"{result.stdout}{result.stderr}")
    return result.stdout


class Installation:
    """What `meson install` makes of a build folder, below `folder`."""

    def __init__(self, build, folder):
        self.folder = Path(folder)
        run("meson", "install", "-C", build, "--no-rebuild", "--quiet", "--destdir", folder)
        descriptions = sorted(self.folder.rglob("*.pc"))
        if not descriptions:
            raise RuntimeError("no pkg-config file was installed")
        self.pkg_config_path = descriptions[0].parent
        self.library_path = self.pkg_config_path.parent

    def flags(self, package):
        environment = dict(os.environ, PKG_CONFIG_PATH=str(self.pkg_config_path),
                           PKG_CONFIG_SYSROOT_DIR=str(self.folder))
        return shlex.split(run("pkg-config", "--cflags", "--libs", package, env=environment))

    def compile(self, source, package, program, command):
        run(*command, source, "-o", program, *self.flags(package),
            f"-Wl,-rpath-link,{self.library_path}")

    def environment(self):
        return dict(os.environ, LD_LIBRARY_PATH=str(self.library_path))

    def compile_embed(self, program):
        self.compile(EMBED, "cinch", program,
                     [*shlex.split(os.environ.get("CC", "cc")), "-std=c11", "-Wall", "-Wextra",
                      "-pedantic", "-Wstrict-prototypes", "-Werror"])


def check_embed(installed, folder):
    program = folder / "embed"
    installed.compile_embed(program)
    libraries = [flag for flag in installed.flags("cinch") if flag.startswith("-l")]
    assert libraries == ["-lcinch"], f"pkg-config --libs cinch links {libraries}"
    needed = re.findall(r"\(NEEDED\).*\[(lib(?:cinch|store).*?)\]",
                        run("readelf", "--dynamic", program))
    assert needed == ["libcinch.so.1"], f"embed needs {needed}"
    usage = subprocess.run([program], capture_output=True, text=True, check=False,
                           env=installed.environment())
    assert usage.returncode == 2 and "usage" in usage.stderr, usage
    # A program that runs as far as the missing tarball has opened a store.
    result = subprocess.run([program, f"local?root={folder}/root", "/none", "/none"],
                            capture_output=True, text=True, check=False,
                            env=installed.environment())
    assert result.returncode == 1 and "/none" in result.stderr, result


def check_evaluator(installed, folder):
    """A front end that links core alone; what it writes must be right."""
    program = folder / "evaluator"
    installed.compile(EVALUATOR, "libstore-core", program,
                      [*shlex.split(os.environ.get("CXX", "c++")), "-std=c++20", "-Wall", "-Wextra",
                       "-Werror"])
    needed = re.findall(r"\(NEEDED\).*\[(lib(?:cinch|store).*?)\]",
                        run("readelf", "--dynamic", program))
    assert needed == ["libstore-core.so.0.1"], f"evaluator needs {needed}"
    derivations = folder / "derivations"
    derivations.mkdir()
    paths = run(program, derivations, input=LINES, env=installed.environment()).split()
    assert [path[44:] for path in paths] == ["greeting.drv", "loud.drv", "both.drv"], paths
    totals = json.loads(run(next(installed.folder.rglob("bin/cinch")), "derivation", "check",
                            "--json", derivations))
    assert totals["files"] == 3, totals
    refused = subprocess.run([program, derivations], input="a b: c", capture_output=True, text=True,
                             check=False, env=installed.environment())
    assert refused.returncode == 1 and "('b')" in refused.stderr, refused


def check_command(installed):
    version = run(next(installed.folder.rglob("bin/cinch")), "--version",
                  env=installed.environment())
    assert "0.1" in version, version


def main():
    with tempfile.TemporaryDirectory(prefix="cinch-installed-") as name:
        folder = Path(name)
        installed = Installation(sys.argv[1], folder / "image")
        check_embed(installed, folder)
        check_evaluator(installed, folder)
        check_command(installed)
        run("chmod", "-R", "u+w", folder)


if __name__ == "__main__":
    main()
