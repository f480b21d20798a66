"""Calls `cinch` by the names of Nix's older programs, and these programs of Nix 2.8, with the same
words on the same store; and makes stores for that: random graphs, from a seed."""
import hashlib
import os
import shutil
import subprocess
from pathlib import Path

from command import CINCH, TIMEOUT_SECONDS, CommandTest, Result, derivation

NIX32 = "0123456789abcdfghijklmnpqrsvwxyz"
# What Nix says later than 2.8, and what it said then.
LATER_WORDS = ((b"attr.type='long'", b"attr.type='int'"), (b"\n\nexport ", b"\nexport "))


def nar_of_file(content):
    def string(value):
        return len(value).to_bytes(8, "little") + value + bytes(-len(value) % 8)
    return b"".join(map(string, [b"nix-archive-1", b"(", b"type", b"regular", b"contents", content,
                                 b")"]))


class NixNamesTest(CommandTest):
    def setUp(self):
        super().setUp()
        self.names = self.directory / "names"
        self.names.mkdir()
        for name in ("nix-store", "nix-hash", "nix-collect-garbage", "nix-copy-closure",
                     "nix-daemon"):
            (self.names / name).symlink_to(shutil.which(CINCH))
        self.write_config("build-users-group =\nsubstituters =\nsandbox = false\n")

    def run_program(self, program, words, input=b"", environment=None):
        return Result(subprocess.run(
            [program, *map(str, words)], input=input, capture_output=True, cwd=self.directory,
            timeout=TIMEOUT_SECONDS, env={**self.environment, **(environment or {})}))

    def ours(self, program, *words, **options):
        return self.run_program(self.names / program, words, **options)

    def theirs(self, program, *words, **options):
        result = self.run_program(shutil.which(program), words, **options)
        for later, earlier in LATER_WORDS:
            result.bytes = result.bytes.replace(later, earlier)
        result.out = result.bytes.decode(errors="replace")
        return result

    def compare(self, program, *words, sort=False, **options):
        """Both say the same and end alike. Returns what they say."""
        words = list(map(str, words))
        theirs = self.theirs(program, *words, **options)
        ours = self.ours(program, *words, **options)
        said = [sorted(result.bytes.splitlines()) if sort else result.bytes
                for result in (theirs, ours)]
        self.assertEqual(said[0], said[1], f"{program} {' '.join(words)}\nNix: {theirs}\n"
                                           f"Cinch: {ours}")
        self.assertEqual(theirs.status, ours.status, f"{program} {' '.join(words)}\nNix: {theirs}"
                                                     f"\nCinch: {ours}")
        return theirs.out

    def on(self, root=None):
        return ["--store", f"local?root={root or self.root}"]

    # --- stores

    def random_path(self, chosen):
        name = "-".join(chosen.choice(["lib", "hello", "a.b", "x+y", "1.0", "dev", "link"])
                        for _ in range(chosen.randrange(1, 4)))
        return f"/nix/store/{''.join(chosen.choice(NIX32) for _ in range(32))}-{name}"

    def register(self, objects):
        """Objects of some text each, with any references: [(path, references, deriver)]."""
        text = ""
        for path, references, deriver in objects:
            file = self.real(path)
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(f"object {path}\n")
            nar = nar_of_file(file.read_bytes())
            text += "\n".join([path, hashlib.sha256(nar).hexdigest(), str(len(nar)), deriver,
                               str(len(references)), *references]) + "\n"
            file.chmod(0o444)
            os.utime(file, (1, 1))
        done = self.theirs("nix-store", "--load-db", *self.on(), input=text.encode())
        self.assertEqual(done.status, 0, done)

    def random_graph(self, chosen, plain=12, derivations=8):
        """Returns (plain paths, derivations, outputs that are valid, paths that are not)."""
        invalid = [self.random_path(chosen) for _ in range(2)]
        paths = []
        for _ in range(plain):
            path = self.random_path(chosen)
            references = chosen.sample(paths, min(len(paths), chosen.randrange(4)))
            if chosen.random() < 0.3:
                references.append(path)
            self.register([(path, references, "")])
            paths.append(path)
        made, outputs = [], []
        for number in range(derivations):
            needed = {os.path.basename(path): {"outputs": ["out"], "dynamicOutputs": {}}
                      for path in chosen.sample(made, min(len(made), chosen.randrange(3)))}
            sources = [os.path.basename(path)
                       for path in chosen.sample(paths, chosen.randrange(3))]
            names = ["out"] + (["dev"] if chosen.random() < 0.3 else [])
            made.append(self.in_store("derivation", "add", input=derivation(
                f"step-{number}", f"it's $out; number {number}",
                outputs={name: {} for name in names},
                env={"quoted": f"a'b \"{number}\" $x", "lines": "1\n2\n", "empty": ""},
                inputs={"srcs": sources, "drvs": needed})))
            if chosen.random() < 0.6:
                shown = self.theirs("nix-store", "-q", "--outputs", made[-1], *self.on())
                for output in shown.out.split()[:chosen.randrange(1, 3)]:
                    deriver = made[-1] if chosen.random() < 0.8 else ""
                    self.register([(output, chosen.sample(paths + outputs,
                                                          chosen.randrange(3)), deriver)])
                    outputs.append(output)
        return paths, made, outputs, invalid

    def copy_of(self, root, name):
        """Another store with the same objects; links of roots that lie in it lead into itself."""
        copy = self.directory / name
        shutil.copytree(root, copy, symlinks=True, ignore=shutil.ignore_patterns("gc-socket"))
        for folder, _, files in os.walk(copy / "nix/var/nix/gcroots"):
            for file in files:
                link = Path(folder, file)
                if link.is_symlink() and str(link.readlink()).startswith(f"{root}/"):
                    target = str(link.readlink()).replace(str(root), str(copy), 1)
                    link.unlink()
                    link.symlink_to(target)
        return copy

    def remove_tree(self, root):
        for folder, _, _ in os.walk(root):
            os.chmod(folder, 0o700)
        shutil.rmtree(root)
