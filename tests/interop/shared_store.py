"""Nix and Cinch on one store: in turns, at the same time, and under each other's collector."""
import json
import os
import re
import sqlite3
import threading
import time
from contextlib import closing
from pathlib import Path

import generate
from program import Program, compare, nix_prefix
from sessions import CinchSession, NixSession

FEATURES = "nix-command ca-derivations"
CONFIG = f"""substituters =
build-users-group =
sandbox = false
experimental-features = {FEATURES}
"""
EXPRESSION = """
let floating = { system = "x86_64-linux"; builder = "/bin/sh"; __contentAddressed = true;
                 outputHashAlgo = "sha256"; outputHashMode = "recursive"; };
in rec {
  first = derivation (floating // { name = "first"; args = [ "-c" "echo 1 > $out" ]; });
  second = derivation (floating // { name = "second";
    args = [ "-c" "echo ${first} > $out" ]; });
  third = derivation { name = "third"; system = "x86_64-linux"; builder = "/bin/sh";
    args = [ "-c" "echo ${second} > $out" ]; };
}
"""
LOSSES_MAX = 100
TURNS_MAX = 10
START_SECONDS = 60
ROOTED_WHILE_COLLECTED = 10
REALISATION = {"dependentRealisations": {}, "signatures": []}


class Place:
    """The directories of a store that is where its paths say."""

    def __init__(self, scratch, name):
        self.folder = scratch / name
        self.folder.mkdir()
        self.environment = {f"NIX_{part}_DIR": str(self.folder / folder) for part, folder in
                            (("STORE", "store"), ("STATE", "var"), ("LOG", "log"))}

    def execute(self, *statement):
        with closing(sqlite3.connect(self.folder / "var/db/db.sqlite", timeout=60)) as database:
            rows = database.execute(*statement).fetchall()
            database.commit()
        return rows

    def collectors(self):
        """The processes that collect (there can be one), by the lock that they hold."""
        lock = self.folder / "var/gc.lock"
        if not lock.exists():
            return []
        end = f":{lock.stat().st_ino}"
        # "1: FLOCK  ADVISORY  WRITE 123 fe:00:4711 0 EOF"; those who wait have an arrow in between.
        lines = map(str.split, Path("/proc/locks").read_text().splitlines())
        return [line[4] for line in lines if line[1:4] == ["FLOCK", "ADVISORY", "WRITE"] and
                line[5].endswith(end)]

    def wait_for_collector(self):
        """Until the one that is at work, if there is one, has ended."""
        first = self.collectors()
        while first and self.collectors() == first:
            time.sleep(0.001)


class Side:
    """One of the two, at work on a place."""

    def __init__(self, place, program):
        self.place = place
        self.program = program.beside(place.environment)
        self.lost = 0  # paths that a collector took before they had a root

    def lines(self, *arguments):
        return self.program.lines(*arguments)

    def keep(self, file, link):
        """Adds a file and roots it. Whoever is not in a session may lose it in between."""
        for _ in range(LOSSES_MAX):
            path = self.add(file)
            if self.root(path, link):
                return path
            self.lost += 1
        raise AssertionError(f"{file} never lives until it has a root")


class Nix(Side):
    title = "Nix"

    def add(self, file):
        return self.lines("nix-store", "--add", file)[0]

    def root(self, path, link):
        result = self.program.attempt("nix-store", "--realise", path, "--add-root", link,
                                      "--indirect")
        # It looks whether the path is there before it makes the root, not after; and its collector
        # looks at links before it looks at the temporary roots of those who make them.
        self.place.wait_for_collector()
        valid = self.program.attempt("nix-store", "--check-validity", path)
        return result.returncode == 0 and valid.returncode == 0

    def collect(self):
        """Whether it did."""
        result = self.program.attempt("nix-store", "--gc")
        told = result.stderr.decode()
        # That of Nix 2.34 may abort when a client hangs up quickly, as commands do. What it leaves
        # behind is compared all the same.
        if result.returncode != 0 and "Nix crashed" not in told:
            raise AssertionError(f"nix-store --gc: {told[-2000:]}")
        return result.returncode == 0

    def optimise(self):
        # Nix gives up where a collector takes a path away that it is looking at.
        self.program.attempt("nix-store", "--optimise")

    def verify(self):
        result = self.program.attempt("nix-store", "--verify", "--check-contents")
        told = result.stderr.decode()
        problems = [line for line in told.splitlines()
                    if not re.match(r"(reading|checking) |warning: .*nix.conf", line)]
        return problems + ([] if result.returncode == 0 else [f"status {result.returncode}"])

    def all(self):
        return sorted(self.lines("nix", "path-info", "--all"))

    def describe(self, path):
        answers = [self.lines("nix-store", "--query", option, path)
                   for option in ("--hash", "--size", "--references", "--deriver")]
        return [sorted(answer) for answer in answers]

    def session(self):
        return NixSession([*self.program.prefix, "nix-daemon", "--stdio"],
                          self.program.environment)


class Cinch(Side):
    title = "Cinch"

    def add(self, file):
        return self.lines("store", "add", file)[0]

    def root(self, path, link):
        result = self.program.attempt("store", "add-root", link, path)
        told = result.stderr.decode()
        if result.returncode != 0 and "is not valid" not in told:
            raise AssertionError(f"cinch store add-root: {told}")
        return result.returncode == 0

    def collect(self):
        """Whether it did."""
        result = self.program.attempt("store", "gc")
        told = result.stderr.decode()
        # Only one collects at a time, and Cinch does not queue up.
        if result.returncode != 0 and "another" not in told:
            raise AssertionError(f"cinch store gc: {told}")
        return result.returncode == 0

    def optimise(self):
        self.program.bytes("store", "optimise")

    def verify(self):
        result = self.program.attempt("store", "verify", "--all", "--no-trust")
        told = (result.stdout + result.stderr).decode()
        return [] if result.returncode == 0 else told.splitlines()

    def all(self):
        return sorted(self.lines("path-info", "--all"))

    def describe(self, path):
        asked = ("--hash", "--size", "--references", "--deriver")
        answers = [self.lines("nix-store", "--query", option, path) for option in asked]
        return [sorted(answer) for answer in answers]

    def session(self):
        return CinchSession([*self.program.prefix, "daemon"], self.program.environment,
                            self.place.folder / "cinch-socket")


class SharedStore:
    """Each check_ method returns how many answers it compared."""

    def __init__(self, arguments, scratch):
        self.scratch = scratch
        self.rounds = max(3, arguments.cases // 50)
        prefix = nix_prefix(arguments.nix_root, scratch)
        self.nix = Program(scratch, prefix, CONFIG)
        self.cinch = Program(scratch, [str(Path(arguments.cinch).resolve())], CONFIG)

    def sides(self, name):
        place = Place(self.scratch, name)
        return Nix(place, self.nix), Cinch(place, self.cinch)

    def check_turns(self, rng):
        """Each asks about, and adds anew, what the other has added."""
        sides = self.sides("turns")
        files = self.scratch / "turns-files"
        files.mkdir()
        compared = 0
        for number in range(self.rounds):
            one, other = sides if rng.random() < 0.5 else sides[::-1]
            file = files / f"{number}-{generate.name(rng, 20)}"
            generate.tree(rng, file)
            path = one.add(file)
            compared += compare(f"{file}, added again", other.add(file), path)
            compared += compare(path, other.describe(path), one.describe(path))
            if rng.random() < 0.3:
                one.root(path, self.scratch / f"turns-root-{number}")
            if rng.random() < 0.1:
                other.collect()
            if rng.random() < 0.1:
                other.optimise()
        return compared + verified(sides)

    def check_load(self, rng):
        """Both add, ask, root, optimise and collect at the same time, often the same files."""
        sides = self.sides("load")
        compare("a new store", sides[0].all(), [])  # which Nix cannot make twice at the same time
        files = self.scratch / "load-files"
        files.mkdir()
        for number in range(self.rounds):
            generate.tree(rng, files / f"f{number}")
        load = Load(self.scratch, sides, sorted(files.iterdir()))
        load.run(rng)
        compared = verified(sides)
        valid = set(sides[0].all())
        for link, path in load.kept.items():
            compared += compare(f"what {link} keeps", path in valid, True)
            compared += compare(f"where {link} points", os.readlink(link), path)
        compare("collections while others were adding", min(load.collections.values()) > 0, True)
        for link in load.kept:
            link.unlink()
        sides[load.rng_side].collect()
        compared += compare("what is left without roots", sides[0].all(), [])
        return compared + verified(sides)

    def check_sessions(self, rng):
        """What a session of one has named is spared by the other's collector until it ends."""
        compared = 0
        sides = self.sides("sessions")
        for one, other in (sides, sides[::-1]):
            with one.session() as session:
                path = session.add_text("named", f"by {one.title}".encode())
                absent = f"{one.place.environment['NIX_STORE_DIR']}/{'0' * 32}-x"
                session.do_temporary_root(absent)
                lost = other.add(self.write("lost", f"by {other.title}"))
                other.collect()
                compared += compare(f"{other.title} spares {one.title}'s", one.all(), [path])
                compared += compare("what nobody named", Path(lost).exists(), False)
            other.collect()
            compared += compare(f"{other.title} collects what {one.title} left", one.all(), [])
        return compared

    def check_adding_while_the_other_collects(self, rng):
        """A session adds while the other's collector is at work: it asks it through its socket."""
        compared = 0
        sides = self.sides("collecting")
        for one, other in (sides, sides[::-1]):
            with other.session() as filler:
                for number in range(self.rounds * 20):
                    filler.add_text(f"rubbish{number}", f"{one.title} {number}".encode())
            collector = Collecting(other)
            with one.session() as session:
                paths = []
                with collector:
                    last = collector.count + 1
                    while collector.count <= last and len(paths) < 10_000:
                        paths.append(session.add_text(f"t{len(paths)}", one.title.encode()))
                compare("texts added while the other was collecting", len(paths) > 0, True)
                valid = session.do_find_valid(paths)
                compared += compare("what was added meanwhile", valid, sorted(paths))
            compared += len(paths)
        return compared + verified(sides)

    def check_rooting_while_cinch_collects(self, rng):
        """What the collector has looked at before, too: that of Nix takes it away nevertheless if
        others refer to it (mended in 2026, github.com/NixOS/nix/pull/15992)."""
        nix, cinch = self.sides("rooting")
        for turn in range(ROOTED_WHILE_COLLECTED):
            with cinch.session() as filler:
                path = filler.add_text(f"base{turn}", b"of all others")
                for number in range(self.rounds * 5):
                    filler.add_text(f"text{number}", f"{turn} {number}".encode(), [path])
            with nix.session() as session:
                with Collecting(cinch):
                    time.sleep(rng.random() / 200)
                    session.do_temporary_root(path)
                    valid = bool(session.do_find_valid([path]))
                compare(f"{path}, in turn {turn}", Path(path).exists(), valid)
            cinch.collect()
        return ROOTED_WHILE_COLLECTED + verified((nix, cinch))

    def check_migrations(self, rng):
        """Nix brings a store that Cinch made up to date, for which it waits until nobody has it
        open; and Cinch goes on with it."""
        nix, cinch = self.sides("migrations")
        before = cinch.add(self.write("before", "before"))
        between = nix.add(self.write("between", "between"))
        after = cinch.add(self.write("after", "after"))
        compared = 0
        for path in (before, between, after):
            compared += compare(path, cinch.describe(path), nix.describe(path))
        tables = {name for (name,) in nix.place.execute("select name from sqlite_master")}
        compare("tables of realisations", tables.issuperset({"Realisations"}), True)
        if "SchemaMigrations" in tables:
            names = nix.place.execute("select migration from SchemaMigrations")
            compare("the migration of realisations", ("20220326-ca-derivations",) in names, True)
            # What newer versions do.
            nix.place.execute("insert into SchemaMigrations values "
                              "('20260309-drop-redundant-indexreferrer')")
            nix.place.execute("drop index if exists IndexReferrer")
        link = self.scratch / "migrations-root"
        compare("a root", cinch.root(before, link), True)
        cinch.collect()
        compared += compare("what is kept", nix.all(), [before])
        return compared + verified((nix, cinch))

    def check_realisations(self, rng):
        """What Nix has built content-addressed, in Nix's words and in Cinch's."""
        nix, cinch = self.sides("realisations")
        expression = self.write("ca.nix", EXPRESSION)
        derivations = self.build(nix, expression)
        compared = 0
        for name in derivations:
            compared += compare(name, self.info(cinch, derivations[name] + "^out"),
                                self.info(nix, "-f", expression, name))
        with cinch.session() as session:
            client = Nix(nix.place, nix.program.beside({"NIX_REMOTE": f"unix://{session.address}"}))
            for name in derivations:
                compared += compare(f"{name}, through Cinch's daemon",
                                    self.info(client, "-f", expression, name),
                                    self.info(nix, "-f", expression, name))
        count = nix.place.execute("select count(*) from Realisations")[0][0]
        compared += compare("all", len(cinch.lines("realisation", "info", "--all")), count)
        kept = cinch.lines("realisation", "info", derivations["first"] + "^out")
        compare("a root", cinch.root(kept[0].split()[1], self.scratch / "realisations-root"), True)
        cinch.collect()
        left = [path for path in nix.all() if not path.endswith(".drv")]
        compared += compare("what is left", left, [kept[0].split()[1]])
        rest = cinch.lines("realisation", "info", "--all")
        compared += compare("whose path is left", {line.split()[1] for line in rest},
                            {kept[0].split()[1]})
        compare("keys without rows", nix.place.execute("pragma foreign_key_check"), [])
        self.build(nix, expression)
        key = kept[0].split()[0]  # which has no store directory in it
        return compared + self.use_ours(expression, key) + verified((nix, cinch))

    def use_ours(self, expression, key):
        """Nix needs not build what Cinch says was built."""
        nix, cinch = self.sides("realisations-of-cinch")
        derivation = nix.lines("nix-instantiate", expression, "-A", "first")[0]
        without_builders = ("nix-store", "--realise", "--max-jobs", "0", derivation)
        result = nix.program.attempt(*without_builders)
        compare("whether there was nothing to build with", result.returncode != 0, True)
        self.forget_tables(nix.place)
        path = cinch.add(self.write("first", "1\n"))
        with cinch.session() as session:
            session.register_realisation(json.dumps(
                {**REALISATION, "id": key, "outPath": os.path.basename(path)}))
        compared = compare("what Nix takes for built", nix.lines(*without_builders), [path])
        return compared + verified((nix, cinch))

    def forget_tables(self, place):
        """As if content-addressed derivations had never been switched on."""
        place.execute("drop trigger if exists DeleteSelfRefsViaRealisations")
        for table in ("RealisationsRefs", "Realisations", "SchemaMigrations"):
            place.execute(f"drop table if exists {table}")
        (place.folder / "var/db/ca-schema").unlink(missing_ok=True)

    def build(self, nix, expression):
        names = ("first", "second", "third")
        derivations = {name: nix.lines("nix-instantiate", expression, "-A", name)[0]
                       for name in names}
        nix.lines("nix-store", "--realise", *derivations.values())
        return derivations

    def info(self, side, *arguments):
        told = side.program.bytes(*(["nix", "--offline"] if side.title == "Nix" else []),
                                  "realisation", "info", "--json", *arguments)
        found = json.loads(told)
        # Newer versions have no dependencies any more.
        return [{name: value for name, value in one.items()
                 if name != "dependentRealisations" or value} for one in found]

    def write(self, name, content):
        file = self.scratch / name
        file.write_text(content)
        return file


class Collecting(threading.Thread):
    """Collects again and again. Its block begins when it is at work, and ends it."""

    def __init__(self, side):
        super().__init__()
        self.side = side
        self.stop = threading.Event()
        self.count = 0
        self.error = None

    def run(self):
        try:
            while not self.stop.is_set():
                self.count += self.side.collect()
        except AssertionError as error:
            self.error = error

    def __enter__(self):
        self.start()
        end = time.monotonic() + START_SECONDS
        while not self.side.place.collectors():
            if not self.is_alive() or time.monotonic() > end:
                self.__exit__()
                raise AssertionError(f"{self.side.title} does not collect")
            time.sleep(0.001)
        return self

    def __exit__(self, *error):
        self.stop.set()
        self.join()
        if self.error:
            raise self.error


class Load:
    """Two that add, one that collects and one that optimises, on each side."""

    def __init__(self, scratch, sides, files):
        self.scratch = scratch
        self.sides = sides
        self.files = files
        self.kept = {}
        self.collections = {side.title: 0 for side in sides}
        self.errors = []
        self.done = threading.Event()
        self.rng_side = 0

    def run(self, rng):
        self.rng_side = rng.randrange(2)
        workers = []
        for side in self.sides:
            for number in range(2):
                order = rng.sample(self.files, len(self.files))
                workers.append(self.thread(self.add, side, number, order))
        others = [self.thread(self.collect, side) for side in self.sides]
        others += [self.thread(self.optimise, side) for side in self.sides]
        for worker in workers:
            worker.join()
        self.done.set()
        for other in others:
            other.join()
        if self.errors:
            raise self.errors[0]

    def thread(self, work, *arguments):
        def guarded():
            try:
                work(*arguments)
            except Exception as error:  # noqa: BLE001: whatever it is, the check has failed
                self.errors.append(AssertionError(f"{arguments[0].title}: {error}"))
                self.done.set()
        thread = threading.Thread(target=guarded)
        thread.start()
        return thread

    def add(self, side, number, order):
        for at, file in enumerate(order * TURNS_MAX):
            if self.done.is_set() or (at >= len(order) and min(self.collections.values()) > 0):
                return
            if at % 2:
                side.add(file)
                continue
            link = self.scratch / f"load-{side.title}-{number}-{at}"
            path = side.keep(file, link)
            self.kept[link] = path
            side.describe(path)

    def collect(self, side):
        while not self.done.is_set():
            self.collections[side.title] += side.collect()
            time.sleep(0.05)

    def optimise(self, side):
        while not self.done.is_set():
            side.optimise()
            time.sleep(0.2)


def verified(sides):
    """Both find the store whole, with the same paths in it."""
    compared = 0
    for side in sides:
        compared += compare(f"what {side.title} finds wrong", side.verify(), [])
    return compared + compare("valid paths", sides[1].all(), sides[0].all())
