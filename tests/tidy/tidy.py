#!/usr/bin/env python3
"""Style rules as a test: names that are not to be used (with what to use instead), lengths, include
layers, the purity of core, left-over marks, and sources that no meson.build mentions.

A line that must break a rule says so: `// tidy: <rule>, because ...` on it or on the line before.
"""
import dataclasses
import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LINE_LENGTH_MAX = 100
FUNCTION_LINES_MAX = 70
HEADER_LINES_MAX = 300
BUILD_FILE_LINES_MAX = 120

LIBRARIES = ("libstore-core/", "libstore-remote/", "libstore-build/", "capi/src/")


@dataclasses.dataclass
class Ban:
    rule: str
    pattern: str
    instead: str
    where: tuple = ("libstore-", "capi/", "tools/", "tests/")
    but_not: tuple = ()


BANS = [
    Ban("print", r"\b(printf|fprintf|puts|fputs|perror)\s*\(|std::(cout|cerr|clog)\b",
        "only tools/ print; below, throw Error or emit an Event", LIBRARIES),
    Ban("getenv", r"\b(secure_)?getenv\s*\(|\benviron\b",
        "take the value as an argument (Settings, Environment)", LIBRARIES),
    Ban("filesystem", r"std::filesystem|<filesystem>",
        "go through cinch::Directory", LIBRARIES),
    Ban("filesystem-change", r"filesystem::(copy|rename|permissions|remove|create_)\w*",
        "go through cinch::Directory", ("tools/",)),
    Ban("c-string", r"\b(strcpy|strncpy|strcat|strncat|sprintf|vsprintf|gets|strtok|alloca)\s*\(",
        "use std::string, std::string_view or std::to_chars"),
    Ban("c-number", r"\b(atoi|atol|atoll|atof)\s*\(|std::sto(i|l|ul|ll|ull)\b",
        "use std::from_chars, which reports what it could not read", LIBRARIES + ("tools/",)),
    Ban("shell", r"(?<![\w.:>])(system|popen)\s*\(",
        "start the program itself, with posix_spawn or execve"),
    Ban("exit", r"(?<![\w.:>])(std::)?(exit|abort|quick_exit|terminate)\s*\(",
        "throw Error; only main decides to exit", LIBRARIES),
    Ban("signal-handler", r"(?<![\w.:>])(std::)?(signal|sigaction)\s*\(",
        "signal handlers belong to tools/; pass a std::stop_token", LIBRARIES,
        ("libstore-build/sandbox/linux/",)),
    Ban("detach", r"\.detach\s*\(\s*\)", "join the thread (std::jthread)"),
    Ban("swallow", r"catch\s*\(\.\.\.\)\s*\{\s*\}", "handle the error or let it pass"),
    Ban("using-namespace", r"^\s*using namespace\b", "name what you use", LIBRARIES + ("tools/",)),
    Ban("matchers", r"\bMatchers::",
        "the two versions of Catch2 do not have the same ones: CHECK a comparison", ("tests/",)),
    Ban("leftover", r"\b(TODO|FIXME|XXX|HACK)\b", "do it now, or say it in the note of the change",
        ("",)),
]

# A folder may include its own headers and those of what lies below it. The longest name counts.
LAYERS = {
    "libstore-core/": {"core"},
    "libstore-core/files/": {"core", "files"},
    "libstore-remote/": {"core", "remote"},
    "libstore-remote/daemon/transport/": {"core", "files"},
    "libstore-remote/ssh/": {"core", "remote"},
    "libstore-remote/compose/": {"core", "files", "remote", "local"},
    "libstore-remote/local/": {"core", "files", "local"},
    "libstore-build/": {"core", "files", "build"},
    "capi/": {"core", "files", "local", "remote", "build"},
    "tools/": {"core", "files", "local", "remote", "build"},
}

# Core is values in, values out: no files, sockets, threads, clocks, locale or SQL. What it may
# include is listed, so that a header that nobody thought of is a decision; the others are sorted,
# so that the message says what is wrong with them. <chrono> is for durations, <stop_token> for
# tokens, which neither need a clock nor a thread.
CORE_ALLOWED_HEADERS = set("""
    algorithm array bit cassert cerrno charconv chrono climits cmath compare concepts cstddef
    cstdint cstring deque exception functional initializer_list iterator limits list map memory
    memory_resource new numbers numeric optional queue ranges set source_location span stack
    stdexcept stop_token string string_view tuple type_traits typeinfo unordered_map unordered_set
    utility variant vector version
    emmintrin.h immintrin.h smmintrin.h tmmintrin.h
    nlohmann/json.hpp openssl/bn.h openssl/evp.h sodium.h
    """.split())
CORE_BANNED_HEADERS = {
    "files":
        r"cstdio|stdio\.h|fstream|iostream|istream|ostream|ios|iosfwd|iomanip|sstream|strstream|"
        r"syncstream|print|filesystem|experimental/filesystem|unistd\.h|fcntl\.h|dirent\.h|"
        r"ftw\.h|fts\.h|glob\.h|dlfcn\.h|aio\.h|sys/.*|linux/.*|bits/.*|archive.*\.h|sqlite3\.h|"
        r"zlib\.h|bzlib\.h|lzma\.h|cinch/files/.*",
    "sockets":
        r"netdb\.h|poll\.h|ifaddrs\.h|resolv\.h|arpa/.*|net/.*|netinet/.*|curl/.*|openssl/(bio|"
        r"ssl)\.h|boost/(asio|beast).*",
    "threads":
        r"thread|mutex|shared_mutex|condition_variable|future|semaphore|latch|barrier|atomic|"
        r"hazard_pointer|rcu|execution|coroutine|pthread\.h|threads\.h|semaphore\.h|sched\.h|"
        r"spawn\.h|signal\.h|csignal|setjmp\.h|csetjmp|ucontext\.h|stdatomic\.h",
    "clocks": r"ctime|time\.h|utime\.h|random",
    "locale":
        r"locale|clocale|locale\.h|codecvt|langinfo\.h|libintl\.h|iconv\.h|nl_types\.h|"
        r"monetary\.h|regex|cwchar|wchar\.h|cwctype|wctype\.h|cctype|ctype\.h|format|"
        r"text_encoding",
    "the process": r"cstdlib|stdlib\.h|pwd\.h|grp\.h|syslog\.h|termios\.h|wordexp\.h",
}
# Names that an allowed header has all the same.
CORE_BANNED_NAMES = {
    "clock": r"\b(system|steady|high_resolution|utc|tai|gps|file)_clock\b",
    "thread":
        r"\b(std::)?(jthread|this_thread)\b|\bstd::(thread|mutex|async|stop_callback)\b|"
        r"\bthread_local\b",
    "locale": r"\bstd::(locale|isalpha|isdigit|isspace|tolower|toupper)\b|\bset_?locale\b",
}

CODE = (".cc", ".hh", ".c", ".h")


class Report:
    def __init__(self):
        self.count = 0

    def add(self, path, line, rule, text):
        self.count += 1
        print(f"{path}:{line}: {rule}: {text}")


def tracked_files():
    if (ROOT / ".git").exists():
        listing = subprocess.run(["git", "ls-files", "-z", "--cached", "--others",
                                  "--exclude-standard"],
                                 cwd=ROOT, capture_output=True, text=True, check=True)
        names = [name for name in listing.stdout.split("\0") if name]
    else:
        names = [os.path.relpath(os.path.join(folder, file), ROOT)
                 for folder, _, files in os.walk(ROOT) for file in files]
    return sorted(name for name in names if (ROOT / name).is_file())


def blank(match):
    """Replaces a match by spaces, keeping its lines."""
    return re.sub(r"[^\n]", " ", match.group(0))


def without_comments_and_strings(text):
    pattern = re.compile(
        r'R"(?P<tag>[^(\s]*)\(.*?\)(?P=tag)"|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])+\''
        r'|//[^\n]*|/\*.*?\*/', re.DOTALL)
    # A quote between digits separates them (1'000) and begins no character.
    return pattern.sub(blank, re.sub(r"(?<=[0-9a-fA-F])'(?=[0-9a-fA-F])", " ", text))


def excused(lines, number, rule):
    return any(f"tidy: {rule}" in lines[i] for i in (number - 1, number - 2) if 0 <= i < len(lines))


def check_bans(name, text, report):
    lines = text.split("\n")
    code = without_comments_and_strings(text)
    for ban in BANS:
        if not name.startswith(ban.where) or name.startswith(ban.but_not or ("\0",)):
            continue
        if name.startswith("tests/tidy/"):
            continue
        searched = text if ban.rule == "leftover" else code
        for match in re.finditer(ban.pattern, searched, re.MULTILINE):
            number = searched.count("\n", 0, match.start()) + 1
            if not excused(lines, number, ban.rule):
                report.add(name, number, ban.rule, f"'{match.group(0).strip()}': {ban.instead}")


def check_lines(name, text, report):
    for number, line in enumerate(text.split("\n"), 1):
        if len(line) > LINE_LENGTH_MAX and "://" not in line:
            report.add(name, number, "line-length",
                       f"{len(line)} columns, at most {LINE_LENGTH_MAX}")
        if line != line.rstrip():
            report.add(name, number, "trailing-space", "remove the space at the end of the line")
        if re.search(r"[\x00-\x08\x0b-\x1f\x7f]|\t", line):
            report.add(name, number, "control-character", "write an escape, or spaces for a tab")
    if text and not text.endswith("\n"):
        report.add(name, text.count("\n") + 1, "last-line", "end the file with a newline")


def functions(code):
    """Yields (first line, last line) of the outermost function bodies of formatted code."""
    lines = code.split("\n")
    stack = []   # for each open brace: where its statement starts, and whether it is a function
    for number, line in enumerate(lines):
        for brace in re.findall(r"[{}]", line):
            if brace == "{":
                start = number
                while start > 0 and lines[start - 1].strip() and not re.search(
                        r"[;{}:]\s*$|^\s*#|^\s*(public|private|protected):", lines[start - 1]):
                    start -= 1
                head = " ".join(lines[start:number + 1])
                is_function = "(" in head.split("{")[0] and not re.match(
                    r"\s*(namespace|struct|class|enum|union|extern|if|for|while|switch)\b", head)
                stack.append((start, is_function))
            elif stack:
                start, is_function = stack.pop()
                if is_function and not any(inside for _, inside in stack):
                    yield start + 1, number + 1


def check_functions(name, text, report):
    lines = text.split("\n")
    for first, last in functions(without_comments_and_strings(text)):
        length = last - first + 1
        if length > FUNCTION_LINES_MAX and not excused(lines, first, "function-length"):
            report.add(name, first, "function-length",
                       f"{length} lines, at most {FUNCTION_LINES_MAX}: let the parent decide and "
                       "helpers compute")


def check_header(name, text, report):
    if "#pragma once" not in text and not name.endswith(".h"):
        report.add(name, 1, "header-guard", "a header begins with a comment and '#pragma once'")
    if text.count("\n") > HEADER_LINES_MAX and not name.endswith("cinch.h"):
        report.add(name, 1, "header-length",
                   f"{text.count(chr(10))} lines, at most {HEADER_LINES_MAX}: one noun a file")


def layer_of(name):
    folders = [folder for folder in LAYERS if name.startswith(folder)]
    return max(folders, key=len) if folders else None


def check_includes(name, text, report):
    layer = layer_of(name)
    if layer is None:
        return
    pure = layer == "libstore-core/"
    lines = text.split("\n")
    for number, line in enumerate(lines, 1):
        match = re.match(r"#include <cinch/(\w+)/", line)
        # The registry knows all backends, wherever its files lie.
        allowed = LAYERS["libstore-remote/compose/"] if "open_store" in name else LAYERS[layer]
        if match and match.group(1) not in allowed:
            report.add(name, number, "layer",
                       f"{layer} may include cinch/{{{','.join(sorted(allowed))}}}")
        if pure and not excused(lines, number, "purity"):
            problem = impure_include(line)
            if problem:
                report.add(name, number, "purity", problem)
    if pure:
        code = without_comments_and_strings(text)
        for kind, pattern in CORE_BANNED_NAMES.items():
            for match in re.finditer(pattern, code):
                report.add(name, code.count("\n", 0, match.start()) + 1, "purity",
                           f"'{match.group(0)}': core has no {kind}: take the value as an argument")


def impure_include(line):
    """What is wrong with a line of core's code, if it includes what core must not; else None."""
    match = re.match(r"\s*#\s*include(?:_next)?\s*([<\"])([^>\"]*)", line)
    if not match:
        # A header that a macro names can be anything.
        return "name the header" if re.match(r"\s*#\s*include\b", line) else None
    header = match.group(2)
    for kind, pattern in CORE_BANNED_HEADERS.items():
        if re.fullmatch(pattern, header):
            return f"core is pure: no <{header}>, which is for {kind}"
    beside = match.group(1) == '"' and header.endswith(".hh")
    if beside or header in CORE_ALLOWED_HEADERS or header.startswith("cinch/core/"):
        return None
    return f"<{header}> is not among CORE_ALLOWED_HEADERS: is it pure?"


def check_mentions(names, report):
    builds = {name: (ROOT / name).read_text() for name in names if name.endswith("meson.build")}
    for name, text in builds.items():
        if text.count("\n") > BUILD_FILE_LINES_MAX:
            report.add(name, 1, "build-file-length", f"more than {BUILD_FILE_LINES_MAX} lines")
    everything = "\n".join(builds.values())
    for name in names:
        path = Path(name)
        # A build file may make names by a rule: 'nar' + '_fuzz.cc'.
        made_of = f"'{path.stem.rpartition('_')[0]}'"
        beside = builds.get(str(path.parent / "meson.build"), "")
        if path.suffix in (".cc", ".c") and path.name not in everything and made_of not in beside:
            report.add(name, 1, "unbuilt", "no meson.build mentions this file")


def main():
    report = Report()
    names = tracked_files()
    for name in names:
        text_like = name.endswith(CODE + (".py", ".sh", ".md", ".nix", ".build")) or name == "dev"
        if not text_like:
            continue
        text = (ROOT / name).read_text()
        check_bans(name, text, report)
        if name.endswith(CODE + (".py", ".sh", ".build")) or name == "dev":
            check_lines(name, text, report)
        if name.endswith(CODE):
            check_includes(name, text, report)
            check_functions(name, text, report)
        if name.endswith((".hh", ".h")) and "/include/" in name:
            check_header(name, text, report)
    check_mentions(names, report)
    print(f"{len(names)} files, {report.count} findings")
    return report.count > 0


if __name__ == "__main__":
    sys.exit(main())
