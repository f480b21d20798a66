// What the machine's stop may have damaged is looked at again. That it stopped is what these tests
// pretend: they change the name of the start that the store remembers.
#include "catch.hh"
#include "local_fixture.hh"
#include "sql.hh"

#include <fstream>
#include <string>

#include <sys/stat.h>

using namespace cinch;
using namespace cinch::test;

namespace {

void change_mark(const Scratch& scratch, const std::string& sql) {
  REQUIRE(first_value(own_database_of(scratch), sql + "; select changes()") == "1");
}

void pretend_stop(const Scratch& scratch) {
  change_mark(scratch, "update Durability set bootId = 'another'");
}

// As a disk that lost the last blocks.
void damage(const std::string& file) {
  REQUIRE(::chmod(file.c_str(), 0644) == 0);
  std::ofstream(file).close();
}

// Three texts, of which the second refers to the first; the first is damaged.
struct Damaged {
  Damaged() {
    const auto store = open_in(scratch);
    first = add_text(*store, "first", "1").path;
    second = add_text(*store, "second", "2", {first}).path;
    third = add_text(*store, "third", "3").path;
    damage(store->real_path(first));
  }
  Scratch scratch;
  StorePath first = StorePath::parse(path_a);
  StorePath second = first;
  StorePath third = first;
};

}  // namespace

TEST_CASE("after the machine has stopped, what is damaged is not valid any more") {
  const Damaged damaged;
  pretend_stop(damaged.scratch);
  {
    const auto store = open_in(damaged.scratch);
    StorePathSet lost;
    for (const LostPath& path : store->lost_paths()) lost.insert(path.path);
    CHECK(lost == StorePathSet{damaged.first, damaged.second});
    CHECK(store->all_valid_paths() == StorePathSet{damaged.third});
    // What is made again takes the place of what is left.
    CHECK(add_text(*store, "first", "1").path == damaged.first);
    CHECK(store->verify({.check_contents = true}).problems.empty());
  }
  CHECK(open_in(damaged.scratch)->lost_paths().empty());
}

TEST_CASE("nothing is looked at again without need") {
  const Damaged damaged;
  SECTION("while the machine runs") {}
  SECTION("what is known to be on disk") {
    pretend_stop(damaged.scratch);
    change_mark(damaged.scratch, "update Durability set lastId = 1000");
  }
  SECTION("by one who cannot mend it") {
    pretend_stop(damaged.scratch);
    CHECK(open_in(damaged.scratch, {.read_only = true})->lost_paths().empty());
    change_mark(damaged.scratch, "update Durability set lastId = 1000");
  }
  const auto store = open_in(damaged.scratch);
  CHECK(store->lost_paths().empty());
  CHECK(store->all_valid_paths().size() == 3);
}

TEST_CASE("a store whose own database is damaged works as if it had none") {
  const Damaged damaged;
  damage(own_database_of(damaged.scratch));
  std::ofstream(own_database_of(damaged.scratch)) << "no database at all";
  const auto store = open_in(damaged.scratch);
  CHECK(store->lost_paths().empty());
  CHECK(store->is_valid(add_text(*store, "fourth", "4").path));
}
