#!/usr/bin/env python3
"""What the outside sees of the libraries, each part a test:

  headers     every public header is enough by itself, with strict warnings
  exports     libcinch exports what cinch.map lists; the C++ libraries only names of namespace cinch
  needed      the libraries need no shared library but those allowed here
  purity      libstore-core calls nothing for files, sockets, threads, clocks, locale or the process
  documented  declared in cinch.h = exported = a heading in docs/reference/capi
  abi         libcinch against the baseline capi/frozen/cinch.abi (after a change that is meant:
              surface.py abi BUILD --update)

Usage: surface.py PART BUILD-FOLDER
"""
import concurrent.futures
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
MAP = ROOT / "capi/cinch.map"
HEADER = ROOT / "capi/include/cinch.h"
BASELINE = ROOT / "capi/frozen/cinch.abi"
SKIP = 77

RUNTIME = {"libc.so.6", "libm.so.6", "libstdc++.so.6", "libgcc_s.so.1", "ld-linux-x86-64.so.2",
           "libasan.so.8", "libubsan.so.1"}
CORE = "libstore-core.so.0.1"
FILES = "libstore-files.so.0.1"
LOCAL = "libstore-local.so.0.1"
REMOTE = "libstore-remote.so.0.1"
BUILD = "libstore-build.so.0.1"
# Beside the runtimes. A new entry is a decision: name it in docs/dependencies.md.
NEEDED = {
    "libstore-core.so": {"libcrypto.so.3", "libsodium.so.23"},
    "libstore-files.so": {CORE},
    "libstore-local.so": {CORE, FILES, "libsqlite3.so.0", "libbz2.so.1.0"},
    "libstore-remote.so": {CORE, FILES, LOCAL},
    "libstore-build.so": {CORE, FILES, "libseccomp.so.2"},
    "libcinch.so": {CORE, FILES, LOCAL, REMOTE, BUILD},
}

C_FLAGS = ["-Wall", "-Wextra", "-pedantic", "-Wstrict-prototypes", "-Werror"]
CPP_FLAGS = ["-Wall", "-Wextra", "-Wpedantic", "-Wshadow", "-Werror"]


def run(*command, **options):
    return subprocess.run(command, check=True, capture_output=True, text=True, **options).stdout


def compiler(variable, fallback):
    return shlex.split(os.environ.get(variable, fallback))


def libraries(build):
    return sorted(path for folder in ("libstore-*", "capi")
                  for path in Path(build).glob(f"{folder}/**/lib*.so"))


def library(build, name):
    return next(path for path in libraries(build) if path.name == name)


# ---- headers

def compiles_alone(folder, number, header, command, suffix):
    # Names that stay the same, and an output, let ccache remember.
    source = folder / f"{number}{suffix}"
    source.write_text(f"#include <{header}>\n")
    result = subprocess.run(
        [*command, "-D_GNU_SOURCE", "-c", source, "-o", source.with_suffix(".o")],
        capture_output=True, text=True, check=False)
    return header, command, result


def headers(build):
    folder = Path(build, "surface-headers")
    folder.mkdir(exist_ok=True)
    ccache = ["ccache"] if shutil.which("ccache") else []
    cc = [*ccache, *compiler("CC", "cc"), f"-I{HEADER.parent}", *C_FLAGS]
    cxx = [*ccache, *compiler("CXX", "c++"), f"-I{HEADER.parent}", *CPP_FLAGS]
    includes = [path for path in ROOT.glob("**/include") if path.relative_to(ROOT).parts[0] in
                ("capi", "libstore-core", "libstore-remote", "libstore-build")]
    every = [f"-I{path}" for path in includes]
    jobs = [(path.relative_to(include), [*cxx, "-std=c++20", *every], ".cc")
            for include in includes for path in sorted(include.rglob("*.h*"))]
    jobs += [(HEADER.name, [*cc, "-std=c99"], ".c"), (HEADER.name, [*cc, "-std=c11"], ".c"),
             (HEADER.name, [*cxx, "-std=c++11"], ".cc")]
    failures = 0
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for header, command, result in pool.map(
                lambda numbered: compiles_alone(folder, numbered[0], *numbered[1]),
                enumerate(jobs)):
            if result.returncode != 0:
                failures += 1
                print(f"<{header}> does not compile alone with {shlex.join(command)}:")
                print(result.stderr)
    print(f"{len(jobs)} compilations, {failures} failures")
    return failures > 0


# ---- exports

def exported(path):
    """(type, mangled name, name) of what a library defines for others."""
    plain = [line.split()[-2:] for line in
             run("nm", "--dynamic", "--defined-only", path).splitlines()]
    names = run("c++filt", input="\n".join(name.split("@")[0] for _, name in plain)).splitlines()
    return [(kind, name.split("@")[0], readable)
            for (kind, name), readable in zip(plain, names)]


def mapped():
    text = re.sub(r"/\*.*?\*/", "", MAP.read_text(), flags=re.DOTALL)
    return set(re.findall(r"\b(cinch_\w+)\s*;", text))


def compare(left_name, left, right_name, right):
    for name in sorted(left - right):
        print(f"{name}: in {left_name}, but not in {right_name}")
    for name in sorted(right - left):
        print(f"{name}: in {right_name}, but not in {left_name}")
    return left != right


def exports(build):
    failed = False
    for path in libraries(build):
        symbols = exported(path)
        if path.name == "libcinch.so":
            names = {name for kind, name, _ in symbols if kind != "A"}
            failed |= compare("libcinch.so", names, "cinch.map", mapped())
            continue
        for kind, _, readable in symbols:
            # Weak names are instances of templates of the standard library.
            if kind in "TDBR" and "cinch::" not in readable:
                failed = True
                print(f"{path.name} exports {readable}, which is not in namespace cinch")
        print(f"{path.name}: {len(symbols)} names")
    return failed


# ---- needed

def not_allowed(library_name, names):
    """The libraries that this one needs and must not."""
    return sorted(set(names) - NEEDED.get(library_name, set()) - RUNTIME)


def needed(build):
    paths = libraries(build)
    failed = compare("the build", {path.name for path in paths}, "NEEDED", set(NEEDED))
    for path in paths:
        names = set(re.findall(r"\(NEEDED\).*\[(.*)\]", run("readelf", "--dynamic", path)))
        print(f"{path.name}: {' '.join(sorted(names - RUNTIME))}")
        for name in not_allowed(path.name, names):
            failed = True
            print(f"{path.name} needs {name}, which is not allowed (NEEDED in surface.py)")
    return failed


# ---- purity

# What core must not call, by what it is for; names as c++filt prints them, without versions.
IMPURE = {
    "files":
        r"_*(open|openat|creat|fopen|freopen|fdopen|tmpfile|mkstemp|mkdtemp|read|write|pread|"
        r"pwrite|readv|writev|close|fclose|fread|fwrite|fputs|fputc|fgets|fseek|lseek|stat|"
        r"fstat|lstat|fstatat|statx|access|faccessat|readlink|readlinkat|opendir|fdopendir|"
        r"readdir|unlink|unlinkat|rename|renameat|renameat2|mkdir|mkdirat|symlink|link|chmod|"
        r"fchmod|chdir|getcwd|ftruncate|fsync|mmap|ioctl|fcntl|dup|dup2|pipe|pipe2|flock|dlopen|"
        r"v?f?printf(_chk)?|putchar|puts|stdin|stdout|stderr)(64|_2)?|std::filesystem::.*|"
        r".*\bstd::(__cxx11::)?basic_(i|o)?f(ilebuf|stream)\b.*|.*\bstd::c(in|out|err|log)\b|"
        r"std::ios_base::.*|std::random_device::.*",
    "sockets":
        r"_*(socket|socketpair|connect|bind|listen|accept4?|send|sendto|sendmsg|recv|recvfrom|"
        r"recvmsg|setsockopt|getaddrinfo|gethostby\w+|poll|ppoll|select|pselect|epoll_\w+)",
    "threads":
        r"pthread_\w+|thrd_\w+|mtx_\w+|sem_\w+|sched_\w+|fork|vfork|clone|posix_spawn\w*|"
        r"exec[lv]\w*|waitpid|kill|signal|sigaction|sigprocmask|__tls_get_addr|std::(thread|"
        r"jthread|condition_variable|_V2::condition_variable|this_thread)\b.*|"
        r"std::__atomic_futex\w*::.*|std::__once\w*|std::call_once.*",
    "clocks":
        r"clock|clock_(get|set|nano)\w+|gettimeofday|time|times|ftime|(local|gm)time(_r)?|"
        r"mktime|timegm|strftime|nanosleep|usleep|sleep|alarm|setitimer|timer_\w+|timerfd_\w+|"
        r"std::chrono::.*::now\(\)",
    "locale":
        r"setlocale|newlocale|uselocale|duplocale|localeconv|nl_langinfo\w*|iconv\w*|"
        r"d?c?n?gettext|strcoll|strxfrm|strtod|strtof|strtold|atof|sscanf|strerror(_r|_l)?|"
        r"__xpg_strerror_r|mbs?r?towcs?|wcs?r?tombs?|is(alpha|digit|space|alnum|print)|to(lower|"
        r"upper)|__ctype_\w+|std::locale\b.*|"
        r".*\bstd::(__cxx11::)?basic_[io]?(string)?stream\b.*|.*\bstd::(__cxx11::)?(ctype|"
        r"codecvt|num_get|num_put|moneypunct|time_get|collate)\b.*",
    "the process":
        r"(secure_)?getenv|setenv|putenv|environ|exit|_exit|quick_exit|system|popen|getpid|"
        r"get(e?[ug]id)|getpw\w+|getgr\w+|sysconf|uname|gethostname|syscall|syslog",
}
# nlohmann_json asks for the decimal point so that it can undo it: no number depends on a locale.
PURE_ENOUGH = {"localeconv", "strtod"}


def impure(names):
    """(name, what it is for) of each that core must not call."""
    return [(name, kind) for name in sorted(set(names) - PURE_ENOUGH)
            for kind, pattern in IMPURE.items() if re.fullmatch(pattern, name)]


def undefined(path):
    """What a library needs from others, without the versions of symbols."""
    names = [line.split()[-1].split("@")[0] for line in
             run("nm", "--dynamic", "--undefined-only", path).splitlines()]
    return run("c++filt", input="\n".join(names)).splitlines()


def purity(build):
    path = library(build, "libstore-core.so")
    names = undefined(path)
    found = impure(names)
    for name, kind in found:
        print(f"libstore-core calls {name}, which is for {kind}")
    print(f"{len(names)} names, {len(found)} impure")
    return bool(found) or not names


# ---- documented

def documented(_build):
    declared = set(re.findall(r"\b(cinch_\w+)\s*\(",
                              "\n".join(re.findall(r"^CINCH_API [^;]*;", HEADER.read_text(),
                                                   re.MULTILINE))))
    pages = (ROOT / "docs/reference/capi").glob("*.md")
    described = {name for page in pages
                 for name in re.findall(r"^### `?(cinch_\w+)`?\s*$", page.read_text(),
                                        re.MULTILINE)}
    described = {name for name in described if not name.endswith(("_fn", "_options", "_t"))}
    print(f"{len(declared)} functions declared, {len(mapped())} exported, "
          f"{len(described)} described")
    wrong = compare("cinch.h", declared, "cinch.map", mapped())
    return compare("cinch.h", declared, "docs/reference/capi", described) or wrong


# ---- abi

def abi(build):
    if shutil.which("abidw") is None:
        print("abidw and abidiff are not installed (package abigail-tools)")
        return SKIP
    path = library(build, "libcinch.so")
    if "libasan" in run("readelf", "--dynamic", path):
        print("the sanitizers change the library")
        return SKIP
    if "--update" in sys.argv:
        run("abidw", "--exported-interfaces-only", "--headers-dir", HEADER.parent,
            "--drop-private-types", "--type-id-style", "hash", "--no-show-locs", "--no-elf-needed",
            "--no-corpus-path", "--no-comp-dir-path", "--out-file", BASELINE, path)
        print(f"wrote {BASELINE.relative_to(ROOT)}")
        return 0
    result = subprocess.run(["abidiff", "--headers-dir2", HEADER.parent, BASELINE, path],
                            check=False)
    if result.returncode != 0:
        print("libcinch differs from capi/frozen/cinch.abi: see docs/internals/versioning.md")
    else:
        print("libcinch is what capi/frozen/cinch.abi says")
    return result.returncode


PARTS = {part.__name__: part for part in (headers, exports, needed, purity, documented, abi)}

if __name__ == "__main__":
    if len(sys.argv) < 3 or sys.argv[1] not in PARTS:
        sys.exit(__doc__)
    sys.exit(int(PARTS[sys.argv[1]](sys.argv[2])))
