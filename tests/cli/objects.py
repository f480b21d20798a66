"""Store objects that refer to each other as they like, made without a builder: as export archives,
which `cinch store import` takes."""
import random
import struct

NIX32 = "0123456789abcdfghijklmnpqrsvwxyz"


def number(value):
    return struct.pack("<Q", value)


def text(value):
    value = value if isinstance(value, bytes) else value.encode()
    return number(len(value)) + value + b"\0" * (-len(value) % 8)


def node(tree):
    """A tree: bytes are a file, a str is a symlink, ("x", bytes) is a program, a dict is a
    directory."""
    if isinstance(tree, dict):
        entries = b"".join(
            text("entry") + text("(") + text("name") + text(name) + text("node") + node(tree[name])
            + text(")") for name in sorted(tree, key=str.encode))
        return text("(") + text("type") + text("directory") + entries + text(")")
    if isinstance(tree, str):
        return text("(") + text("type") + text("symlink") + text("target") + text(tree) + text(")")
    program = isinstance(tree, tuple)
    mark = text("executable") + text("") if program else b""
    contents = tree[1] if program else tree
    return (text("(") + text("type") + text("regular") + mark + text("contents") + text(contents)
            + text(")"))


def nar(tree):
    return text("nix-archive-1") + node(tree)


def archive(objects):
    """Objects are (path, tree, paths that it refers to, deriver or "")."""
    parts = []
    for path, tree, references, deriver in objects:
        parts += [number(1), nar(tree), number(0x4558494E), text(path), number(len(references)),
                  *map(text, sorted(references)), text(deriver), number(0)]
    return b"".join(parts) + number(0)


def random_path(chosen, name):
    return f"/nix/store/{''.join(chosen.choice(NIX32) for _ in range(32))}-{name}"


def random_objects(chosen, count, references_max=4):
    """A graph, references first. Each object names in its files what it refers to, perhaps itself,
    too."""
    objects = []
    for index in range(count):
        name = chosen.choice(["lib", "tool", "doc"]) + f"-{chosen.choice('abc')}"
        if chosen.random() < 0.8:
            name += f"-{chosen.randrange(3)}.{index}"
        path = random_path(chosen, name)
        earlier = [item[0] for item in objects]
        references = set(chosen.sample(earlier, min(len(earlier),
                                                    chosen.randrange(references_max + 1))))
        if chosen.random() < 0.3:
            references.add(path)
        tree = {"size": b"s" * chosen.randrange(60000), "bin": {}}
        for at, reference in enumerate(sorted(references)):
            kind = chosen.randrange(3)
            if kind == 0:
                tree["bin"][f"link-{at}"] = reference + "/bin"
            elif kind == 1:
                tree[f"file-{at}"] = b"\x7fELF\0\0 " + reference.encode() + b"/lib\0rest of it\n"
            else:
                tree["bin"][f"run-{at}"] = ("x", b"#!/bin/sh\nexec " + reference.encode()
                                            + b"/bin/x \"$@\"\n" + b"echo " * 40)
        objects.append((path, tree, references, ""))
    return objects


def seeded(test):
    """A generator with a printed seed."""
    seed = random.randrange(1 << 32)
    print(f"{test}: seed {seed}", flush=True)
    return random.Random(seed)
