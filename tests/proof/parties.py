"""Those who do the operations of differential.py: Nix's daemon, and a driver of Cinch's local
store."""
import base64
import json
import subprocess


class Refused(Exception):
    """The store says no; that is an answer, too."""


def run_nix_store(program, party, words):
    """What nix-store, of Nix or by that name of Cinch, answers: its status, and its lines."""
    done = subprocess.run([program, "--store", f"local?root={party.root}", *words],
                          env=party.environment, capture_output=True, timeout=120)
    return [done.returncode, done.stdout.decode(errors="replace").splitlines()]


class Party:
    """Has a store below `root`, and for each operation a method do_<name>."""

    def __init__(self, root):
        self.root = root

    def ask(self, operation, arguments):
        return getattr(self, f"do_{operation}")(**arguments)


class CinchDriver(Party):
    title = "Cinch"
    # What is bytes here, and base 64 in JSON.
    BYTES = {"bytes", "nar"}

    def __init__(self, program, nix_store, root, environment):
        super().__init__(root)
        self.command = [program]
        self.nix_store = nix_store
        self.environment = environment
        self.process = None

    def open(self):
        self.close()
        self.process = subprocess.Popen(self.command, stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, env=self.environment)
        self.ask("open", {"root": str(self.root)})

    def close(self):
        if self.process:
            self.process.stdin.close()
            self.process.stdout.close()
            assert self.process.wait(timeout=60) == 0
            self.process = None

    def ask(self, operation, arguments):
        if operation == "nix_store":
            return run_nix_store(self.nix_store, self, **arguments)
        encoded = {name: base64.b64encode(value).decode() if name in self.BYTES else value
                   for name, value in arguments.items()}
        self.process.stdin.write(json.dumps({"op": operation, **encoded}).encode() + b"\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            raise ConnectionError(f"Cinch ended with status {self.process.wait()}")
        reply = json.loads(line)
        if "error" in reply:
            assert reply["error"] != "internal", reply
            raise Refused(reply["message"])
        assert "answer" in reply, reply
        answer = reply["answer"]
        return base64.b64decode(answer) if operation in ("nar", "export") else answer
