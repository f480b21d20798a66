#include "catch.hh"
#include "errors.hh"
#include "scratch.hh"

#include <cinch/files/directory.hh>

#include <string>

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

using namespace cinch;
using test::code_of;
using test::Scratch;

TEST_CASE("names with a way out are refused") {
  const Scratch scratch;
  const Directory directory = scratch.directory();
  for (const std::string name : {"", ".", "..", "a/b", "/etc", "../x"}) {
    CAPTURE(name);
    CHECK(code_of([&] { check_component(name); }) == Code::invalid_argument);
    CHECK(code_of([&] { directory.open_file(name, O_RDONLY); }) == Code::invalid_argument);
    CHECK(code_of([&] { directory.make_directory(name, 0755); }) == Code::invalid_argument);
    CHECK(code_of([&] { directory.stat(name); }) == Code::invalid_argument);
    CHECK(code_of([&] { directory.remove_tree(name); }) == Code::invalid_argument);
    CHECK(code_of([&] { directory.rename("a", directory, name); }) == Code::invalid_argument);
  }
  CHECK(code_of([] { check_component(std::string_view("a\0b", 3)); }) == Code::invalid_argument);
}

TEST_CASE("a symlink is not followed") {
  const Scratch scratch;
  const Directory directory = scratch.directory();
  directory.make_directory("real", 0755).write_file("inside", "x", 0644);
  directory.make_symlink("real", "link");
  directory.make_symlink("real/inside", "file-link");
  CHECK_THROWS_AS(directory.open_directory("link"), Error);
  CHECK_THROWS_AS(directory.open_file("file-link", O_RDONLY), Error);
  CHECK_THROWS_AS(directory.open_file("file-link", O_WRONLY | O_CREAT, 0644), Error);
  CHECK_THROWS_AS(directory.read_file("file-link", 10), Error);
  CHECK(directory.read_symlink("link") == "real");
  CHECK(S_ISLNK(directory.stat("link")->st_mode));
  directory.remove_tree("link");
  CHECK_FALSE(directory.stat("link"));
  CHECK(directory.open_directory("real").read_file("inside", 10) == "x");
}

TEST_CASE("files are read and replaced whole") {
  const Scratch scratch;
  const Directory directory = scratch.directory();
  CHECK_FALSE(directory.read_file("a", 10));
  directory.write_file("a", "one", 0600);
  directory.write_file("a", "three", 0644);
  CHECK(directory.read_file("a", 5) == "three");
  CHECK(code_of([&] { directory.read_file("a", 4); }) == Code::limit_exceeded);
  CHECK(directory.list().size() == 1);
}

TEST_CASE("a listing is sorted and typed") {
  const Scratch scratch;
  const Directory directory = scratch.directory();
  directory.make_directory("b", 0755);
  directory.write_file("a-", "", 0644);
  directory.write_file("a", "", 0644);
  directory.make_symlink("nowhere", "B");
  const std::vector<DirectoryEntry> entries = directory.list();
  REQUIRE(entries.size() == 4);
  CHECK((entries[0].name == "B" && entries[0].type == DT_LNK));
  CHECK((entries[1].name == "a" && entries[1].type == DT_REG));
  CHECK(entries[2].name == "a-");
  CHECK((entries[3].name == "b" && entries[3].type == DT_DIR));
  CHECK(directory.list().size() == 4);
}

TEST_CASE("creating a directory makes its parents") {
  const Scratch scratch;
  const Directory made = Directory::create(scratch.path("a/b/c"), 0755);
  made.write_file("x", "y", 0644);
  CHECK(Directory::create(scratch.path("a/b/c"), 0755).read_file("x", 10) == "y");
  CHECK(code_of([&] { Directory::open(scratch.path("none")); }) == Code::not_found);
  CHECK_THROWS_AS(Directory::create(scratch.path("a/b/c/x/y"), 0755), Error);
}

TEST_CASE("removing a tree") {
  const Scratch scratch;
  const Directory directory = scratch.directory();

  SECTION("of nothing is fine") { CHECK(directory.remove_tree("none").entries == 0); }
  SECTION("counts what is freed, without files that live on elsewhere") {
    const Directory tree = directory.make_directory("tree", 0755);
    tree.write_file("own", std::string(100'000, 'x'), 0644);
    directory.write_file("kept", std::string(1'000'000, 'x'), 0644);
    REQUIRE(::linkat(directory.get(), "kept", tree.get(), "shared", 0) == 0);
    const RemovedTree removed = directory.remove_tree("tree");
    CHECK(removed.entries == 3);
    CHECK(removed.bytes >= 100'000);
    CHECK(removed.bytes < 900'000);
    CHECK_FALSE(directory.stat("tree"));
    CHECK(directory.stat("kept")->st_size == 1'000'000);
  }
  SECTION("leaves what symlinks point to") {
    directory.make_directory("outside", 0755).write_file("file", "x", 0644);
    directory.make_directory("tree", 0755).make_symlink("../outside", "link");
    directory.remove_tree("tree");
    CHECK(directory.open_directory("outside").read_file("file", 10) == "x");
  }
  SECTION("gets through directories without permissions") {
    const Directory tree = directory.make_directory("tree", 0755);
    tree.make_directory("locked", 0755).write_file("file", "x", 0644);
    tree.make_directory("read-only", 0755).write_file("file", "x", 0644);
    REQUIRE(::fchmodat(tree.get(), "locked", 0, 0) == 0);
    REQUIRE(::fchmodat(tree.get(), "read-only", 0555, 0) == 0);
    REQUIRE(::fchmodat(directory.get(), "tree", 0555, 0) == 0);
    directory.remove_tree("tree");
    CHECK_FALSE(directory.stat("tree"));
  }
  SECTION("gets to the bottom of any depth") {
    Directory inner = directory.make_directory("tree", 0755);
    for (int depth = 0; depth < 1000; ++depth) {
      inner.write_file("file", "x", 0644);
      inner = inner.make_directory("d", 0755);
    }
    directory.remove_tree("tree");
    CHECK(directory.list().empty());
  }
}
