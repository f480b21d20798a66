"""Stores of any size without the work of filling them: their objects are small files, and nothing
but the graph and what the database says of it is like that of a real store."""

import hashlib
import os
import random
import sqlite3
import subprocess

ALPHABET = "0123456789abcdfghijklmnpqrsvwxyz"


def make(cinch, root, count, references=5, alive_share=0.5, seed=1):
    """A store below `root`: `count` objects with so many references each, of which a share is kept
    alive by roots. Returns the names of the objects, those that are alive first."""
    choice = random.Random(seed)
    database = open_database(cinch, root)
    alive = int(count * alive_share)
    names = []
    tops = set()  # what is to be kept alive, and nothing refers to yet
    for number in range(count):
        name = "".join(choice.choices(ALPHABET, k=32)) + f"-object-{number}"
        size = write_object(root, name)
        database.execute(
            "insert into ValidPaths (id, path, hash, registrationTime, narSize) "
            "values (?, ?, ?, 1, ?)",
            (number + 10, f"/nix/store/{name}", nar_hash(name), size))
        first = 0 if number < alive else alive
        for other in {choice.randrange(first, number) for _ in range(references) if number > first}:
            database.execute("insert into Refs values (?, ?)", (number + 10, other + 10))
            tops.discard(other)
        names.append(name)
        if number < alive:
            tops.add(number)
    database.commit()
    database.close()
    for number in tops:
        os.symlink(f"/nix/store/{names[number]}", f"{root}/nix/var/nix/gcroots/root-{number}")
    return names


def open_database(cinch, root):
    """The empty database of a new store."""
    subprocess.run([cinch, "store", "info", "--store", f"local?root={root}"], check=True,
                   stdout=subprocess.DEVNULL)
    database = sqlite3.connect(f"{root}/nix/var/nix/db/db.sqlite")
    database.execute("pragma synchronous = off")
    return database


def write_object(root, name):
    file = f"{root}/nix/store/{name}"
    with open(file, "w", encoding="ascii") as stream:
        stream.write(name)
    os.chmod(file, 0o444)
    os.utime(file, (1, 1))
    return len(nar_of(name))


def nar_of(contents):
    """The NAR of a file."""
    def word(text):
        return len(text).to_bytes(8, "little") + text + bytes(-len(text) % 8)
    words = [b"nix-archive-1", b"(", b"type", b"regular", b"contents", contents.encode(), b")"]
    return b"".join(map(word, words))


def nar_hash(contents):
    return "sha256:" + hashlib.sha256(nar_of(contents)).hexdigest()
