#!/usr/bin/env python3
"""Makes a store of many small objects that are one closure, faster than adding them: for benches.

    synthetic_closure.py CINCH ROOT COUNT

prints the path whose closure has all COUNT objects. Each refers to two of its own and to three
others; no object is more than log2(COUNT) references away from the first."""
import os
import random
import sqlite3
import subprocess
import sys

NIX32 = "0123456789abcdfghijklmnpqrsvwxyz"
NAR_BYTES = 160


def make(cinch, root, count):
    chosen = random.Random(1)
    subprocess.run([cinch, "store", "info", "--store", f"local?root={root}"], check=True,
                   stdout=subprocess.DEVNULL)
    store = f"{root}/nix/store"
    names = [f"{''.join(chosen.choice(NIX32) for _ in range(32))}-object-{index}"
             for index in range(count)]
    database = sqlite3.connect(f"{root}/nix/var/nix/db/db.sqlite")
    database.execute("pragma synchronous = off")
    for index, name in enumerate(names):
        with open(f"{store}/{name}", "w", encoding="ascii") as file:
            file.write(name)
        os.chmod(f"{store}/{name}", 0o444)
        os.utime(f"{store}/{name}", (1, 1))
    # Rows lie in no order, as in a store that has grown.
    ids = list(range(1, count + 1))
    chosen.shuffle(ids)
    database.executemany(
        "insert into ValidPaths(id, path, hash, registrationTime, narSize) values (?, ?, ?, 1, ?)",
        [(ids[index], f"/nix/store/{name}", "sha256:" + "0" * 64, NAR_BYTES)
         for index, name in enumerate(names)])
    references = {(index, below) for index in range(count)
                  for below in (2 * index + 1, 2 * index + 2) if below < count}
    references |= {(index, chosen.randrange(index + 1, count)) for index in range(count - 1)
                   for _ in range(3)}
    database.executemany("insert into Refs values (?, ?)",
                         [(ids[above], ids[below]) for above, below in sorted(references)])
    database.commit()
    return f"/nix/store/{names[0]}"


if __name__ == "__main__":
    print(make(sys.argv[1], sys.argv[2], int(sys.argv[3])))
