#!/usr/bin/env python3
"""nix-store --serve: the same bytes as Nix 2.8's, Nix as the client, and clients that misbehave."""
import hashlib
import os
import random
import signal
import subprocess
import time
from urllib.parse import quote

from command import TIMEOUT_SECONDS, derivation, main, needs_nix, needs_sandbox
from nix_names import NixNamesTest, nar_of_file
from objects import archive, number, random_objects, seeded, text

VALID_PATHS, PATH_INFOS, DUMP, IMPORT, EXPORT, BUILD_PATHS, CLOSURE, BUILD_DERIVATION, ADD_NAR = (
    range(1, 10))
NEWEST = 7


def texts(values):
    return number(len(values)) + b"".join(map(text, values))


def greeting(minor=NEWEST):
    return number(0x390c9deb) + number(2 << 8 | minor)


ANSWER = number(0x5452eecb) + number(2 << 8 | NEWEST)


def options(minor=NEWEST, silence=0, seconds=0, log_bytes=0, repeats=0):
    result = number(silence) + number(seconds)
    if minor >= 2:
        result += number(log_bytes)
    if minor >= 3:
        result += number(repeats) + number(0)
    if minor >= 7:
        result += number(0)
    return result


def add_nar(path, nar, references=(), size=None, nar_hash=None):
    return (number(ADD_NAR) + text(path) + text("")
            + text(nar_hash or hashlib.sha256(nar).hexdigest()) + texts(sorted(references))
            + number(1) + number(len(nar) if size is None else size) + number(0) + texts([])
            + text("") + nar)


def basic_derivation(script, output, sources=(), system="x86_64-linux", **environment):
    """Its path, and what follows it in BuildDerivation."""
    outputs = number(1) + text("out") + text(output) + text("") + text("")
    values = {"PATH": "/bin:/usr/bin", "out": output, **environment}
    pairs = b"".join(text(name) + text(value) for name, value in sorted(values.items()))
    return (outputs + texts(sources) + text(system) + text("/bin/sh") + texts(["-c", script])
            + number(len(values)) + pairs)


class Reader:
    """What a server said, taken apart."""

    def __init__(self, data):
        self.data = data

    def raw(self, count):
        taken, self.data = self.data[:count], self.data[count:]
        assert len(taken) == count, "the answer ends too early"
        return taken

    def number(self):
        return int.from_bytes(self.raw(8), "little")

    def text(self):
        value = self.raw(self.number())
        self.raw(-len(value) % 8)
        return value.decode()

    def end(self):
        return self.data == b""


class ServeTest(NixNamesTest):
    def serve(self, commands, *words, minor=NEWEST, **settings):
        return self.ours("nix-store", "--serve", *words, *self.on(),
                         input=greeting(minor) + commands, **settings)

    def start(self, *words):
        """A session whose other end the test holds."""
        process = subprocess.Popen([self.names / "nix-store", "--serve", *words, *self.on()],
                                   stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, bufsize=0, cwd=self.directory,
                                   env=self.environment)
        for stream in (process.stdin, process.stdout, process.stderr):
            self.addCleanup(stream.close)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        process.stdin.write(greeting())
        self.assertEqual(process.stdout.read(16), ANSWER)
        return process

    def check_store(self):
        """Nothing is wrong, and nothing lies about."""
        self.in_store("store", "verify", "--no-trust", "--all")
        valid = {os.path.basename(path) for path in self.in_store("path-info", "--all").split()}
        self.assertEqual(set(os.listdir(self.real("/nix/store"))) - {".links"}, valid)
        return valid

    def some_path(self, content=b"hi", name="x"):
        (self.directory / name).write_bytes(content)
        return self.in_store("store", "add-file", self.directory / name)

    # --- beside Nix

    @needs_nix
    def test_same_answers_as_nix(self):
        chosen = seeded(self.id())
        paths, derivations, outputs, invalid = self.random_graph(chosen)
        everything = paths + derivations + outputs
        for minor in range(1, 10):
            some = sorted(chosen.sample(everything, 6) + invalid)
            roots = sorted(chosen.sample(everything, 3))
            commands = (number(VALID_PATHS) + number(minor % 2) + number(0) + texts(some)
                        + number(PATH_INFOS) + texts(some)
                        + number(CLOSURE) + number(0) + texts(roots)
                        + number(CLOSURE) + number(1) + texts(roots)
                        + number(DUMP) + text(chosen.choice(everything))
                        + number(EXPORT) + number(0) + texts(sorted(chosen.sample(everything, 2)))
                        + number(PATH_INFOS) + texts([]))
            for words in ([], ["--write"]):
                with self.subTest(minor=minor, words=words):
                    self.compare("nix-store", "--serve", *words, *self.on(),
                                 input=greeting(minor) + commands)

    @needs_nix
    def test_same_ends_as_nix(self):
        path, gone = self.some_path(), "/nix/store/" + 32 * "0" + "-x"
        query = number(VALID_PATHS) + number(0) + number(0) + texts([path])
        for session in [b"", b"GET / HTTP/1.1\r\n\r\n", greeting()[:8], greeting(),
                        greeting() + query, greeting() + query + number(10),
                        greeting() + query + number(0), greeting() + query[:-1],
                        greeting() + number(DUMP) + text(gone),
                        greeting() + number(CLOSURE) + number(0) + texts([gone]),
                        greeting() + number(PATH_INFOS) + texts(["/nix/store/x"]),
                        greeting() + number(IMPORT) + number(0),
                        greeting() + number(BUILD_PATHS) + texts([path]) + options(),
                        greeting() + number(BUILD_DERIVATION),
                        greeting() + add_nar(gone, nar_of_file(b"x"))]:
            with self.subTest(session):
                self.compare("nix-store", "--serve", *self.on(), input=session)
        self.compare("nix-store", "--serve", "--write", "--frob", *self.on())
        self.compare("nix-store", "--serve", path, *self.on())

    @needs_nix
    def test_same_additions_as_nix(self):
        chosen = seeded(self.id())
        first, second = self.random_path(chosen), self.random_path(chosen)
        nar = nar_of_file(b"content")
        commands = (add_nar(first, nar) + add_nar(second, nar, [first, second])
                    + add_nar(first, nar)
                    + number(IMPORT) + archive(random_objects(chosen, 4))
                    + number(VALID_PATHS) + number(1) + number(1) + texts(sorted([first, second])))
        self.in_store("store", "info")
        empty = self.copy_of(self.root, "empty")
        results = [run("nix-store", "--serve", "--write", *self.on(root),
                       input=greeting() + commands)
                   for run, root in ((self.ours, self.root), (self.theirs, empty))]
        for result in results:
            self.assertEqual(result.status, 0, result)
        self.assertEqual(results[0].bytes, results[1].bytes)
        dumps = [self.ours("nix-store", "--dump-db", *self.on(root)).out
                 for root in (self.root, empty)]
        self.assertEqual(*dumps)
        self.assertIn(first, dumps[0])
        self.check_store()

    # --- Nix as the client

    def host(self, root=None):
        """What Nix takes for the name of a host: itself, without ssh."""
        program = f"env -u NIX_CONFIG {self.names / 'nix-store'}"
        return (f"localhost?remote-program={quote(program)}"
                f"&remote-store=local?root={root or self.root}")

    def nix_on(self, root, *arguments, program="nix-store"):
        result = self.theirs(program, *arguments, environment={
            "NIX_REMOTE": f"local?root={root}",
            "NIX_CONFIG": "experimental-features = nix-command\nrequire-sigs = false"})
        self.assertEqual(result.status, 0, result)
        return result.out.strip()

    @needs_nix
    def test_copies_by_nix(self):
        here = self.directory / "here"
        tree = self.nix_on(here, "--add", self.make_tree())
        graph = self.nix_on(here, "--add", self.write("file", "x" * 200_000))
        self.nix_on(here, "--to", self.host(), tree, graph, program="nix-copy-closure")
        self.assertEqual(self.check_store(), {os.path.basename(tree), os.path.basename(graph)})
        host = "ssh://" + self.host()
        for path in (tree, graph):
            self.assertEqual(self.real(path).is_dir(), path == tree)
            self.assertEqual(self.nix_on(here, "path-info", "-rsS", path, program="nix"),
                             self.nix_on(here, "path-info", "-rsS", path, "--store", host,
                                         program="nix"))
        there = self.directory / "there"
        self.nix_on(there, "--from", self.host(), tree, program="nix-copy-closure")
        self.nix_on(there, "copy", "--from", host, graph, "--no-check-sigs", program="nix")
        self.nix_on(there, "--verify", "--check-contents")
        self.assertEqual(self.nix_on(there, "--dump", self.real(tree, there)),
                         self.nix_on(here, "--dump", self.real(tree, here)))

    @needs_nix
    def test_closures_by_nix(self):
        paths, derivations, outputs, _ = self.random_graph(seeded(self.id()))
        everything = paths + derivations + outputs
        there = self.directory / "there"
        self.nix_on(there, "--from", self.host(), *everything, program="nix-copy-closure")
        back = self.directory / "back"
        self.nix_on(there, "--to", self.host(back), *everything, "--include-outputs",
                    program="nix-copy-closure")
        dumps = [sorted(self.ours("nix-store", "-q", "--hash", *everything, *self.on(root)).out
                        .split()) for root in (self.root, there, back)]
        self.assertEqual(dumps[0], dumps[1])
        self.assertEqual(dumps[0], dumps[2])

    @needs_nix
    @needs_sandbox
    def test_remote_builds_by_nix(self):
        self.allow_host_tools()
        here = f"local?root={self.directory}/here"
        first = self.succeed("derivation", "add", "--store", here,
                             input=derivation("first", "echo the first; echo 1 > $out"))
        needed = {os.path.basename(first): {"outputs": ["out"], "dynamicOutputs": {}}}
        second = self.succeed("derivation", "add", "--store", here, input=derivation(
            "second", "read line < $first; echo the second; echo 2 $line > $out",
            inputs={"srcs": [], "drvs": needed},
            env={"PATH": "/bin:/usr/bin", "first": self.output_of(here, first)}))
        bad = self.succeed("derivation", "add", "--store", here,
                           input=derivation("bad", "echo last words; exit 3"))
        on = ["--store", here, "-j0", "--option", "builders",
              f"ssh://{self.host()} x86_64-linux"]
        build = {"NIX_CONFIG": "build-users-group =\nsandbox = false\nsubstituters ="}
        result = self.theirs("nix-store", "-r", second, *on, environment=build)
        self.assertEqual(result.status, 0, result)
        self.assertEqual(self.real(result.out.strip(), self.directory / "here").read_text(),
                         "2 1\n")
        self.assertIn("the first", result.err)
        self.assertIn("the second", result.err)
        self.assertIn(os.path.basename(result.out.strip()), self.check_store())
        result = self.theirs("nix-store", "-r", bad, *on, environment=build)
        self.assertNotEqual(result.status, 0, result)
        self.assertIn("last words", result.err)

    def output_of(self, store, path):
        return self.succeed("nix-store", "-q", "--outputs", path, "--store", store).strip()

    # --- builds, by hand

    def add_derivation(self, name, script, **fields):
        return self.in_store("derivation", "add", input=derivation(name, script, **fields))

    @needs_sandbox
    def test_build_paths(self):
        self.allow_host_tools()
        good = self.add_derivation("good", "echo a line; echo > $out")
        bad = self.add_derivation("bad", "echo words; exit 9")
        slow = self.add_derivation("slow", "sleep 1000")
        path = self.some_path()
        gone = "/nix/store/" + 32 * "0" + "-gone"

        def build(wanted, minor=NEWEST, **limits):
            result = self.serve(number(BUILD_PATHS) + texts(wanted) + options(minor, **limits),
                                "--write", minor=minor)
            self.assertEqual(result.status, 0, result)
            reader = Reader(result.bytes)
            self.assertEqual(reader.raw(16), ANSWER)
            status = reader.number()
            message = reader.text() if status != 0 else ""
            self.assertTrue(reader.end())
            return status, message, result.err

        self.assertEqual(build([good, path]), (0, "", "a line\n"))
        for minor in (1, 2, 3):
            self.assertEqual(build([good + "!out"], minor), (0, "", ""))
        self.assertIn(self.output_of(self.store, good), self.in_store("path-info", "--all"))
        status, message, err = build([bad])
        self.assertEqual((status, err), (100, "words\n"))
        self.assertIn(bad, message)
        self.assertIn("exit code 9", message)
        status, message, _ = build([slow], seconds=1)
        self.assertEqual(status, 101, message)
        status, message, _ = build([slow], silence=1)
        self.assertEqual(status, 101, message)
        status, message, _ = build([gone])
        self.assertEqual(status, 1)
        self.assertIn(gone, message)
        status, message, _ = build([good], repeats=1)
        self.assertEqual(status, 1)
        self.assertIn("does not repeat", message)
        # Logs are for whoever asked, not kept.
        self.assertEqual(self.ours("nix-store", "-l", good, *self.on()).status, 1)

    def build_derivation(self, path, described, minor=NEWEST, **limits):
        result = self.serve(number(BUILD_DERIVATION) + text(path) + described
                            + options(minor, **limits), "--write", minor=minor)
        self.assertEqual(result.status, 0, result)
        reader = Reader(result.bytes)
        self.assertEqual(reader.raw(16), ANSWER)
        status, message = reader.number(), reader.text()
        times = [reader.number() for _ in range(4)] if minor >= 3 else []
        outputs = {}
        if minor >= 6:
            outputs = {reader.text(): reader.text() for _ in range(reader.number())}
        self.assertTrue(reader.end())
        return status, message, times, outputs

    @needs_sandbox
    def test_build_derivation(self):
        self.allow_host_tools()
        chosen = seeded(self.id())
        source = self.some_path(b"from the source\n")
        for minor in (1, 3, 6, 7):
            path, output = self.random_path(chosen) + ".drv", self.random_path(chosen)
            script = f"read l < {source}; echo $l > $out; echo {source} >> $out"
            described = basic_derivation(script, output, [source])
            status, message, times, outputs = self.build_derivation(path, described, minor)
            self.assertEqual((status, message), (0, ""))
            self.assertEqual(self.real(output).read_text(), f"from the source\n{source}\n")
            self.assertEqual(self.ours("nix-store", "-q", "--references", output, *self.on()).out,
                             source + "\n")
            if minor >= 3:
                self.assertEqual(times[0], 1)
                self.assertGreater(times[2], 1_600_000_000)
            if minor >= 6:
                self.assertEqual(list(outputs), [f"sha256:{64 * '0'}!out"])
                self.assertIn(os.path.basename(output), *outputs.values())
            self.assertEqual(self.build_derivation(path, described, minor)[0], 2)  # valid already
        names = self.check_store()
        self.assertFalse(any(name.endswith(".drv") for name in names))

    @needs_sandbox
    def test_build_derivation_that_fails(self):
        self.allow_host_tools()
        chosen = seeded(self.id())
        path, output = self.random_path(chosen) + ".drv", self.random_path(chosen)
        status, message, _, _ = self.build_derivation(path, basic_derivation("exit 4", output))
        self.assertEqual(status, 3)
        self.assertIn("exit code 4", message)
        missing = self.random_path(chosen)
        status, message, _, _ = self.build_derivation(
            path, basic_derivation("echo > $out", output, [missing]))
        self.assertEqual(status, 9)
        self.assertIn(missing, message)
        status, message, _, _ = self.build_derivation(
            path, basic_derivation("echo > $out", output, system="pdp11-bsd"))
        self.assertEqual(status, 4)
        self.assertIn("pdp11-bsd", message)
        self.assertNotIn(os.path.basename(output), self.check_store())

    def test_store_without_builds(self):
        daemon = subprocess.Popen([self.names / "nix-daemon", *self.on(), "--socket",
                                   self.directory / "socket"], stderr=subprocess.PIPE,
                                  cwd=self.directory, env=self.environment)
        self.addCleanup(daemon.stderr.close)
        self.addCleanup(daemon.wait)
        self.addCleanup(daemon.kill)
        daemon.stderr.readline()
        path = "/nix/store/" + 32 * "0" + "-x"
        result = self.ours("nix-store", "--serve", "--write", "--store",
                           f"unix://{self.directory}/socket",
                           input=greeting() + number(BUILD_DERIVATION) + text(path + ".drv")
                           + basic_derivation("true", path) + options())
        self.assertEqual(result.status, 0, result)
        reader = Reader(result.bytes[16:])
        self.assertEqual(reader.number(), 9)
        self.assertIn("this store cannot build a derivation that is not in it", reader.text())

    @needs_sandbox
    def test_client_that_leaves_during_a_build(self):
        self.allow_host_tools()
        process = self.start("--write")
        output = "/nix/store/" + 32 * "1" + "-x"
        process.stdin.write(number(BUILD_DERIVATION) + text(output + ".drv")
                            + basic_derivation("echo begun; sleep 1000; echo > $out", output)
                            + options())
        self.assertEqual(process.stderr.readline(), b"begun\n")
        process.stdin.close()
        process.stdout.close()
        self.assertEqual(process.wait(TIMEOUT_SECONDS), 1)
        self.assertIn(b"cancelled", process.stderr.read())
        self.assertEqual(self.check_store(), set())

    # --- what may be written

    def test_locks(self):
        path = self.some_path()
        query = number(VALID_PATHS) + number(1) + number(0) + texts([path])
        for words, survives in (["--write"], True), ([], False):
            process = self.start(*words)
            process.stdin.write(query)
            self.assertEqual(process.stdout.read(len(number(1) + text(path))),
                             number(1) + text(path))
            self.in_store("store", "gc")
            self.assertEqual(self.in_store("path-info", "--all") == path, survives)
            process.stdin.close()
            self.assertEqual(process.wait(TIMEOUT_SECONDS), 0)
        self.assertEqual(self.check_store(), set())

    def test_nothing_is_written_without_leave(self):
        path = "/nix/store/" + 32 * "0" + "-x"
        for command in (number(IMPORT) + archive(random_objects(random.Random(1), 2)),
                        add_nar(path, nar_of_file(b"x")),
                        number(BUILD_PATHS) + texts([path]) + options(),
                        number(BUILD_DERIVATION) + text(path + ".drv")
                        + basic_derivation("true", path) + options()):
            result = self.serve(command)
            self.assertEqual(result.status, 1, result)
            self.assertEqual(result.bytes, ANSWER)
            self.assertIn("paths is not allowed", result.err)
            self.assertIn("--write", result.err)
        self.assertEqual(self.check_store(), set())

    def test_additions_that_are_not_what_they_say(self):
        path, nar = "/nix/store/" + 32 * "0" + "-x", nar_of_file(b"content" * 100)
        archived = archive(random_objects(random.Random(2), 3))
        for commands in (add_nar(path, nar, nar_hash=64 * "0"), add_nar(path, nar, size=0),
                         add_nar(path, nar, size=len(nar) - 8),
                         add_nar(path, nar, size=len(nar) + 8) + bytes(8),
                         add_nar(path, nar, size=1 << 63), add_nar(path, nar)[:-100],
                         add_nar(path, nar, ["/nix/store/" + 32 * "1" + "-gone"]),
                         add_nar(path, bytes(8) + nar), add_nar(path, nar, nar_hash="sha256:xyz"),
                         number(IMPORT) + number(2), number(IMPORT) + archived[:100]):
            with self.subTest(commands[:400]):
                result = self.serve(commands, "--write")
                self.assertEqual(result.status, 1, result)
                self.assertRegex(result.err, r"(?m)^error: \S")
                self.assertEqual(result.bytes, ANSWER)
                self.assertEqual(self.check_store(), set())
        self.assertEqual(self.serve(add_nar(path, nar), "--write").bytes, ANSWER + number(1))
        self.assertEqual(self.check_store(), {os.path.basename(path)})

    def test_lengths_from_hell(self):
        for command in (number(VALID_PATHS) + number(0) + number(0), number(PATH_INFOS),
                        number(DUMP), number(CLOSURE) + number(0), number(BUILD_PATHS),
                        number(ADD_NAR), number(BUILD_DERIVATION), number(IMPORT),
                        number(BUILD_DERIVATION) + text("/nix/store/" + 32 * "0" + "-x.drv")):
            for length in (1 << 40, 1 << 63, (1 << 64) - 1, (1 << 64) - 7):
                result = self.serve(command + number(length), "--write")
                self.assertEqual(result.status, 1, result)
                self.assertRegex(result.err, r"(?m)^error: \S")
                self.assertEqual(result.bytes, ANSWER)

    def test_versions(self):
        for version in (0x100, 0x200, 0x300, 0x20007, 1 << 63):
            result = self.ours("nix-store", "--serve", *self.on(),
                               input=number(0x390c9deb) + number(version))
            self.assertEqual(result.status, 1, result)
            self.assertEqual(result.bytes, ANSWER)
            self.assertIn("of the serve protocol", result.err)

    def test_signals(self):
        process = self.start()
        time.sleep(0.1)
        process.send_signal(signal.SIGTERM)
        self.assertEqual(process.wait(TIMEOUT_SECONDS), 128 + signal.SIGTERM)

    def test_client_that_does_not_listen(self):
        path = self.some_path(b"x" * 1_000_000)
        process = self.start()
        process.stdout.close()
        process.stdin.write(number(DUMP) + text(path))
        self.assertEqual(process.wait(TIMEOUT_SECONDS), 1)
        self.assertIn(b"the client has gone away", process.stderr.read())


if __name__ == "__main__":
    main()
