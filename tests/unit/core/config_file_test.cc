#include "catch.hh"
#include "errors.hh"

#include <cinch/core/config_file.hh>

#include <map>

namespace cinch {

using test::code_of;
using test::error_of;

namespace {

// Files by name.
class Files {
 public:
  std::map<std::string, std::string> texts;

  std::vector<ConfigLine> parse(const std::string& file) const {
    return parse_config(texts.at(file), file,
                        [&](const std::string& name) -> std::optional<std::string> {
                          const auto found = texts.find(name);
                          if (found == texts.end()) return std::nullopt;
                          return found->second;
                        });
  }
};

std::string show(const std::vector<ConfigLine>& lines) {
  std::string text;
  for (const ConfigLine& line : lines) {
    text +=
        line.file + ":" + std::to_string(line.line) + " [" + line.name + "] [" + line.value + "]\n";
  }
  return text;
}

}  // namespace

TEST_CASE("lines of nix.conf") {
  const Files files{{{"/etc/nix/nix.conf",
                      "# a comment\n"
                      "\n"
                      "  max-jobs =  4  # another\n"
                      "system-features = kvm\t big-parallel \r\n"
                      "build-dir =\n"
                      "sandbox-paths = /bin/sh=/bin/busybox /x\n"
                      "cores = 2"}}};
  CHECK(show(files.parse("/etc/nix/nix.conf")) ==
        "/etc/nix/nix.conf:3 [max-jobs] [4]\n"
        "/etc/nix/nix.conf:4 [system-features] [kvm big-parallel]\n"
        "/etc/nix/nix.conf:5 [build-dir] []\n"
        "/etc/nix/nix.conf:6 [sandbox-paths] [/bin/sh=/bin/busybox /x]\n"
        "/etc/nix/nix.conf:7 [cores] [2]\n");
}

TEST_CASE("includes stand for what they contain") {
  const Files files{{{"/etc/nix/nix.conf", "a = 1\ninclude more/b.conf\n!include nowhere\nd = 4\n"},
                     {"/etc/nix/more/b.conf", "b = 2\n!include /abs\n"},
                     {"/abs", "c = 3"}}};
  CHECK(show(files.parse("/etc/nix/nix.conf")) ==
        "/etc/nix/nix.conf:1 [a] [1]\n"
        "/etc/nix/more/b.conf:1 [b] [2]\n"
        "/abs:1 [c] [3]\n"
        "/etc/nix/nix.conf:4 [d] [4]\n");
}

TEST_CASE("lines that are none, with file and line") {
  for (const std::string line : {"cores", "cores 4", "cores=4", "cores =4", "= 4", "include",
                                 "include a b", "!include", "a\f= 1"}) {
    const Files files{{{"/nix.conf", "a = 1\n" + line + "\n"}}};
    const auto error = error_of([&] { files.parse("/nix.conf"); });
    CAPTURE(line);
    REQUIRE(error);
    CHECK(error->code() == Code::malformed);
    CHECK(error->message().find("/nix.conf:2") != std::string::npos);
  }
}

TEST_CASE("a required include that cannot be opened") {
  const Files files{{{"/nix.conf", "\ninclude nowhere\n"}}};
  const auto error = error_of([&] { files.parse("/nix.conf"); });
  REQUIRE(error);
  CHECK(error->code() == Code::not_found);
  CHECK(error->subject() == "/nowhere");
  CHECK(error->message().find("/nix.conf:2") != std::string::npos);
}

TEST_CASE("includes without end") {
  const Files itself{{{"/nix.conf", "include nix.conf\n"}}};
  CHECK(code_of([&] { itself.parse("/nix.conf"); }) == Code::limit_exceeded);
  // Each file includes the next one twice: few files, very many includes.
  Files bomb;
  for (int level = 0; level < 16; ++level) {
    const std::string next = "include " + std::to_string(level + 1) + "\n";
    bomb.texts["/" + std::to_string(level)] = next + next;
  }
  bomb.texts["/16"] = "a = 1";
  CHECK(code_of([&] { bomb.parse("/0"); }) == Code::limit_exceeded);
}

}  // namespace cinch
