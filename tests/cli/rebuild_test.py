#!/usr/bin/env python3
"""store rebuild-database: a database that is lost, damaged or lacks rows, made anew from what lies
on disk; row by row as it was, and as Nix 2.8 sees it."""
import fcntl
import hashlib
import json
import os
import random
import shutil
import sqlite3
import subprocess
import time
import unittest
from pathlib import Path

from command import CINCH, CommandTest, derivation, main, needs_nix
from objects import archive, random_objects, seeded

PAGE_BYTES = 4096
KILLS = 12
KILLS_MAX = 100


class RebuildTest(CommandTest):
    def setUp(self):
        super().setUp()
        self.db = self.root / "nix/var/nix/db"
        self.objects = self.root / "nix/store"

    # --- a store with one of everything

    def fill(self, chosen, count=40):
        """Objects that refer to each other and to themselves, derivations, what these make, files,
        trees; some of them signed."""
        objects = random_objects(chosen, count)
        self.in_store("store", "import", input=archive(objects))
        self.write("tree/a", "mentions " + objects[0][0])
        self.write("file", "contents")
        paths = [self.in_store("store", "add-path", self.directory / "tree"),
                 self.in_store("store", "add-file", self.directory / "file")]
        lower = self.add_derivation("lower", srcs=[paths[0]])
        drvs = [lower, self.add_derivation("upper", drvs=[lower]), self.add_fixed("fetched")]
        for index, drv in enumerate(drvs[:2]):
            out = self.output_of(drv)
            references = {out, paths[index]}
            self.in_store("store", "import", input=archive(
                [(out, {"self": " ".join(references).encode()}, references, drv)]))
        fetched = self.in_store("store", "add-file", self.write("fetched", "fixed content"))
        self.assertEqual(fetched, self.output_of(drvs[2]))
        # As who builds it does.
        self.execute("update ValidPaths set deriver = ?, ultimate = 1 where path = ?",
                     drvs[2], fetched)
        self.in_store("derivation", "add", input=derivation("floating", "true", outputs={
            "out": {"method": "nar", "hashAlgo": "sha256"}}))
        key = self.succeed("key", "generate-secret", "--key-name", "test")
        self.write("key", key)
        self.in_store("store", "sign", "-k", "key", *[one[0] for one in objects[::2]])
        return objects

    def add_derivation(self, name, srcs=(), drvs=()):
        inputs = {"srcs": [os.path.basename(path) for path in srcs],
                  "drvs": {os.path.basename(path): {"outputs": ["out"], "dynamicOutputs": {}}
                           for path in drvs}}
        return self.in_store("derivation", "add", input=derivation(name, "true", inputs=inputs))

    def add_fixed(self, name):
        digest = hashlib.sha256(b"fixed content").hexdigest()
        self.assertEqual(len(digest), 64)
        sri = self.succeed("hash", "convert", "--hash-algo", "sha256", "--to", "sri", digest)
        return self.in_store("derivation", "add", input=derivation(
            name, "true", outputs={"out": {"method": "flat", "hash": sri}}))

    def output_of(self, drv):
        return self.execute("select o.path from DerivationOutputs o join ValidPaths v on "
                            "v.id = drv where v.path = ?", drv)[0][0]

    def add_file(self, name, text):
        return self.in_store("store", "add-file", self.write(name, text))

    # --- the database

    def rows(self):
        """Everything, by paths in place of numbers."""
        connection = sqlite3.connect(self.database)
        try:
            connection.row_factory = sqlite3.Row
            paths = {row["path"]: dict(row) for row in connection.execute(
                "select * from ValidPaths")}
            refs = {tuple(row) for row in connection.execute(
                "select a.path, b.path from Refs, ValidPaths a, ValidPaths b "
                "where a.id = referrer and b.id = reference")}
            outputs = {tuple(row) for row in connection.execute(
                "select v.path, o.id, o.path from DerivationOutputs o, ValidPaths v "
                "where v.id = drv")}
            return paths, refs, outputs
        finally:
            connection.close()

    def save(self):
        self.settle()
        return (self.db / "db.sqlite").read_bytes()

    def restore(self, database):
        for file in self.db.glob("db.sqlite*"):
            file.unlink()
        if database is not None:
            (self.db / "db.sqlite").write_bytes(database)

    def rebuild(self, *options):
        result = self.cinch("store", "rebuild-database", "--json", *options, "--store", self.store)
        self.assertEqual(result.status, 0, result)
        return json.loads(result.out)

    def check_rows(self, before, report):
        """All is as before; of recovered paths, what nobody can know is lost."""
        recovered = {one["path"] for one in report["recovered"]}
        after = self.rows()
        for rows in (before, after):
            for path in recovered & rows[0].keys():
                rows[0][path].update(registrationTime=0, sigs=None, ultimate=None, id=0)
        self.assertEqual(after[0].keys(), before[0].keys())
        for path, row in before[0].items():
            self.assertEqual(after[0][path], row)
        self.assertEqual(after[1], before[1])
        self.assertEqual(after[2], before[2])

    def rebuild_and_check(self, before, *options):
        report = self.rebuild(*options)
        self.check_rows(before, report)
        return report

    # --- damage

    def test_lost(self):
        self.fill(seeded("lost"))
        before = self.rows()
        self.restore(None)
        error = self.fail_with(1, "path-info", "--all", "--store", self.store)
        self.assertIn("hint: make it anew with 'cinch store rebuild-database'", error)
        report = self.rebuild_and_check(before)
        self.assertEqual((report["keptPaths"], report["oldDatabase"]), (0, None))
        proven = {one["path"] for one in report["recovered"] if one["proven"]}
        self.assertEqual(proven, {path for path, row in before[0].items() if row["ca"]})
        self.succeed("store", "verify", "--no-trust", "--store", self.store)

    def test_whole_state_directory_lost(self):
        self.fill(seeded("state lost"))
        before = self.rows()
        shutil.rmtree(self.root / "nix/var")
        self.rebuild_and_check(before)
        self.succeed("store", "verify", "--no-trust", "--store", self.store)

    def test_intact(self):
        self.fill(seeded("intact"))
        before, bytes_before = self.rows(), self.save()
        report = self.rebuild_and_check(before)
        self.assertEqual((report["recovered"], report["damage"], report["leftAlone"]), ([], [], []))
        self.assertEqual((report["unchanged"], report["oldDatabase"]), (True, None))
        self.assertEqual(self.save(), bytes_before)
        self.assertEqual(list(self.db.glob("db.sqlite.*")), [])
        done = self.cinch("store", "rebuild-database", "--store", self.store)
        self.assertIn("the database is whole, and stays as it is\n", done.err)

    def test_every_page(self):
        chosen = seeded("pages")
        self.fill(chosen)
        before, whole = self.rows(), self.save()
        kept = []
        for page in range(0, len(whole), PAGE_BYTES):
            junk = chosen.choice([bytes(PAGE_BYTES), chosen.randbytes(PAGE_BYTES)])
            damaged = whole[:page] + junk + whole[page + PAGE_BYTES:]
            self.restore(damaged)
            with self.subTest(page=page // PAGE_BYTES):
                report = self.rebuild_and_check(self.rows_of(before))
                kept.append(report["keptPaths"])
                # A page that says nothing may hold anything.
                old = self.db / "db.sqlite" if report["unchanged"] else report["oldDatabase"]
                self.assertEqual(Path(old).read_bytes(), damaged)
        self.assertEqual(min(kept), 0)  # without the first page nothing can be read
        self.assertEqual(max(kept), len(before[0]))  # without a page of an index, all

    @staticmethod
    def rows_of(before):
        return ({path: dict(row) for path, row in before[0].items()}, before[1], before[2])

    def test_truncated(self):
        chosen = seeded("truncated")
        self.fill(chosen)
        before, whole = self.rows(), self.save()
        for size in [0, 50, PAGE_BYTES, *(chosen.randrange(len(whole)) for _ in range(5))]:
            with self.subTest(size=size):
                self.restore(whole[:size])
                self.rebuild_and_check(self.rows_of(before))

    def test_single_rows(self):
        chosen = seeded("rows")
        self.fill(chosen)
        before, whole = self.rows(), self.save()
        for _ in range(4):
            self.restore(whole)
            for path in chosen.sample(sorted(before[0]), 3):
                self.execute("delete from ValidPaths where path = ?", path)
            self.execute("delete from DerivationOutputs where rowid % 2 = 0")
            self.execute("delete from Refs where referrer in "
                         "(select id from ValidPaths where path like '%.drv')")
            report = self.rebuild_and_check(self.rows_of(before))
            self.assertEqual(len(report["recovered"]), 3)

    def test_wrong_rows(self):
        """The object is right, as its path says; so it is the row that is wrong."""
        path = self.add_file("file", "contents")
        before = self.rows()
        self.execute("update ValidPaths set hash = ?, narSize = 7", "sha256:" + "0" * 64)
        report = self.rebuild_and_check(before)
        self.assertEqual(report["recovered"], [{"path": path, "proven": True}])

    def test_rows_in_the_log_count(self):
        self.add_file("first", "1")
        reader = sqlite3.connect(self.database)
        reader.execute("begin")
        reader.execute("select * from ValidPaths").fetchall()
        self.add_file("second", "2")
        log = (self.db / "db.sqlite-wal").read_bytes()
        database = (self.db / "db.sqlite").read_bytes()
        reader.close()
        before = self.rows()
        for dry_run in (True, False):
            self.restore(database)
            (self.db / "db.sqlite-wal").write_bytes(log)
            report = self.rebuild(*["--dry-run"] * dry_run)
            self.assertEqual((report["keptPaths"], report["recovered"]), (2, []))
        self.check_rows(before, report)

    def test_schema_file(self):
        self.fill(seeded("schema"), count=5)
        before = self.rows()
        for text in ("", "ten", None):
            (self.db / "schema").unlink()
            if text is not None:
                (self.db / "schema").write_text(text)
            self.rebuild_and_check(self.rows_of(before))
            self.assertEqual((self.db / "schema").read_text(), "10")
        (self.db / "schema").write_text("11")
        error = self.fail_with(1, "store", "rebuild-database", "--store", self.store)
        self.assertIn("only schema 10 is supported", error)

    def test_other_tables(self):
        path = self.add_file("file", "contents")
        connection = sqlite3.connect(self.database)
        connection.executescript(
            "create table Realisations (id integer primary key autoincrement not null, "
            "drvPath text not null, outputName text not null, "
            "outputPath integer not null, signatures text, "
            "foreign key (outputPath) references ValidPaths(id) on delete cascade);"
            "create index IndexRealisations on Realisations(drvPath, outputName);"
            "insert into Realisations select 7, 'sha256:00', 'out', id, null from ValidPaths;"
            "insert into Realisations values (9, 'sha256:11', 'out', 4711, null);"
            "create table SchemaMigrations (migration text primary key);"
            "insert into SchemaMigrations values ('20260309-drop-redundant-indexreferrer')")
        connection.close()
        self.rebuild()
        self.assertEqual(self.execute(
            "select r.id, path from Realisations r join ValidPaths v on outputPath = v.id"),
            [(7, path)])
        self.assertEqual(self.execute("select count(*) from Realisations"), [(1,)])
        self.assertEqual(self.execute("select * from SchemaMigrations"),
                         [("20260309-drop-redundant-indexreferrer",)])
        self.assertEqual(self.execute(
            "select count(*) from sqlite_master where name = 'IndexRealisations'"), [(1,)])

    def test_lost_tables_of_realisations(self):
        """Nix before 2.26 makes them where the file that says so is not there."""
        self.add_file("file", "contents")
        (self.db / "ca-schema").write_text("3")
        self.restore(None)
        self.rebuild()
        self.assertEqual([file.name.partition("-2")[0] for file in self.db.glob("ca-schema*")],
                         ["ca-schema.damaged"])

    # --- what is not taken, and not touched

    def left_alone(self, report):
        return {one["name"]: one["reason"] for one in report["leftAlone"]}

    def test_leaves_alone(self):
        good = self.add_file("good", "good")
        drv = self.add_derivation("broken")
        above = self.add_derivation("above", drvs=[drv])
        self.real(drv).chmod(0o644)
        self.real(drv).write_text("")  # as after a power failure
        foreign = {"notes.txt": "notes", ".links-old": "x", "tmp-1-0": "y",
                   os.path.basename(good) + ".lock": "",
                   "0" * 32 + "-half": "half of an object"}
        for name, text in foreign.items():
            (self.objects / name).write_text(text)
        os.mkfifo(self.objects / ("1" * 32 + "-pipe"))
        before = {name: os.lstat(self.objects / name) for name in os.listdir(self.objects)}
        self.restore(None)
        report = self.rebuild()
        self.assertEqual([one["path"] for one in report["recovered"]], [good])
        reasons = self.left_alone(report)
        self.assertEqual(reasons.keys(), foreign.keys() | {
            "1" * 32 + "-pipe", os.path.basename(drv), os.path.basename(above)})
        self.assertEqual(reasons["notes.txt"], "its name is not that of a store object")
        self.assertIn("had not come to the end", reasons["0" * 32 + "-half"])
        self.assertIn("cannot be read", reasons["1" * 32 + "-pipe"])
        self.assertIn("a damaged derivation", reasons[os.path.basename(drv)])
        self.assertRegex(reasons[os.path.basename(above)], "broken")
        after = {name: os.lstat(self.objects / name) for name in os.listdir(self.objects)}
        self.assertEqual({name: (stat.st_ino, stat.st_mode, stat.st_mtime_ns)
                          for name, stat in after.items()},
                         {name: (stat.st_ino, stat.st_mode, stat.st_mtime_ns)
                          for name, stat in before.items()})
        # Who knows better can say so.
        os.unlink(self.objects / (os.path.basename(good) + ".lock"))
        os.unlink(self.objects / ("1" * 32 + "-pipe"))
        report = self.rebuild("--unfinished")
        self.assertEqual([one["path"] for one in report["recovered"]],
                         ["/nix/store/" + "0" * 32 + "-half"])
        self.assertEqual(self.real(report["recovered"][0]["path"]).lstat().st_mode & 0o7777, 0o444)

    def test_cycle(self):
        chosen = seeded("cycle")
        ends = [f"/nix/store/{digit * 32}-end" for digit in "01"]
        for path in ends:
            self.in_store("store", "import", input=archive(
                [(path, {"file": " ".join(ends).encode()}, set(), "")]))
        above = f"/nix/store/{'2' * 32}-above"
        self.in_store("store", "import", input=archive(
            [(above, ends[0].encode(), {ends[0]}, "")]))
        self.fill(chosen, count=5)
        count = len(self.rows()[0])
        self.restore(None)
        report = self.rebuild()
        reasons = self.left_alone(report)
        self.assertEqual(reasons.keys(), {os.path.basename(path) for path in [*ends, above]})
        self.assertIn("forms a cycle", reasons[os.path.basename(ends[0])])
        self.assertIn(os.path.basename(ends[1]), reasons[os.path.basename(ends[0])])
        self.assertEqual(len(report["recovered"]), count - 3)
        for path in ends:
            self.assertTrue(self.real(path).exists())

    def test_keeps_rows_of_damaged_objects(self):
        """Else nobody could say what they should be."""
        self.in_store("store", "import", input=archive(random_objects(seeded("damaged"), 3)))
        before = self.rows()
        changed, gone = sorted(before[0])[:2]
        copy = self.directory / "copy"
        shutil.copytree(self.root, copy, symlinks=True,
                        ignore=shutil.ignore_patterns("gc-socket"))
        size = self.real(changed) / "size"
        size.chmod(0o644)
        size.write_text("changed")
        size.chmod(0o444)
        subprocess.run(["chmod", "-R", "u+w", self.real(gone)], check=True)
        shutil.rmtree(self.real(gone))
        result = self.cinch("store", "rebuild-database", "--json", "--store", self.store)
        self.assertEqual(result.status, 1, result)
        self.check_rows(before, json.loads(result.out))
        self.assertEqual({one["path"]: one["kind"] for one in json.loads(result.out)["problems"]},
                         {changed: "changed", gone: "gone"})
        self.succeed("store", "verify", "--no-trust", "--repair", "--from", f"local?root={copy}",
                     "--store", self.store)
        self.succeed("store", "verify", "--no-trust", "--store", self.store)

    # --- how it is done

    def test_dry_run(self):
        self.fill(seeded("dry run"), count=5)
        whole = self.save()
        damaged = whole[:PAGE_BYTES] + bytes(PAGE_BYTES) + whole[2 * PAGE_BYTES:]
        self.restore(damaged)
        report = self.rebuild("--dry-run")
        self.assertEqual(self.rebuild("--dry-run"), report)
        self.assertNotEqual(report["damage"], [])
        self.assertEqual((self.db / "db.sqlite").read_bytes(), damaged)
        self.assertEqual(list(self.db.glob("*damaged*")), [])
        result = self.cinch("store", "rebuild-database", "-n", "--store", self.store)
        self.assertRegex(result.err, r"\d+ paths would be kept, \d+ recovered, 0 left alone\n$")
        self.assertRegex(result.err, "(?m)^warning: ")
        done = self.rebuild()
        self.assertEqual(done.pop("oldDatabase"), str(next(self.db.glob("db.sqlite.damaged-*Z"))))
        del report["oldDatabase"]
        self.assertEqual(done, report)

    def test_needs_the_store_for_itself(self):
        self.add_file("file", "contents")
        with open(self.db / "big-lock", "rb") as lock:
            fcntl.flock(lock, fcntl.LOCK_SH)
            error = self.fail_with(1, "store", "rebuild-database", "--store", self.store)
        self.assertIn("the store is in use", error)
        self.assertIn(f"({os.getpid()})", error)
        self.assertIn("hint: end these processes", error)
        with open(self.root / "nix/var/nix/gc.lock", "wb") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            self.fail_with(1, "store", "rebuild-database", "--store", self.store)
        self.rebuild()
        error = self.fail_with(1, "store", "rebuild-database", "--store",
                               self.store + "&read-only=true")
        self.assertIn("read-only", error)
        error = self.fail_with(1, "store", "rebuild-database", "--store", "daemon")
        self.assertIn("hint: ", error)
        error = self.fail_with(1, "store", "rebuild-database", "--store",
                               f"local?root={self.directory}/nothing")
        self.assertIn("there is no store here", error)

    def test_killed(self):
        """At any moment: there is the old database, or the new one."""
        chosen = seeded("killed")
        self.fill(chosen)
        before, whole = self.rows(), self.save()
        damaged = whole[:-PAGE_BYTES] + bytes(PAGE_BYTES)
        self.restore(damaged)
        begin = time.monotonic()
        self.rebuild()
        longest = 1.2 * (time.monotonic() - begin)
        left = {"old": 0, "new": 0}
        while sum(left.values()) < KILLS or 0 in left.values():
            self.assertLess(sum(left.values()), KILLS_MAX, left)
            self.restore(damaged)
            self.kill_rebuild(chosen.random() * longest)
            if (self.db / "db.sqlite").read_bytes() == damaged:
                left["old"] += 1
                longest *= 1 if left["new"] else 1.1  # the machine may be slower by now
                report = self.rebuild()
            else:
                left["new"] += 1
                report = self.rebuild()
                self.assertEqual(report["damage"], [])
                report["recovered"] = [{"path": path} for path in before[0]]
            self.check_rows(self.rows_of(before), report)
            self.assertEqual(list(self.db.glob("db.sqlite.rebuilt*")), [])

    def kill_rebuild(self, seconds):
        process = subprocess.Popen([CINCH, "store", "rebuild-database", "--store", self.store],
                                   stderr=subprocess.DEVNULL, env=self.environment)
        time.sleep(seconds)
        process.kill()
        process.wait()

    # --- beside Nix

    def nix_store(self, *arguments):
        result = self.nix_result(*arguments, "--store", self.store, program="nix-store",
                                 environment={"NIX_CONFIG": "build-users-group ="})
        self.assertEqual(result.status, 0, result)
        return result.out

    @needs_nix
    def test_nix_sees_the_same(self):
        chosen = seeded("nix")
        self.fill(chosen)
        paths = sorted(self.rows()[0])
        # Nix 2.8 refuses to speak of others.
        drvs = [path for path in paths if path.endswith(("lower.drv", "upper.drv"))]

        def answers():
            return ["".join(sorted(self.nix_store("--dump-db").splitlines(True))),
                    [self.nix_store("-q", kind, path) for path in paths
                     for kind in ("--references", "--referrers", "--deriver")],
                    [self.nix_store("-q", "--outputs", drv) for drv in drvs]]

        expected, whole = answers(), self.save()
        middle = len(whole) // 2 // PAGE_BYTES * PAGE_BYTES
        for damaged in (None, whole[:middle], whole[:middle] + chosen.randbytes(2 * PAGE_BYTES)
                        + whole[middle + 2 * PAGE_BYTES:]):
            self.restore(damaged)
            self.rebuild()
            self.nix_store("--verify", "--check-contents")
            self.assertEqual(answers(), expected)
        # And Nix goes on working with it.
        path = self.nix_store("--add", self.write("later", "later")).strip()
        self.succeed("store", "verify", "--no-trust", path, "--store", self.store)


if __name__ == "__main__":
    main()
