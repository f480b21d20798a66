"""A client of `nix-daemon --stdio` (worker protocol 1.34, that of Nix 2.8), written for tests alone
so that Nix is asked without any code of Cinch between. Formats: docs/formats/worker-protocol.md."""
import subprocess

from parties import Party, Refused, run_nix_store

CLIENT_MAGIC, SERVER_MAGIC = 0x6E697863, 0x6478696F
VERSION = 1 << 8 | 34
LAST, ERROR, NEXT = 0x616C7473, 0x63787470, 0x6F6C6D67
START_ACTIVITY, STOP_ACTIVITY, RESULT = 0x53545254, 0x53544F50, 0x52534C54
NO_LIMIT = (1 << 64) - 1
DELETE_DEAD, DELETE_SPECIFIC, RETURN_LIVE, RETURN_DEAD = 2, 3, 0, 1


def number(value):
    return int(value).to_bytes(8, "little")


def text(value):
    value = value if isinstance(value, bytes) else value.encode()
    return number(len(value)) + value + bytes(-len(value) % 8)


def texts(values):
    return number(len(values)) + b"".join(map(text, values))


def framed(value):
    return (number(len(value)) + value if value else b"") + number(0)


class NixDaemon(Party):
    title = "Nix"

    def __init__(self, root, environment):
        super().__init__(root)
        self.environment = environment
        self.process = None
        self.settings = None

    def open(self):
        self.close()
        self.process = subprocess.Popen(
            ["nix-daemon", "--stdio", "--store", f"local?root={self.root}"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
            env=self.environment)
        self.process.stdin.write(number(CLIENT_MAGIC) + number(VERSION))
        self.process.stdin.flush()
        assert self.number() == SERVER_MAGIC
        self.version = self.number()
        self.process.stdin.write(number(0) + number(0))
        self.process.stdin.flush()
        self.text()
        self.finish()
        self.settings = None

    def close(self):
        if self.process:
            self.process.stdin.close()
            self.process.stdout.close()
            self.process.wait(timeout=60)
            self.process = None

    # --- bytes

    def exactly(self, size):
        data = self.process.stdout.read(size)
        if len(data) != size:
            raise ConnectionError(f"Nix ended with status {self.process.wait()}")
        return data

    def number(self):
        return int.from_bytes(self.exactly(8), "little")

    def text(self):
        size = self.number()
        data = self.exactly(size)
        self.exactly(-size % 8)
        return data.decode(errors="replace")

    def texts(self):
        return [self.text() for _ in range(self.number())]

    def fields(self):
        for _ in range(self.number()):
            if self.number() == 0:
                self.number()
            else:
                self.text()

    def finish(self):
        """Reads messages up to the end of the operation."""
        while (message := self.number()) != LAST:
            if message == NEXT:
                self.text()
            elif message == START_ACTIVITY:
                [self.number() for _ in range(3)]
                self.text()
                self.fields()
                self.number()
            elif message == STOP_ACTIVITY:
                self.number()
            elif message == RESULT:
                self.number(), self.number()
                self.fields()
            elif message == ERROR:
                self.text(), self.number(), self.text()
                said = self.text()
                self.number()
                for _ in range(self.number()):
                    self.number(), self.text()
                raise Refused(said)
            else:
                raise ConnectionError(f"Nix sends message {message:#x}")

    def call(self, operation, *arguments):
        self.process.stdin.write(number(operation) + b"".join(arguments))
        self.process.stdin.flush()
        self.finish()

    def info(self):
        info = {"deriver": self.text(), "hash": self.text(), "references": sorted(self.texts())}
        self.number()  # the time of registration
        return {**info, "size": self.number(), "ultimate": bool(self.number()),
                "signatures": sorted(self.texts()), "ca": self.text()}

    # --- operations, as differential.py names them

    def do_add_content(self, name, method, algorithm, references, bytes):
        kind = {"text": "text:", "flat": "fixed:", "nar": "fixed:r:"}[method] + algorithm
        self.call(7, text(name), text(kind), texts(references), number(0), framed(bytes))
        return {"path": self.text(), "info": self.info()}

    def do_add_nar(self, info, nar):
        self.call(39, text(info["path"]), text(info["deriver"]), text(info["hash"]),
                  texts(info["references"]), number(0), number(info["size"]),
                  number(info["ultimate"]), texts(info["signatures"]), text(info["ca"]),
                  number(0), number(1), framed(nar))

    def do_sign(self, path, signatures):
        self.call(37, text(path), texts(signatures))
        self.number()

    def do_find(self, paths):
        return [self.find_one(path) for path in paths]

    def find_one(self, path):
        self.call(26, text(path))
        return self.info() if self.number() else None

    def do_find_valid(self, paths):
        self.call(31, texts(paths), number(0))
        return sorted(self.texts())

    def do_all(self):
        self.call(23)
        return sorted(self.texts())

    def do_hash_part(self, hash_part):
        self.call(29, text(hash_part))
        return self.text()

    def do_referrers(self, path):
        self.call(6, text(path))
        return sorted(self.texts())

    def do_derivers(self, path):
        self.call(33, text(path))
        return sorted(self.texts())

    def do_outputs(self, path):
        self.call(41, text(path))
        return {self.text(): self.text() for _ in range(self.number())}

    def do_nar(self, path):
        self.call(38, text(path))
        return self.nar_tree()

    def nar_tree(self):
        """One NAR, which ends with its last parenthesis."""
        pieces, depth, data_follows = [], 0, False
        while depth > 0 or len(pieces) < 2:
            size = self.number()
            data = self.exactly(size + -size % 8)
            pieces.append(number(size) + data)
            word = data[:size]
            # What follows these is no token, whatever it looks like.
            if not data_follows:
                depth += {b"(": 1, b")": -1}.get(word, 0)
            data_follows = not data_follows and word in (b"contents", b"target", b"name")
        return b"".join(pieces)

    def do_verify(self, contents, repair=False):
        self.call(35, number(contents), number(repair))
        return bool(self.number())

    def do_optimise(self):
        self.call(34)
        self.number()

    # --- what older and newer programs do, in processes of their own

    def program(self, *command, input=b""):
        done = subprocess.run(command, env=self.environment, input=input, capture_output=True,
                              timeout=120)
        if done.returncode != 0:
            raise Refused(done.stderr.decode(errors="replace"))
        return done.stdout

    def do_export(self, path):
        return self.program("nix-store", "--store", f"local?root={self.root}", "--export", path)

    def do_import(self, bytes):
        paths = self.program("nix-store", "--store", f"local?root={self.root}", "--import",
                             input=bytes)
        return paths.decode().split()

    def do_copy(self, paths, root):
        self.program("nix", "copy", "--no-check-sigs", "--from", f"local?root={self.root}", "--to",
                     f"local?root={root}", *paths)
        there = NixDaemon(root, self.environment)
        there.open()
        try:
            return [[path, there.find_one(path)] for path in there.do_all()]
        finally:
            there.close()

    def do_nix_store(self, words):
        return run_nix_store("nix-store", self, words)

    def do_temporary_root(self, path):
        self.call(11, text(path))
        self.number()

    def do_indirect_root(self, link):
        self.call(12, text(str(link)))
        self.number()

    def do_roots(self):
        self.call(14)
        roots = [[self.text(), self.text()] for _ in range(self.number())]
        return [root for root in roots if not root[0].startswith("{")]

    def keep(self, outputs, derivations):
        """Settings of the garbage collector are those of the connection."""
        if self.settings == (outputs, derivations):
            return
        overrides = {"keep-outputs": outputs, "keep-derivations": derivations,
                     "substitute": False}
        self.call(19, *map(number, [0, 0, 0, 0, 1, 0, 1, 0, 0, 0, 1, 0, len(overrides)]),
                  *(text(name) + text("true" if value else "false")
                    for name, value in overrides.items()))
        self.settings = (outputs, derivations)

    def garbage(self, action, only=(), limit=NO_LIMIT):
        self.call(20, number(action), texts(only), number(0), number(limit), *[number(0)] * 3)
        found = sorted(self.texts())
        self.number()  # bytes freed: Nix 2.8 counts sizes, Cinch as newer ones the blocks on disk
        self.number()
        return found

    def do_alive(self, keep_outputs, keep_derivations):
        self.keep(keep_outputs, keep_derivations)
        return self.garbage(RETURN_LIVE)

    def do_collect(self, keep_outputs, keep_derivations, dry_run, only=None, bytes_max=NO_LIMIT):
        self.keep(keep_outputs, keep_derivations)
        action = RETURN_DEAD if dry_run else DELETE_DEAD if only is None else DELETE_SPECIFIC
        return self.garbage(action, only or (), bytes_max)
