"""The programs that are compared, and how."""
import copy
import os
import subprocess

CONFIG = """substituters =
build-users-group =
sandbox = true
sandbox-paths = /bin /lib /lib64 /usr
"""


class Program:
    """One side of the comparison."""

    def __init__(self, scratch, prefix=(), config=CONFIG):
        self.prefix = list(prefix)
        conf = scratch / "etc"
        conf.mkdir(exist_ok=True)
        (conf / "nix.conf").write_text(config)
        self.environment = dict(os.environ, NIX_CONF_DIR=str(conf), HOME=str(scratch),
                                NIX_REMOTE="", NIX_CONFIG="", LC_ALL="C.UTF-8")

    def beside(self, variables):
        """The same with more environment."""
        other = copy.copy(self)
        other.environment = {**self.environment, **variables}
        return other

    def attempt(self, *arguments, input=b""):
        return subprocess.run([*self.prefix, *map(str, arguments)], env=self.environment,
                              input=input, capture_output=True, check=False)

    def bytes(self, *arguments, input=b""):
        result = self.attempt(*arguments, input=input)
        if result.returncode != 0:
            command = " ".join(map(str, arguments))[:500]
            errors = result.stderr.decode(errors="replace")[-2000:]
            raise AssertionError(f"{command}: exit {result.returncode}\n{errors}")
        return result.stdout

    def lines(self, *arguments):
        return self.bytes(*arguments).decode().splitlines()


def compare(what, ours, theirs):
    if ours != theirs:
        raise AssertionError(f"{what}\n  cinch: {str(ours)[:1000]}\n  nix:   {str(theirs)[:1000]}")
    return 1


def nix_prefix(root, scratch):
    if not root:
        return []
    return ["bwrap", "--bind", root, "/", "--dev-bind", "/dev", "/dev", "--proc", "/proc",
            "--bind", str(scratch), str(scratch)]
