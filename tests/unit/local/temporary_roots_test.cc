#include "temporary_roots.hh"

#include "catch.hh"
#include "scratch.hh"

#include <array>
#include <string>
#include <vector>

#include <unistd.h>

using namespace cinch;
using namespace cinch::local;
using namespace cinch::test;

namespace {

StorePath numbered(int number) {
  return StorePath::parse("00000000000000000000000000000000-" + std::to_string(number));
}

}  // namespace

TEST_CASE("roots are found in the files of the process that has them") {
  const Scratch scratch;
  const Directory state = Directory::open(scratch.path());
  state.make_directory("temproots", 0755);
  TemporaryRoots first(state, StoreDir());
  TemporaryRoots second(state, StoreDir());
  const std::array<StorePath, 2> some = {numbered(1), numbered(2)};
  const std::array<StorePath, 1> other = {numbered(3)};
  first.add(some);
  second.add(other);
  const auto find = [&](pid_t process, const StorePathSet& paths) {
    return find_temporary_roots(state, StoreDir(), process, paths);
  };
  const pid_t self = ::getpid();
  CHECK(find(self, {numbered(1), numbered(2)}) == RootsWritten::yes);
  CHECK(find(self, {numbered(2), numbered(3)}) == RootsWritten::yes);
  CHECK(find(self, {numbered(3), numbered(4)}) == RootsWritten::not_yet);
  // Neither a process that has none, nor one whose number begins the same, nor one that is gone.
  CHECK(find(self + 1, {numbered(1)}) == RootsWritten::unknown);
  CHECK(find(self / 10, {numbered(1)}) == RootsWritten::unknown);
  state.open_directory("temproots")
      .write_file("4194305", StoreDir().print(numbered(1)) + '\0', 0600);
  CHECK(find(4'194'305, {numbered(1)}) == RootsWritten::unknown);
}

TEST_CASE("a collector reads the roots of all open stores, and nothing of closed ones") {
  const Scratch scratch;
  const Directory state = Directory::open(scratch.path());
  state.make_directory("temproots", 0755);
  TemporaryRoots open(state, StoreDir());
  const std::array<StorePath, 1> held = {numbered(1)};
  open.add(held);
  {
    TemporaryRoots closed(state, StoreDir());
    const std::array<StorePath, 1> forgotten = {numbered(2)};
    closed.add(forgotten);
  }
  const std::vector<GarbageRoot> roots = read_temporary_roots(state, StoreDir());
  REQUIRE(roots.size() == 1);
  CHECK(roots[0].path == numbered(1));
  CHECK(roots[0].link == "{temp:" + std::to_string(::getpid()) + "}");
}
