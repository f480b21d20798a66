"""The operations that differential.py draws from. Each is a function of the story that it is part
of: it draws what it needs from story.rng, and asks by story.query() and story.change().

A new one: write it here with its weight, and give both parties a method for what it asks."""
import base64
import hashlib
import json
import os
import shutil
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "interop"))
import generate  # noqa: E402 the folder of the other random comparisons

STORE = "/nix/store"
OPERATIONS = []


def weighs(weight):
    def add(function):
        function.weight = weight
        OPERATIONS.append(function)
        return function
    return add


# --- what they are made of

def string(value):
    value = value if isinstance(value, bytes) else value.encode()
    return len(value).to_bytes(8, "little") + value + bytes(-len(value) % 8)


def node(rng, depth=0):
    """A random file, symlink or directory as in a NAR."""
    kind = rng.random()
    if kind < 0.15 and depth:
        target = rng.choice(["target", "../..", STORE, "x" * rng.randint(1, 300), "é"])
        return b"".join(map(string, ["(", "type", "symlink", "target", target, ")"]))
    if kind < 0.55 or depth > 3:
        executable = ["executable", ""] if rng.random() < 0.3 else []
        size = rng.choice([0, 1, 8, 100, rng.randrange(3000), rng.randrange(60_000)])
        # Some are the same, so that there is something to optimise.
        content = rng.randbytes(size) if rng.random() < 0.7 else b"shared" * rng.randint(1, 4)
        return b"".join(map(string, ["(", "type", "regular", *executable, "contents", content,
                                     ")"]))
    names = {rng.choice([generate.name(rng, 12), f".{generate.name(rng, 3)}", "é", "a b"]).encode()
             for _ in range(rng.randrange(5))}
    entries = [string("entry") + string("(") + string("name") + string(name) + string("node")
               + node(rng, depth + 1) + string(")") for name in sorted(names)]
    return (string("(") + string("type") + string("directory") + b"".join(entries) + string(")"))


def nar(rng):
    return string("nix-archive-1") + node(rng)


def name(rng):
    return generate.name(rng, 20).removesuffix(".drv")


def some(rng, paths, most):
    return sorted(rng.sample(paths, min(len(paths), rng.randrange(most + 1))))


def one(story):
    """Mostly a valid path; sometimes one that is gone, or was never there."""
    kind = story.rng.random()
    if kind < 0.8 and story.valid:
        return story.rng.choice(story.valid)
    if kind < 0.9 and story.gone:
        return story.rng.choice(story.gone)
    return random_path(story.rng)


def random_path(rng):
    return f"{STORE}/{generate.nix32(rng.randbytes(20))}-{name(rng)}"


def derivations(story):
    return [path for path in story.valid if path.endswith(".drv")]


def sources(story):
    return [path for path in story.valid if not path.endswith(".drv")]


def signature(rng):
    key = rng.choice(["a", "b", "cache.example.org-1"])
    return f"{key}:{base64.b64encode(rng.randbytes(64)).decode()}"


def make_info(rng, path, content, **fields):
    return {"path": path, "deriver": "", "hash": hashlib.sha256(content).hexdigest(),
            "references": [], "size": len(content), "ultimate": rng.random() < 0.3,
            "signatures": sorted({signature(rng) for _ in range(rng.choice([0, 0, 1, 3]))}),
            "ca": "", **fields}


# --- adding

@weighs(6)
def add_text(story):
    story.change("add_content", name=name(story.rng), method="text", algorithm="sha256",
                 references=some(story.rng, story.valid, 3),
                 bytes=generate.content(story.rng))


@weighs(6)
def add_tree(story):
    # Only these may have references.
    references = some(story.rng, story.valid, 3)
    story.change("add_content", name=name(story.rng), method="nar", algorithm="sha256",
                 references=references, bytes=nar(story.rng))


@weighs(4)
def add_fixed(story):
    method = story.rng.choice(["flat", "nar"])
    content = nar(story.rng) if method == "nar" else generate.content(story.rng)
    story.change("add_content", name=name(story.rng), method=method,
                 algorithm=story.rng.choice(["sha1", "sha256", "sha512"]), references=[],
                 bytes=content)


@weighs(6)
def add_object(story):
    """An object whose path does not follow from its content."""
    content = nar(story.rng)
    path = random_path(story.rng)
    references = some(story.rng, story.valid, 4) + [path] * (story.rng.random() < 0.2)
    # Never one that is valid and has other outputs: whether Nix 2.8 keeps it depends on the order
    # in which the directory lists them.
    deriver = story.rng.choice(["", random_path(story.rng) + ".drv"])
    story.change("add_nar", nar=content, info=make_info(
        story.rng, path, content, references=sorted(references), deriver=deriver))


@weighs(3)
def add_again(story):
    content = nar(story.rng)
    for _ in range(2):
        story.change("add_content", name="again", method="nar", algorithm="sha256",
                     references=[], bytes=content)
    if story.valid:
        story.change("add_nar", nar=content,
                     info=make_info(story.rng, story.rng.choice(story.valid), content))


@weighs(2)
def add_wrong_object(story):
    """The content is not what the info says, or a reference is not valid."""
    content = nar(story.rng)
    wrong = story.rng.choice([{"hash": hashlib.sha256(b"").hexdigest()},
                              {"size": len(content) + 8}, {"references": [random_path(story.rng)]},
                              {"ca": f"fixed:r:sha256:{generate.nix32(story.rng.randbytes(32))}"}])
    story.change("add_nar", nar=content, info=make_info(
        story.rng, random_path(story.rng), content, **wrong))


@weighs(7)
def add_derivation(story):
    rng = story.rng
    kind = rng.choice([{}, {}, {}, {"method": "flat", "hash": fixed_hash(rng)},
                       {"method": "nar", "hashAlgo": "sha256"}])
    if "hashAlgo" in kind and "ca-derivations" not in story.parties[0].environment["NIX_CONFIG"]:
        kind = {}
    outputs = {"out": kind}
    if not kind:
        outputs.update({output: {} for output in some(rng, ["dev", "doc", "lib"], 2)})
    inputs = {}
    for path in some(rng, derivations(story), 3):
        known = story.query("outputs", path=path)
        inputs[os.path.basename(path)] = {"outputs": [rng.choice(sorted(known))],
                                          "dynamicOutputs": {}}
    value = {"name": name(rng), "version": 4, "outputs": outputs, "system": "x86_64-linux",
             "inputs": {"srcs": [os.path.basename(path) for path in some(rng, sources(story), 3)],
                        "drvs": inputs},
             "builder": "/bin/sh", "args": ["-c", generate.text(rng).replace("\x00", "")],
             "env": {"number": str(rng.randrange(1000)), **{output: "" for output in outputs}}}
    made = story.parties[1].ask("derive", {"json": json.dumps(value)})
    story.change("add_content", name=value["name"] + ".drv", method="text", algorithm="sha256",
                 references=made["references"], bytes=made["text"].encode())


def fixed_hash(rng):
    return "sha256-" + base64.b64encode(rng.randbytes(32)).decode()


@weighs(2)
def add_wrong_derivation(story):
    story.change("add_content", name="wrong.drv", method="text", algorithm="sha256",
                 references=[], bytes=story.rng.choice([
                     b"", b"Derive(",
                     b'Derive([("out","/nix/store/' + b"0" * 32 + b'-wrong","","")],[],[],'
                     b'"x","y",[],[("out","/nix/store/' + b"0" * 32 + b'-wrong")])']))


@weighs(6)
def add_outputs(story):
    """What a build would leave."""
    if not derivations(story):
        return
    path = story.rng.choice(derivations(story))
    outputs = story.query("outputs", path=path)
    for output in outputs.values():
        if output and story.rng.random() < 0.7:
            content = nar(story.rng)
            story.change("add_nar", nar=content, info=make_info(
                story.rng, output, content, deriver=path,
                references=some(story.rng, sources(story), 3)))


@weighs(3)
def sign(story):
    # Nix 2.8 dies of a path that is not valid (signal 11), so that only Cinch is asked about one.
    if not story.valid:
        return
    story.change("sign", path=story.rng.choice(story.valid),
                 signatures=sorted({signature(story.rng) for _ in range(story.rng.randint(1, 3))}))


# --- asking

@weighs(4)
def find(story):
    story.query("find", paths=[one(story) for _ in range(story.rng.randrange(8))])


@weighs(2)
def find_valid(story):
    story.query("find_valid", paths=sorted({one(story) for _ in range(story.rng.randrange(12))}))


@weighs(2)
def find_by_hash_part(story):
    story.query("hash_part", hash_part=one(story)[len(STORE) + 1:][:32])


@weighs(3)
def find_neighbours(story):
    path = one(story)
    story.query("referrers", path=path)
    story.query("derivers", path=path)


@weighs(2)
def read(story):
    if story.valid:
        story.query("nar", path=story.rng.choice(story.valid))


# --- roots

@weighs(4)
def add_root(story):
    """A link among the roots, or one outside that the roots lead to; sometimes to nothing."""
    number = len(story.links)
    indirect = story.rng.random() < 0.6
    below = story.rng.choice(["", "", "/share/doc"])
    target = one(story) + below
    story.links.append(("links" if indirect else "nix/var/nix/gcroots") + f"/link-{number}")
    for root in story.roots:
        link = root / story.links[-1]
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(target)
    if not indirect:
        return
    parties = [story.rng.choice(story.parties)] if story.together else story.parties
    for party in parties:
        party.ask("indirect_root", {"link": str(party.root / story.links[-1])})


@weighs(2)
def remove_root(story):
    if not story.links:
        return
    link = story.rng.choice(story.links)
    story.links[story.links.index(link)] = link + "-removed"
    for root in story.roots:
        (root / link).unlink(missing_ok=True)


@weighs(2)
def add_temporary_root(story):
    story.change("temporary_root", path=one(story))


@weighs(1)
def forget_temporary_roots(story):
    story.reopen()


# --- collecting

def keeping(story):
    return {"keep_outputs": story.rng.random() < 0.5, "keep_derivations": story.rng.random() < 0.5}


@weighs(2)
def list_alive(story):
    story.reopen()  # only Nix counts temporary roots here
    story.query("alive", **keeping(story))


@weighs(2)
def list_dead(story):
    if story.together:
        story.reopen()  # each would count what it deletes itself
    story.query("collect", dry_run=True, **keeping(story))


@weighs(2)
def collect(story):
    if story.rng.random() < 0.5:
        story.reopen()
    story.change("collect", dry_run=False, **keeping(story))


@weighs(1)
def collect_some(story):
    """Which ones is chance with Nix, so only where both see the result."""
    if story.together:
        story.change("collect", dry_run=False, bytes_max=story.rng.randrange(100_000),
                     **keeping(story))


@weighs(3)
def delete(story):
    # With keep-derivations, Nix before 2.35 keeps a derivation for the sake of its valid outputs,
    # although it was named; a bug, say its release notes. Cinch does as 2.35.
    if story.valid:
        story.change("collect", dry_run=False, only=[one(story)], keep_outputs=False,
                     keep_derivations=False)


@weighs(2)
def leave_litter(story):
    """What a crash may leave, and what the next collection removes."""
    litter = random_path(story.rng) + story.rng.choice(["", ".lock", "-staging-1"])
    story.litter.add(litter)
    for root in story.roots:
        directory = Path(f"{root}{litter}")
        directory.mkdir()
        (directory / "file").write_bytes(b"litter")
        (directory / "file").chmod(0o444)


# --- keeping in order

@weighs(1)
def verify(story):
    story.query("verify", contents=story.rng.random() < 0.5)


def files_of(root, path):
    """The regular files of an object that are not empty, as names below the root."""
    top = f"{root}{path}"
    below = [os.path.join(folder, file) for folder, _, files in os.walk(top) for file in files]
    return sorted(os.path.relpath(file, root) for file in below or [top]
                  if os.path.isfile(file) and not os.path.islink(file) and os.path.getsize(file))


def change_byte(file, at):
    """In place, as a failing disk does; doing it again puts the old one back."""
    mode = file.stat().st_mode
    file.chmod(0o644)
    with file.open("r+b") as stream:
        stream.seek(at)
        byte = stream.read(1)[0]
        stream.seek(at)
        stream.write(bytes([byte ^ 0xff]))
    file.chmod(mode)
    os.utime(file, (1, 1))


@weighs(2)
def find_damage(story):
    """Both tell of a byte that has changed, and do not make it worse."""
    infos = story.query("find", paths=story.valid)
    # Nix repairs what has a deriver by building it again.
    candidates = [path for path, info in zip(story.valid, infos)
                  if not info["deriver"] and files_of(story.roots[0], path)]
    if not candidates:
        return
    path = story.rng.choice(candidates)
    file = story.rng.choice(files_of(story.roots[0], path))
    status = (story.roots[0] / file).stat()
    at = story.rng.randrange(status.st_size)
    for root in story.roots:
        change_byte(root / file, at)
    # Its own name and one in .links; any other may be in an object that has a deriver, and Nix
    # takes that from disk when it cannot build it.
    repair = story.rng.random() < 0.3 and status.st_nlink <= 2
    assert story.query("verify", contents=True, repair=repair), "not noticed"
    for root in story.roots:
        change_byte(root / file, at)
    story.reopen()  # what Nix would repair is a root as long as it is there


def links_of(story, root):
    """What optimising has made: the links, and how many names each file has."""
    links = root / "nix/store/.links"
    names = sorted(os.listdir(links)) if links.exists() else []
    return names, {file: (root / file).stat().st_nlink for path in story.valid
                   for file in files_of(root, path)}


@weighs(2)
def optimise(story):
    story.change("optimise")
    story.reopen()  # what Nix has optimised is a root as long as it is there
    found = [links_of(story, root) for root in story.roots]
    assert all(links == found[0] for links in found), f"different links: {found}"


# --- between stores

ARCHIVES_MAX = 12


@weighs(3)
def export(story):
    path = one(story)
    archive = story.query("export", path=path)
    if archive:
        story.archives = story.archives[-ARCHIVES_MAX:] + [archive]


@weighs(4)
def import_archives(story):
    """Objects that were exported before, and may be gone since, or may miss what they refer to."""
    chosen = story.rng.sample(story.archives, min(len(story.archives), story.rng.randint(1, 3)))
    # Each is 1, an object, 0.
    archive = b"".join(one[:-8] for one in chosen) + bytes(8)
    if story.rng.random() < 0.1:
        archive = archive[:story.rng.randrange(len(archive))]
    story.change("import", bytes=archive)
    story.reopen()  # Nix's process is gone, and its temporary roots


@weighs(1)
def copy(story):
    """A closure, to a store that is new."""
    paths = some(story.rng, sources(story), 3)
    if not paths:
        return
    root = story.scratch / "copy"
    answers = []
    for party in story.parties:
        answers.append(party.ask("copy", {"paths": paths, "root": str(root)}))
        remove(root)
    assert answers[0] == answers[1], f"copied by Nix: {answers[0]}\nby Cinch: {answers[1]}"
    # What is copied has temporary roots; those of Nix went with the program that copied.
    story.reopen()


def remove(folder):
    for path, _, _ in os.walk(folder):
        os.chmod(path, 0o700)
    shutil.rmtree(folder)


QUERIES = ["--references", "--referrers", "--requisites", "--referrers-closure", "--deriver",
           "--outputs", "--hash", "--size", "--tree", "--graph", "--resolve"]


@weighs(4)
def ask_nix_store(story):
    """The same words to nix-store, and to Cinch by that name."""
    if not story.has_nix_store:
        return
    rng = story.rng
    named = [one(story) for _ in range(rng.randint(1, 3))]
    query = ["--query", rng.choice(QUERIES), *rng.choice([[], [], ["--use-output"]])]
    words = rng.choice([
        [*query, *named], [*query, *named], [*query, *named],
        ["--query", "--requisites", "--include-outputs", *named],
        ["--check-validity", "--print-invalid", *named], ["--verify-path", *named],
        ["--dump-db", *sorted(set(named) & set(story.valid))],
        ["--gc", "--print-live"], ["--gc", "--print-dead"]])
    if "--gc" in words:
        story.reopen()
    story.query("nix_store", words=words)
