#include "catch.hh"
#include "errors.hh"
#include "local_fixture.hh"

#include <chrono>
#include <string>
#include <thread>
#include <vector>

#include <fcntl.h>
#include <unistd.h>

using namespace cinch;
using namespace cinch::test;

namespace {

StagedCommit staged(LocalStore& store, const PathInfo& info, const std::string& nar) {
  StagedCommit commit{store.stage(info.path), info};
  commit.object->nar().write(as_bytes(nar));
  return commit;
}

}  // namespace

TEST_CASE("staged objects become valid together") {
  const Scratch scratch;
  const auto store = open_in(scratch);
  const std::string nar_a = tree_nar("a");
  const std::string nar_b = tree_nar("b");
  PathInfo a = info_of(nar_a, path_a);
  PathInfo b = info_of(nar_b, path_b);
  a.references = {b.path, a.path};
  a.ultimate = true;
  a.deriver = StorePath::parse("33333333333333333333333333333333-a.drv");
  const auto lock = store->lock({a.path, b.path}, {}, {});

  SECTION("in any order") {
    std::vector<StagedCommit> objects;
    objects.push_back(staged(*store, a, nar_a));
    objects.push_back(staged(*store, b, nar_b));
    CHECK_FALSE(store->is_valid(a.path));
    store->commit(std::move(objects));
    const PathInfo found = store->require(a.path);
    CHECK(found.references == a.references);
    CHECK(found.ultimate);
    CHECK(found.deriver == a.deriver);
    CHECK(found.registration_time > 0);
    CHECK(nar_of(*store, b.path) == nar_b);
  }
  SECTION("or not at all") {
    b.references = {StorePath::parse(path_c)};
    std::vector<StagedCommit> objects;
    objects.push_back(staged(*store, a, nar_a));
    objects.push_back(staged(*store, b, nar_b));
    CHECK(code_of([&] { store->commit(std::move(objects)); }) == Code::not_found);
    CHECK(store->all_valid_paths().empty());
  }
  SECTION("but not in a circle") {
    b.references = {a.path};
    std::vector<StagedCommit> objects;
    objects.push_back(staged(*store, a, nar_a));
    objects.push_back(staged(*store, b, nar_b));
    CHECK(code_of([&] { store->commit(std::move(objects)); }) == Code::invalid_argument);
    CHECK(store->all_valid_paths().empty());
  }
  SECTION("and only if they are complete") {
    std::vector<StagedCommit> objects;
    objects.push_back(staged(*store, b, nar_b.substr(0, 100)));
    CHECK(code_of([&] { store->commit(std::move(objects)); }) == Code::malformed);
  }
  SECTION("and a valid one is left as it is") {
    std::vector<StagedCommit> first;
    first.push_back(staged(*store, b, nar_b));
    store->commit(std::move(first));
    std::vector<StagedCommit> second;
    second.push_back(staged(*store, b, nar_a));
    store->commit(std::move(second));
    CHECK(nar_of(*store, b.path) == nar_b);
  }
  SECTION("and leave nothing behind if dropped") {
    (void)staged(*store, a, nar_a);
    (void)staged(*store, b, nar_b.substr(0, 200));
  }
  std::string expected;
  if (store->is_valid(a.path)) expected += path_a + "\n";
  expected += path_a + ".lock\n";
  if (store->is_valid(b.path)) expected += path_b + "\n";
  expected += path_b + ".lock\n";
  CHECK(entries(scratch) == expected);
}

TEST_CASE("path locks") {
  const Scratch scratch;
  const auto store = open_in(scratch);
  const auto second = open_in(scratch);
  const StorePath a = StorePath::parse(path_a);
  const StorePath b = StorePath::parse(path_b);
  auto held = store->lock({a, b}, {}, {});

  SECTION("are waited for") {
    bool waited = false;
    std::unique_ptr<PathLock> theirs;
    std::jthread other([&] { theirs = second->lock({b}, {}, [&] { waited = true; }); });
    std::this_thread::sleep_for(std::chrono::milliseconds(120));
    held.reset();
    other.join();
    CHECK(waited);
    CHECK(theirs);
    CHECK(entries(scratch) == path_b + ".lock\n");
  }
  SECTION("can be given up") {
    std::stop_source stop;
    stop.request_stop();
    CHECK(code_of([&] { second->lock({b}, stop.get_token(), {}); }) == Code::cancelled);
  }
  SECTION("do not trust a lock file that was removed") {
    // What a process sees that opened the file before its holder removed it.
    const int old =
        ::open(scratch.path("root/nix/store/" + path_a + ".lock").c_str(), O_RDWR | O_CLOEXEC);
    REQUIRE(old >= 0);
    held.reset();
    CHECK(::lseek(old, 0, SEEK_END) == 1);
    ::close(old);
  }
  SECTION("are taken over from a holder that marked the file and could not remove it") {
    held.reset();
    Directory::open(scratch.path("root/nix/store")).write_file(path_a + ".lock", "d", 0600);
  }
  held.reset();
  CHECK(store->lock({a, b}, {}, [] { FAIL("nobody holds it"); }));
  CHECK(entries(scratch).find(path_a) == std::string::npos);
}
