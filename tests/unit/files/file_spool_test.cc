#include "catch.hh"
#include "errors.hh"
#include "scratch.hh"

#include <cinch/files/file_spool.hh>

#include <string>

using namespace cinch;
using namespace cinch::test;

TEST_CASE("a spool gives back what it was given, and leaves nothing") {
  const Scratch scratch;
  for (const std::size_t count : {0, 1, 40}) {
    std::string expected;
    FileSpool spool(scratch.path("."));
    for (std::size_t piece = 0; piece < count; ++piece) {
      const std::string text(70'001, static_cast<char>('a' + piece));
      spool.write(as_bytes(text));
      expected += text;
    }
    CHECK(read_all(spool.read_back(), 4 << 20) == expected);
    CHECK(code_of([&] { spool.write(as_bytes("more")); }) == Code::invalid_argument);
    CHECK(scratch.directory().list().empty());
  }
}

TEST_CASE("a spool needs its directory for large contents only") {
  FileSpool spool("/nowhere/at/all");
  spool.write(as_bytes("small"));
  CHECK(read_all(spool.read_back(), 10) == "small");
  FileSpool large("/nowhere/at/all");
  CHECK(code_of([&] { large.write(as_bytes(std::string(2 << 20, 'x'))); }) == Code::not_found);
}
