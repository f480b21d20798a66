#!/usr/bin/env python3
"""The rules of tidy.py, core_reference.py and surface.py can fail: each is given what it must
refuse, and what it must let pass."""
import contextlib
import io
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests/tidy"), str(ROOT / "tests/surface")]
import core_reference  # noqa: E402
import surface  # noqa: E402
import tidy  # noqa: E402

CORE = "libstore-core/model/made_up.cc"
FILES = "libstore-core/files/src/made_up.cc"


def findings(name, text):
    """The rules that a made-up file breaks."""
    report = tidy.Report()
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        tidy.check_bans(name, text, report)
        tidy.check_includes(name, text, report)
    return [line.split(": ")[1] for line in printed.getvalue().splitlines()]


class PurityOfSources(unittest.TestCase):
    def test_headers_that_core_must_not_include(self):
        for header in ("fstream", "filesystem", "iostream", "sstream", "cstdio", "unistd.h",
                       "fcntl.h", "dirent.h", "sys/stat.h", "sys/socket.h", "netdb.h",
                       "arpa/inet.h", "poll.h",
                       "boost/asio.hpp", "curl/curl.h", "thread", "mutex", "condition_variable",
                       "pthread.h", "atomic", "ctime", "time.h", "random", "locale", "clocale",
                       "locale.h", "regex", "cctype", "format", "cstdlib", "sqlite3.h",
                       "cinch/files/directory.hh"):
            with self.subTest(header):
                self.assertIn("purity", findings(CORE, f"#include <{header}>\n"))
        for line in ('#include "unistd.h"', "  #  include <fcntl.h>", "#include <nobody/knows.h>",
                     "#include MACRO", "#include_next <time.h>"):
            with self.subTest(line):
                self.assertIn("purity", findings(CORE, line + "\n"))

    def test_names_that_core_must_not_use(self):
        for code in ("auto now = std::chrono::steady_clock::now();", "std::mutex lock;",
                     "thread_local int x;", "std::this_thread::yield();", "std::locale::global(l);",
                     "if (std::isdigit(c)) return;"):
            with self.subTest(code):
                self.assertEqual(findings(CORE, code + "\n"), ["purity"])

    def test_what_core_may_do(self):
        text = ('#include "json_node.hh"\n#include <chrono>\n#include <stop_token>\n'
                "#include <cinch/core/hash.hh>\n#include <openssl/evp.h>\n"
                "// std::mutex, steady_clock\nstd::chrono::seconds timeout{0};\n")
        self.assertEqual(findings(CORE, text), [])

    def test_the_files_library_may_open_files(self):
        self.assertEqual(findings(FILES, "#include <fcntl.h>\n#include <sys/stat.h>\n"), [])

    def test_an_excuse_must_be_written(self):
        self.assertEqual(findings(CORE, "// tidy: purity, because\n#include <random>\n"), [])


class OtherRules(unittest.TestCase):
    def test_bans(self):
        for rule, code in (("getenv", 'auto x = getenv("HOME");'), ("print", 'puts("x");'),
                           ("exit", "exit(1);"), ("detach", "thread.detach();"),
                           ("leftover", "// TO" + "DO"), ("swallow", "catch (...) {}")):
            with self.subTest(rule):
                self.assertIn(rule, findings("libstore-remote/made_up.cc", code + "\n"))
        self.assertEqual(findings("libstore-remote/made_up.cc", '// getenv("HOME")\n'), [])

    def test_layers(self):
        include = "#include <cinch/local/local_store.hh>\n"
        self.assertIn("layer", findings("libstore-build/made_up.cc", include))
        self.assertEqual(findings("tools/made_up.cc", include), [])


class PurityOfLibraries(unittest.TestCase):
    def test_names_that_core_must_not_call(self):
        for name in ("open", "open64", "openat", "fopen64", "read", "write", "__fprintf_chk",
                     "stderr", "std::cout",
                     "std::basic_ifstream<char, std::char_traits<char> >::close()",
                     "socket", "getaddrinfo", "pthread_create", "pthread_mutex_lock",
                     "std::thread::join()", "clock_gettime", "time",
                     "std::chrono::_V2::steady_clock::now()", "setlocale", "std::locale::locale()",
                     "strerror_r", "getenv", "exit", "syscall"):
            with self.subTest(name):
                self.assertEqual([found for found, _ in surface.impure([name, "memcpy"])], [name])

    def test_names_that_are_fine(self):
        self.assertEqual(surface.impure(["memcpy", "strlen", "snprintf", "EVP_DigestUpdate",
                                         "sodium_init", "operator new(unsigned long)",
                                         "std::terminate()", "localeconv"]), [])

    def test_needed(self):
        allowed = surface.not_allowed
        self.assertEqual(allowed("libstore-core.so", ["libc.so.6", "libcrypto.so.3"]), [])
        self.assertEqual(allowed("libstore-core.so", ["libsqlite3.so.0", "libc.so.6"]),
                         ["libsqlite3.so.0"])
        self.assertEqual(allowed("libnew.so", ["libcrypto.so.3"]), ["libcrypto.so.3"])

    @unittest.skipUnless(shutil.which("c++") and shutil.which("nm"), "no compiler")
    def test_a_real_library(self):
        """Compiled: the names are really those that a library has that opens, locks and looks at
        the clock."""
        with tempfile.TemporaryDirectory() as folder:
            source = Path(folder, "impure.cc")
            source.write_text("#include <chrono>\n#include <cstdlib>\n#include <fcntl.h>\n"
                              "#include <locale.h>\n#include <sys/socket.h>\n"
                              "long impure() {\n"
                              "  setlocale(LC_ALL, getenv(\"X\"));\n"
                              "  return open(\"/x\", O_RDONLY) + socket(1, 1, 0) +\n"
                              "    std::chrono::steady_clock::now().time_since_epoch().count();\n"
                              "}\n")
            library = source.with_suffix(".so")
            subprocess.run(["c++", "-shared", "-fPIC", source, "-o", library], check=True)
            kinds = {kind for _, kind in surface.impure(surface.undefined(library))}
        self.assertEqual(kinds, {"files", "sockets", "clocks", "locale", "the process"})


class ReferenceOfCore(unittest.TestCase):
    HEADER = """
// A header.
namespace cinch {
enum class Kind { a };
struct Forward;
struct CINCH_CORE_API Thing {
  int member;
  void function();
};
// CINCH_CORE_API void in_a_comment();
constexpr std::uint64_t things_max = std::uint64_t{1} << 20;
using Things = std::vector<Thing>;
CINCH_CORE_API std::map<int, Thing> parse_things(std::string_view text,
                                                 int size);
[[noreturn]] CINCH_CORE_API void refuse();
inline Bytes as_bytes(int x) { return x; }
template <class T>
T* capability(Thing& thing) {
  return nullptr;
}
}  // namespace cinch
template <>
struct std::hash<cinch::Thing> {};
"""
    NAMES = ["Kind", "Thing", "things_max", "Things", "parse_things", "refuse", "as_bytes",
             "capability"]

    def test_names_of_a_header(self):
        self.assertEqual(core_reference.declared_names(self.HEADER), self.NAMES)

    def gaps(self, pages):
        return list(core_reference.gaps({"thing.hh": self.HEADER}, pages))

    def test_gaps(self):
        rows = "".join(f"| `{name}` | x |\n" for name in self.NAMES)
        page = "# x\n\n## <cinch/core/thing.hh>\n\nText.\n\n| name | y |\n| --- | --- |\n" + rows
        self.assertEqual(self.gaps({"a.md": page}), [])
        self.assertEqual(len(self.gaps({"a.md": "# x\n"})), 1)
        self.assertEqual(len(self.gaps({})), 1)
        self.assertEqual(len(self.gaps({"a.md": page.replace("`refuse`", "`refuses`")})), 2)
        self.assertEqual(len(self.gaps({"a.md": page, "b.md": page})), 1)
        gone = page.replace("thing.hh", "gone.hh")
        self.assertEqual(len(self.gaps({"a.md": page, "b.md": gone})), 1)


if __name__ == "__main__":
    unittest.main()
