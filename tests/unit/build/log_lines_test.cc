#include "driver/log_lines.hh"

#include "catch.hh"

#include <string>
#include <vector>

namespace cinch::test {
namespace {

std::vector<std::string> lines_of(const std::vector<std::string>& pieces) {
  std::vector<std::string> lines;
  LogLines log(2, [&](const std::string& line) { lines.push_back(line); });
  for (const std::string& piece : pieces) log.write(as_bytes(piece));
  log.finish();
  return lines;
}
using Lines = std::vector<std::string>;

TEST_CASE("lines come whole, whatever the pieces") {
  CHECK(lines_of({"a\nb\n"}) == Lines{"a", "b"});
  CHECK(lines_of({"a", "b\n", "\n", "c"}) == Lines{"ab", "", "c"});
  CHECK(lines_of({}).empty());
  CHECK(lines_of({std::string("\0\xff\n", 3)}) == Lines{std::string("\0\xff", 2)});
}

TEST_CASE("a carriage return goes back to the start of the line") {
  CHECK(lines_of({"a\r\nb\r\n"}) == Lines{"a", "b"});
  CHECK(lines_of({"10%\r20%\r", "100%\n"}) == Lines{"100%"});
  CHECK(lines_of({"long line\rshort\n"}) == Lines{"shortline"});
}

TEST_CASE("a line without end is cut") {
  Lines lines = lines_of({std::string(log_line_bytes_max + 10, 'x')});
  REQUIRE(lines.size() == 2);
  CHECK(lines[0].size() == log_line_bytes_max);
  CHECK(lines[1].size() == 10);
}

TEST_CASE("the last lines are kept") {
  LogLines log(2, nullptr);
  log.write(as_bytes("1\n2\n3\n"));
  CHECK(log.kept() == std::deque<std::string>{"2", "3"});
  LogLines none(0, nullptr);
  none.write(as_bytes("1\n"));
  CHECK(none.kept().empty());
}

}  // namespace
}  // namespace cinch::test
