#include "temporary_roots.hh"

#include "catch.hh"
#include "garbage/collector_lock.hh"
#include "garbage/root_server.hh"
#include "scratch.hh"

#include <array>
#include <string>
#include <vector>

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

using namespace cinch;
using namespace cinch::local;
using namespace cinch::test;

namespace {

StorePath numbered(int number) {
  return StorePath::parse("00000000000000000000000000000000-" + std::to_string(number));
}

struct StateDirectory {
  StateDirectory() { directory.make_directory("temproots", 0755); }

  Scratch scratch;
  Directory directory = Directory::open(scratch.path());
};

}  // namespace

TEST_CASE("roots are found in the files of the process that has them") {
  const StateDirectory fixture;
  const Directory& state = fixture.directory;
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
  // Older versions of Nix hold a shared lock when they do not write.
  const Descriptor held = state.open_directory("temproots").open_file("4194305", O_RDWR);
  REQUIRE(::flock(held.get(), LOCK_SH) == 0);
  CHECK(find(4'194'305, {numbered(1)}) == RootsWritten::yes);
  CHECK(find(4'194'305, {numbered(2)}) == RootsWritten::not_yet);
}

TEST_CASE("what has become a lasting root is told to a collector that began in between") {
  const StateDirectory fixture;
  const Directory& state = fixture.directory;
  TemporaryRoots roots(state, StoreDir());
  const std::array<StorePath, 1> some = {numbered(1)};
  roots.add(some);
  roots.confirm(numbered(1));  // there is none
  const Descriptor lock = lock_for_collection(state);
  StorePathSet told;
  const RootServer server(state, StoreDir(), [&](const StorePath& path) {
    told.insert(path);
    return true;
  });
  roots.add(some);
  CHECK(told.empty());
  roots.confirm(numbered(1));
  CHECK(told == StorePathSet{numbered(1)});
  roots.confirm(numbered(2));
  CHECK(told == StorePathSet{numbered(1), numbered(2)});
}

TEST_CASE("a collector reads the roots of all open stores, and nothing of closed ones") {
  const StateDirectory fixture;
  const Directory& state = fixture.directory;
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
