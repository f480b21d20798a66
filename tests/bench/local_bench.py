"""The bench of the local store: what `./dev bench local` measures, beside nix-bin on copies of the
same store. Bounds are ratios of Cinch's time over Nix's."""

import os
import shutil
import statistics
import subprocess
import sys
import time
from pathlib import Path

import synthetic_store
from scratch_trees import empty

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "tests" / "proof"))
from nix_daemon import NixDaemon  # noqa: E402

# At most so much of Nix's time.
BOUNDS = {
    "add large files": 0.5,
    "add small files": 0.5,
    "derivations one by one": 0.4,
    "derivations together": 0.1,
    "path infos": 0.2,
    "collect 3000": 0.1,
    "collect many": 0.05,
    "verify": 0.6,
    "optimise": 0.6,
    "copy": 0.3,
}
DRY_RUN_SECONDS = 1
ROOM_BYTES = 12 << 30
REUSE_SECONDS = 60


class LocalBench:
    def __init__(self, bench, full):
        self.bench = bench
        self.full = full
        self.rows = []
        self.trash = bench.scratch / "trash"
        self.dropped = 0

    def run(self):
        for part in (self.trees, self.derivations, self.path_infos, self.collect_derivations,
                     self.collect_many, self.contents):
            self.empty_trash()
            part()
        print("\n### The local store\n")
        print("| what | Cinch s | Nix s | ratio | spread | bound | peak MiB | |")
        print("| --- | --- | --- | --- | --- | --- | --- | --- |")
        for row in self.rows:
            print(row)
        sys.stdout.flush()

    def store(self, name):
        return self.bench.scratch / "stores" / name

    def url(self, store):
        return f"local?root={store}"

    def copy_of(self, seed, name):
        """A store to spoil, with nothing of it left to be written."""
        store = self.store(name)
        self.drop(store)
        subprocess.run(["cp", "-a", "--reflink=auto", seed, store], check=True)
        os.sync()
        return store

    def drop(self, store):
        """Out of the way, to be removed by empty_trash(). The memory in which its files are kept is
        given back at once, so that the next run finds it again: to get memory that it never used is
        slow for a virtual machine."""
        if store.exists():
            empty(store)
            self.trash.mkdir(exist_ok=True)
            self.dropped += 1
            store.rename(self.trash / str(self.dropped))

    def empty_trash(self):
        """Only for want of room: for minutes after files have gone, ext4 looks at each of their
        inodes again and again when it makes new ones, which both sides would pay for."""
        if shutil.disk_usage(self.bench.scratch).free > ROOM_BYTES or not self.trash.exists():
            return
        subprocess.run(["chmod", "-R", "u+w", self.trash], check=True)
        shutil.rmtree(self.trash)
        os.sync()
        time.sleep(REUSE_SECONDS)

    def pairs(self, title, ours, theirs, prepare):
        """Both sides in turn; each side is a function of the store that `prepare` makes."""
        self.empty_trash()
        results = {"ours": [], "theirs": []}
        for turn in range(self.bench.runs + 1):
            for name, side in (("ours", ours), ("theirs", theirs)):
                store = prepare(name)
                measured = side(store)
                if turn > 0:  # the first pair warms the caches
                    results[name].append(measured)
        self.add_row(title, results)

    def add_row(self, title, results, note=""):
        bound = BOUNDS[note or title]
        ratios = [a[0] / b[0] for a, b in zip(results["ours"], results["theirs"])]
        ratio = statistics.median(ratios)
        kept = ratio <= bound
        each = {name: statistics.median(row[0] for row in rows) for name, rows in results.items()}
        peak = {name: max(row[2] for row in rows) >> 10 for name, rows in results.items()}
        self.rows.append(
            f"| {title} | {each['ours']:.2f} | {each['theirs']:.2f} | {ratio:.3f} "
            f"| {min(ratios):.3f} to {max(ratios):.3f} | {bound} "
            f"| {peak['ours']}, {peak['theirs']} | {'kept' if kept else 'MISSED'} |")
        print(f"{self.rows[-1]}", flush=True)
        if not kept:
            self.bench.missed.append(title)

    def command(self, *words):
        return lambda store: self.bench.run(
            [str(word).format(store=store, url=self.url(store)) for word in words])

    def cinch(self, *words):
        return self.command(self.bench.cinch, *words, "--store", "{url}")

    # --- adding

    def trees(self):
        large = self.bench.library_tree()
        small = self.small_files(8000, 16 << 10)
        for title, tree in (("add large files", large), ("add small files", small)):
            self.pairs(title, self.cinch("store", "add", tree),
                       self.command("nix-store", "--store", "{url}", "--add", tree), self.empty)
            for name in ("ours", "theirs"):
                self.drop(self.store(name))

    def empty(self, name):
        store = self.store(name)
        self.drop(store)
        store.mkdir(parents=True)
        os.sync()
        return store

    def small_files(self, count, size):
        tree = self.bench.scratch / "small"
        for number in range(count):
            folder = tree / str(number % 100)
            folder.mkdir(parents=True, exist_ok=True)
            (folder / f"file-{number}").write_bytes(os.urandom(size))
        return tree

    def derivations(self):
        corpus = os.environ.get("CINCH_CORPUS", ROOT.parent / "shared" / "corpus")
        if not Path(corpus, "derivations.tar.zst").exists():
            print("\nDerivations of the corpus: skipped, CINCH_CORPUS does not name it")
            return
        program = str(self.bench.build_folder / "tests" / "bench" / "store-bench")
        seed = self.empty("seed")
        listed = subprocess.run([program, seed, "sources", corpus], check=True,
                                capture_output=True, text=True).stdout
        texts = self.corpus_texts(corpus, [line.split() for line in listed.splitlines()])
        prepare = lambda name: self.copy_of(seed, name)
        theirs = lambda store: self.add_by_nix(store, texts)
        for title, mode in (("derivations one by one", "each"), ("derivations together", "batch")):
            ours = lambda store, mode=mode: self.add_by_us([program, store, mode, corpus])
            self.pairs(title, ours, theirs, prepare)

    def corpus_texts(self, corpus, order):
        folder = self.bench.scratch / "corpus"
        folder.mkdir()
        subprocess.run(["tar", "--zstd", "-xf", f"{corpus}/derivations.tar.zst", "-C", folder],
                       check=True)
        files = {file.name: file for file in folder.rglob("*.drv")}
        return [(Path(path).name[33:], references, files[Path(path).name].read_bytes())
                for path, *references in order]

    def add_by_us(self, words):
        """Without the time in which the corpus is read, as on Nix's side."""
        result = subprocess.run(words, check=True, capture_output=True, text=True)
        return float(result.stdout), 0, 0

    def add_by_nix(self, store, texts):
        """Nix has no command that adds derivations as they are; its daemon has an operation."""
        daemon = NixDaemon(store, self.bench.environment)
        started = time.monotonic()
        daemon.open()
        for name, references, contents in texts:
            daemon.do_add_content(name, "text", "sha256", references, contents)
        daemon.close()
        return time.monotonic() - started, 0, 0

    # --- questions

    def path_infos(self, count=10_000):
        seed = self.store("closure")
        names = synthetic_store.make(self.bench.cinch, seed, count, alive_share=1)
        tops = [os.readlink(link) for link in (seed / "nix/var/nix/gcroots").glob("root-*")]
        assert len(names) == count
        self.pairs("path infos", self.cinch("path-info", "-r", "-s", *tops),
                   self.command("nix", "--store", "{url}", "path-info", "-r", "-s", *tops),
                   lambda _: seed)

    # --- garbage

    def collect_derivations(self, count=3000):
        seed = self.empty("dead")
        program = str(self.bench.build_folder / "tests" / "bench" / "store-bench")
        subprocess.run([program, seed, "derivations", str(count)], check=True)
        self.pairs("collect 3000", self.cinch("store", "gc"),
                   self.command("nix-store", "--store", "{url}", "--gc"),
                   lambda name: self.copy_of(seed, name))

    def collect_many(self):
        """Nix takes minutes for the whole of it: its side is a tenth, unless all is asked for."""
        count = 200_000 if self.full else 20_000
        seed = self.store("many")
        synthetic_store.make(self.bench.cinch, seed, count)
        started = time.monotonic()
        dry = self.cinch("store", "gc", "--dry-run")(seed)
        print(f"| dry run, {count // 2} dead of {count} | {dry[0]:.2f} |", flush=True)
        if time.monotonic() - started > DRY_RUN_SECONDS:
            self.bench.missed.append("dry run")
        results = {"ours": [], "theirs": []}
        for name, side in (("ours", self.cinch("store", "gc")),
                           ("theirs", self.command("nix-store", "--store", "{url}", "--gc"))):
            results[name].append(side(self.copy_of(seed, name)))
        self.add_row(f"collect {count // 2} dead of {count}", results, "collect many")

    # --- contents

    def contents(self):
        seed = self.filled()
        nix = ["nix-store", "--store", "{url}"]
        self.pairs("verify", self.cinch("store", "verify", "--no-trust", "--all"),
                   self.command(*nix, "--verify", "--check-contents"), lambda _: seed)
        self.pairs("optimise", self.cinch("store", "optimise"),
                   self.command(*nix, "--optimise"), lambda name: self.copy_of(seed, name))
        source = self.url(seed)
        self.pairs("copy",
                   self.command(self.bench.cinch, "copy", "--no-check-sigs", "--all", "--from",
                                source, "--to", "{url}"),
                   self.command("nix", "copy", "--no-check-sigs", "--all", "--from", source,
                                "--to", "{url}"), self.empty)

    def filled(self, copies=2):
        """1.5 times the wanted size in some objects, of which a third is there twice."""
        tree = self.bench.library_tree()
        seed = self.empty("filled")
        parts = self.bench.scratch / "parts"
        folders = sorted(path for path in tree.rglob("*") if path.is_file())
        for number, file in enumerate(folders):
            for copy in range(copies if number % 2 == 0 else 1):
                target = parts / f"part-{copy}-{number % 12}" / f"{number}-{file.name}"
                target.parent.mkdir(parents=True, exist_ok=True)
                os.link(file, target)
        for part in sorted(parts.iterdir()):
            self.bench.run([self.bench.cinch, "store", "add", str(part), "--store",
                            self.url(seed)])
        shutil.rmtree(parts)
        os.sync()
        return seed
