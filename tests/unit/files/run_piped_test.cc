#include "catch.hh"
#include "errors.hh"

#include <cinch/core/error.hh>
#include <cinch/files/run_piped.hh>

#include <string>

using namespace cinch;
using namespace cinch::test;

TEST_CASE("what one writes, the other one reads") {
  std::string expected;
  for (int piece = 0; piece < 50; ++piece) {
    expected += std::string(static_cast<std::size_t>(piece) * 3001, static_cast<char>('a' + piece));
  }
  std::string found;
  run_piped(
      [&](Sink& sink) {
        for (std::size_t at = 0; at < expected.size(); at += 100'003) {
          sink.write(as_bytes(std::string_view(expected).substr(at, 100'003)));
        }
      },
      [&](Source& source) { found = read_all(source, 64 << 20); });
  CHECK(found == expected);
  run_piped([](Sink&) {}, [&](Source& source) { found = read_all(source, 1); });
  CHECK(found.empty());
}

TEST_CASE("either end may fail") {
  const std::string much(4 << 20, 'x');
  const auto write_much = [&](Sink& sink) { sink.write(as_bytes(much)); };
  const auto read_much = [](Source& source) { (void)read_all(source, 64 << 20); };
  CHECK(code_of([&] {
          run_piped([](Sink&) { throw Error(Code::corrupt, "no more"); }, read_much);
        }) == Code::corrupt);
  CHECK(code_of([&] {
          run_piped(write_much, [](Source&) { throw Error(Code::no_space, "full"); });
        }) == Code::no_space);
  // The consumer may have enough, too.
  run_piped(write_much, [](Source&) {});
}
