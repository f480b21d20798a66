"""Random input for comparisons: names, file trees, and derivations as a Nix expression.

Everything follows from one random.Random, so a seed repeats a run.
"""
import base64
import os
import string
from pathlib import Path

NAME_CHARACTERS = string.ascii_letters + string.digits + "+-._?="
ALGORITHMS = {"md5": 16, "sha1": 20, "sha256": 32, "sha512": 64}
CHECKS = ["allowedReferences", "disallowedReferences", "allowedRequisites",
          "disallowedRequisites"]
FIRST_BUILDS = 3  # that others refer to
NIX32 = "0123456789abcdfghijklmnpqrsvwxyz"
# What trips parsers and escapers: quotes, escapes, interpolation, control bytes, long characters.
AWKWARD = ["", "\\", '"', "$", "${", "''", "\n", "\r", "\t", "\\n", "\x01", "\x1f", "\x7f", "é",
           "漢", "\U0001f40d", "a b", "*", "(", ")]", ",", "[("]


def nix32(digest):
    """Nix's base 32: five bits a character, from the end of the digest."""
    number = int.from_bytes(digest, "little")
    length = (len(digest) * 8 + 4) // 5
    return "".join(NIX32[number >> 5 * i & 31] for i in reversed(range(length)))


def name(rng, longest=40):
    length = rng.choice([1, 2, 8, rng.randint(1, longest)])
    first = rng.choice(NAME_CHARACTERS.replace(".", ""))
    return first + "".join(rng.choice(NAME_CHARACTERS) for _ in range(length - 1))


def any_name(rng):
    """A file name that may or may not be the name of a store object."""
    kind = rng.randrange(7)
    if kind == 0:
        return "x" * rng.randint(205, 216)
    if kind == 2:
        return rng.choice([".", "..", ".-", "..-", "...", ".x-"]) + name(rng, 4)
    if kind == 1:
        position = rng.randrange(6)
        text = name(rng, 12)
        return text[:position] + rng.choice(" !@#%~é:,;'\"\\&*()\t\n") + text[position:]
    return name(rng, 211)


def text(rng):
    return "".join(rng.choice([name(rng, 12), rng.choice(AWKWARD), " "])
                   for _ in range(rng.randrange(6)))


def content(rng):
    size = rng.choice([0, 1, 7, 8, 9, 63, 64, 65, rng.randrange(5000), rng.randrange(200_000)])
    return rng.randbytes(size)


def tree(rng, target, depth=0):
    """Writes one file, directory or symlink at `target`."""
    kind = rng.random()
    if kind < 0.15 and depth > 0:
        os.symlink(rng.choice(["target", "../..", "/nix/store", "x" * rng.randint(1, 300), "é"]),
                   target)
    elif kind < 0.6 or depth > 4:
        target.write_bytes(content(rng))
        target.chmod(rng.choice([0o644, 0o755, 0o600, 0o444, 0o555, 0o654]))
    else:
        target.mkdir()
        for _ in range(rng.choice([0, 1, 2, rng.randrange(12)])):
            entry = rng.choice([name(rng), name(rng, 3) + rng.choice(" é~#\n$"), f".{name(rng)}"])
            if not os.path.lexists(target / entry):
                tree(rng, target / entry, depth + 1)


def digest(rng, algorithm):
    return rng.randbytes(ALGORITHMS[algorithm])


def printed_hash(rng, algorithm):
    """A random hash in one of the formats that 'outputHash' may have."""
    value = digest(rng, algorithm)
    return rng.choice([value.hex(), nix32(value),
                       f"{algorithm}-{base64.b64encode(value).decode()}"])


def quoted(value):
    """A string of the Nix language."""
    for character, escape in (("\\", "\\\\"), ('"', '\\"'), ("${", "\\${"), ("\n", "\\n"),
                              ("\r", "\\r"), ("\t", "\\t")):
        value = value.replace(character, escape)
    return f'"{value}"'


class Derivations:
    """A Nix expression of `count` derivations, each of which may use those before it."""

    def __init__(self, rng, count, kinds):
        self.rng = rng
        self.kinds = kinds
        self.outputs = []  # of each derivation so far
        self.usable = []   # the numbers of those that others may need: all but impure ones
        self.lines = [self.derivation(number) for number in range(count)]

    def expression(self):
        bindings = "\n".join(f"  d{number} = {line};" for number, line in enumerate(self.lines))
        names = " ".join(f"d{number}" for number in range(len(self.lines)))
        return f"let\n{bindings}\nin [ {names} ]\n"

    def reference(self):
        """Text that mentions something in the store."""
        kind = self.rng.randrange(5)
        if kind == 0 or not self.usable:
            source = quoted(name(self.rng))
            return f"${{builtins.toFile {source} {quoted(text(self.rng))}}}"
        # Mostly near ones, so that chains grow long.
        number = self.rng.choice([self.usable[-1], self.rng.choice(self.usable)])
        if kind == 1:
            return f"${{builtins.unsafeDiscardOutputDependency d{number}.drvPath}}"
        return f"${{d{number}.{self.rng.choice(self.outputs[number])}}}"

    def value(self):
        pieces = [quoted(text(self.rng))]
        for _ in range(self.rng.choice([0, 0, 1, 2])):
            pieces.append(f'"{self.reference()}"')
        return " + ".join(pieces)

    def structured(self, depth=0):
        kind = self.rng.randrange(6 if depth < 3 else 4)
        if kind == 0:
            return str(self.rng.randint(0, 1 << 40))
        if kind == 1:
            return self.rng.choice(["true", "false", "null"])
        if kind < 4:
            return f"({self.value()})"
        count = self.rng.randrange(4)
        if kind == 4:
            return "[ " + " ".join(self.structured(depth + 1) for _ in range(count)) + " ]"
        pairs = (f"{quoted(f'k{n}{name(self.rng)}')} = {self.structured(depth + 1)};"
                 for n in range(count))
        return "{ " + " ".join(pairs) + " }"

    def derivation(self, number):
        rng = self.rng
        kind = rng.choice(self.kinds)
        outputs = ["out"]
        attributes = {
            "name": quoted(f"d{number}-{name(rng)}"),
            "system": quoted(rng.choice(["x86_64-linux", "aarch64-darwin", "builtin"])),
            "builder": rng.choice(['"/bin/sh"', f"({self.value()} + \"b\")"]),
            "args": "[ " + " ".join(f"({self.value()})" for _ in range(rng.randrange(4))) + " ]",
        }
        if kind == "fixed":
            algorithm = rng.choice(list(ALGORITHMS))
            attributes["outputHash"] = quoted(printed_hash(rng, algorithm))
            attributes["outputHashAlgo"] = quoted(algorithm)
            attributes["outputHashMode"] = quoted(rng.choice(["flat", "recursive"]))
        else:
            if rng.random() < 0.3:
                outputs = rng.sample(["out", "dev", "lib", "man", "bin"], rng.randint(1, 4))
            attributes["outputs"] = "[ " + " ".join(map(quoted, outputs)) + " ]"
        if kind == "floating":
            attributes["__contentAddressed"] = "true"
            attributes["outputHashAlgo"] = '"sha256"'
            attributes["outputHashMode"] = quoted(rng.choice(["flat", "recursive"]))
        if kind == "impure":
            attributes["__impure"] = "true"
        if kind == "structured":
            attributes["__structuredAttrs"] = "true"
            for _ in range(rng.randrange(4)):
                attributes[quoted(f"s{name(rng)}")] = self.structured()
        for _ in range(rng.randrange(5)):
            attributes[quoted(f"v{name(rng)}")] = self.value()
        if rng.random() < 0.02:
            attributes["vLong"] = quoted("x" * rng.randrange(100_000))
        if kind != "impure":
            self.usable.append(number)
        self.outputs.append(outputs)
        body = " ".join(f"{key} = {value};" for key, value in attributes.items())
        return f"derivation {{ {body} }}"


class Builds:
    """Derivations whose outputs show what their attributes did to their builds."""

    def __init__(self, rng, count):
        self.rng = rng
        self.lines = []
        kinds = (self.structured, self.environment, self.checked, self.checked_structured)
        for number in range(count):
            attributes = {"name": quoted(f"b{number}"), "system": quoted("x86_64-linux"),
                          "builder": quoted("/bin/sh")}
            kind = self.environment if number < FIRST_BUILDS else rng.choice(kinds)
            attributes.update(kind())
            body = " ".join(f"{key} = {value};" for key, value in attributes.items())
            self.lines.append(f"derivation {{ {body} }}")

    def expression(self):
        bindings = "\n".join(f"  b{number} = {line};" for number, line in enumerate(self.lines))
        names = " ".join(f"b{number}" for number in range(len(self.lines)))
        return f'let\n  out = builtins.placeholder "out";\n{bindings}\nin [ {names} ]\n'

    def earlier(self):
        """Some of those that others may refer to."""
        return [f"b{number}" for number in range(min(len(self.lines), FIRST_BUILDS))
                if self.rng.random() < 0.5]

    def simple(self):
        kind = self.rng.randrange(5)
        if kind == 0:
            return f"({self.rng.choice([0, 7, -3, 1 << 24, (1 << 32) + 5, -(1 << 40)])})"
        if kind == 1:
            return f"({self.rng.choice(['1.5', '2.0', '-0.25', '1.0e9', '1.0e300', '0.5e-9'])})"
        if kind == 2:
            return self.rng.choice(["true", "false", "null"])
        return quoted(text(self.rng)) if kind == 3 else "(out + \"/x\")"

    def value(self, depth=0):
        kind = self.rng.randrange(4 if depth < 2 else 2)
        if kind < 2:
            return self.simple()
        values = [self.value(depth + 1) for _ in range(self.rng.randrange(4))]
        if kind == 2:
            return f"[ {' '.join(values)} ]"
        keys = [quoted(f"k{n}{self.rng.choice(AWKWARD)}") for n in range(len(values))]
        return "{ " + " ".join(f"{k} = {v};" for k, v in zip(keys, values, strict=True)) + " }"

    def structured(self):
        attributes = {"__structuredAttrs": "true",
                      "args": '[ "-c" "/bin/cp -r . ${out}" ]'}
        for number in range(self.rng.randrange(8)):
            key = self.rng.choice(["v", "_V9", "not-one", "1st"]) + str(number)
            attributes[quoted(key)] = self.value()
        if self.rng.random() < 0.7:
            attributes["exportReferencesGraph"] = (
                f"{{ graph = [ {' '.join(self.earlier())} ]; other = [ b0 ]; }}")
        return attributes

    def environment(self):
        attributes = {"args": '[ "-c" "/bin/cp -r . ${out}; echo $others > ${out}/others" ]',
                      "passAsFile": '[ "long" ]', "long": quoted(text(self.rng)),
                      "others": f"[ {' '.join(self.earlier())} ]"}
        graphs = [f'"file{n}.txt" {number}' for n, number in enumerate(self.earlier())]
        attributes["exportReferencesGraph"] = f"[ {' '.join(graphs)} ]"
        return attributes

    def checked(self):
        attributes = {"args": '[ "-c" "echo $others $self > ${out}" ]',
                      "others": f"[ {' '.join(self.earlier())} ]",
                      "self": self.rng.choice(["out", '""'])}
        attributes[self.rng.choice(CHECKS)] = self.specs(0.8)
        return attributes

    def checked_structured(self):
        checks = {self.rng.choice(CHECKS): self.specs(0.8)}
        if self.rng.random() < 0.3:
            checks["maxSize"] = self.rng.choice(["1", "1000"])
        if self.rng.random() < 0.3:
            checks["maxClosureSize"] = self.rng.choice(["300", "100000"])
        body = " ".join(f"{key} = {value};" for key, value in checks.items())
        others = " ".join(f"${{{name}}}" for name in self.earlier())
        return {"__structuredAttrs": "true",
                "args": f'[ "-c" "echo {others} {self.rng.choice(["${out}", ""])} > ${{out}}" ]',
                "outputChecks": f"{{ out = {{ {body} }}; }}"}

    def specs(self, likely):
        names = [f"b{number}" for number in range(FIRST_BUILDS) if self.rng.random() < likely]
        if self.rng.random() < likely:
            names.append(quoted("out"))
        return f"[ {' '.join(names)} ]"


def write_files(rng, folder, count):
    """Regular files with names of store objects; all names differ."""
    folder.mkdir()
    files = []
    for number in range(count):
        file = Path(folder, f"{name(rng)}-{number}")
        file.write_bytes(content(rng))
        files.append(file)
    return files
