#include "catch.hh"
#include "errors.hh"
#include "local_fixture.hh"

#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include <sqlite3.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

using namespace cinch;
using namespace cinch::test;

TEST_CASE("a store is created with what Nix expects to find") {
  const Scratch scratch;
  const auto store = open_in(scratch);
  const Directory state = Directory::open(scratch.path("root/nix/var/nix"));
  CHECK(state.open_directory("db").read_file("schema", 10) == "10");
  CHECK(state.open_directory("db").stat("reserved")->st_size == 8 << 20);
  for (const char* name : {"gcroots", "profiles", "temproots"}) CHECK(state.stat(name));
  CHECK(store->url() == "local?root=" + scratch.path("root"));
  CHECK(store->real_path(StorePath::parse(path_a)) == scratch.path("root/nix/store/" + path_a));
}

TEST_CASE("a store whose directories lie apart has a URL that says so") {
  const Scratch scratch;
  const LocalStoreOptions options{.store_dir = StoreDir(scratch.path("s t")),
                                  .state_dir = scratch.path("state"),
                                  .log_dir = scratch.path("log")};
  const auto store = LocalStore::open(options);
  std::string encoded = scratch.path("s%20t");
  CHECK(store->url() == "local?store=" + encoded + "&state=" + scratch.path("state") +
                            "&log=" + scratch.path("log"));
  CHECK(code_of([] { LocalStore::open({.root = "relative"}); }) == Code::invalid_argument);
}

TEST_CASE("what is not there is created only on request") {
  const Scratch scratch;
  CHECK(code_of([&] { open_in(scratch, {.create = false}); }) == Code::not_found);
  CHECK(code_of([&] { open_in(scratch, {.read_only = true}); }) == Code::not_found);
  CHECK(scratch.directory().list().empty());
  open_in(scratch);
  open_in(scratch, {.create = false});
}

TEST_CASE("many open a new store at once") {
  const Scratch scratch;
  std::atomic<int> opened = 0;
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 4; ++i) {
      threads.emplace_back([&, i] {
        const auto store = open_in(scratch);
        add_text(*store, "t" + std::to_string(i), "x");
        ++opened;
      });
    }
  }
  CHECK(opened == 4);
  CHECK(open_in(scratch)->all_valid_paths().size() == 4);
}

TEST_CASE("a schema that is not 10 is refused with the way out") {
  const Scratch scratch;
  open_in(scratch);
  const Directory db = Directory::open(scratch.path("root/nix/var/nix/db"));
  for (const std::string schema : {"9", "11"}) {
    db.write_file("schema", schema, 0644);
    const std::optional<Error> error = error_of([&] { open_in(scratch); });
    REQUIRE(error);
    CHECK(error->code() == Code::not_supported);
    CHECK(error->message().find("schema " + schema) != std::string::npos);
    CHECK_FALSE(error->hint().empty());
  }
  for (const std::string schema : {"", "ten"}) {
    db.write_file("schema", schema, 0644);
    CHECK(code_of([&] { open_in(scratch); }) == Code::corrupt);
  }
  db.write_file("schema", "10", 0644);
  db.write_file("db.sqlite", std::string(8192, 'x'), 0644);
  db.unlink("db.sqlite-wal");
  CHECK(code_of([&] { open_in(scratch); }) == Code::corrupt);
  db.unlink("db.sqlite");
  CHECK(code_of([&] { open_in(scratch); }) == Code::corrupt);
}

TEST_CASE("a read-only store answers and refuses") {
  const Scratch scratch;
  StorePath path = add_text(*open_in(scratch), "t", "text").path;
  const auto store = open_in(scratch, {.read_only = true});
  CHECK(store->is_valid(path));
  CHECK(nar_of(*store, path).size() > 4);
  CHECK(store->url().ends_with("&read-only=true"));
  store->add_temporary_roots(std::vector{path});
  CHECK(code_of([&] { add_text(*store, "t", "text"); }) == Code::read_only);
  CHECK(code_of([&] { store->stage(path); }) == Code::read_only);
  CHECK(code_of([&] { store->lock({path}, {}, {}); }) == Code::read_only);
  CHECK(code_of([&] { store->write_log(path); }) == Code::read_only);
  CHECK(code_of([&] { store->add_signatures(path, {}); }) == Code::read_only);
}

TEST_CASE("a database in use is an error that may pass") {
  const Scratch scratch;
  const auto store = open_in(scratch, {.busy_ms_max = 100});
  sqlite3* other = nullptr;
  REQUIRE(sqlite3_open(scratch.path("root/nix/var/nix/db/db.sqlite").c_str(), &other) == SQLITE_OK);
  REQUIRE(sqlite3_exec(other, "begin immediate", nullptr, nullptr, nullptr) == SQLITE_OK);
  const std::optional<Error> error = error_of([&] { add_text(*store, "t", "text"); });
  REQUIRE(error);
  CHECK(error->code() == Code::busy);
  CHECK(error->is_retryable());
  CHECK(store->all_valid_paths().empty());  // readers do not wait
  sqlite3_close(other);
  CHECK(entries(scratch).empty());
  add_text(*store, "t", "text");
}

TEST_CASE("build directories lie where nobody else can write") {
  const Scratch scratch;
  const auto store = open_in(scratch);
  const std::string directory = store->build_directory();
  CHECK(directory.ends_with("/root/nix/var/nix/builds"));
  struct stat status;
  REQUIRE(::stat(directory.c_str(), &status) == 0);
  CHECK((status.st_mode & 07777) == 0700);
  REQUIRE(::chmod(scratch.path("root/nix").c_str(), 0777) == 0);
  CHECK(code_of([&] { store->build_directory(); }) == Code::permission_denied);
}

TEST_CASE("temporary roots are files that the collector reads") {
  const Scratch scratch;
  const StorePath a = StorePath::parse(path_a);
  const StorePath b = StorePath::parse(path_b);
  const std::string pid = std::to_string(::getpid());
  const auto store = open_in(scratch);
  const Directory roots = Directory::open(scratch.path("root/nix/var/nix/temproots"));
  // Left by a process that had this number once.
  roots.write_file(pid, "old", 0600);
  store->add_temporary_roots(std::vector{a, b});
  store->add_temporary_roots(std::vector{b});
  const std::string expected = "/nix/store/" + path_a + '\0' + "/nix/store/" + path_b + '\0';
  CHECK(roots.read_file(pid, 1000) == expected);
  {
    const auto second = open_in(scratch);
    second->add_temporary_roots(std::vector{b});
    CHECK(roots.list().size() == 2);
    CHECK(roots.stat(pid + "-1"));
    const Descriptor file = roots.open_file(pid + "-1", 0);
    CHECK(::flock(file.get(), LOCK_EX | LOCK_NB) != 0);
  }
  CHECK(roots.list().size() == 1);
}

TEST_CASE("two threads may add one indirect root at once") {
  const Scratch scratch;
  const auto store = open_in(scratch);
  const auto roots = Directory::open(scratch.path("root/nix/var/nix/gcroots/auto"));
  std::atomic<int> failures = 0;
  const auto add_all = [&] {
    for (int i = 0; i < 300; ++i) {
      try {
        store->add_indirect_root(scratch.path("result-" + std::to_string(i)));
      } catch (const Error&) {
        ++failures;
      }
    }
  };
  {
    const std::jthread one(add_all);
    const std::jthread other(add_all);
  }
  CHECK(failures == 0);
  CHECK(roots.list().size() == 300);
}

TEST_CASE("an indirect root is a link to the link") {
  const Scratch scratch;
  const auto store = open_in(scratch);
  const std::string link = scratch.path("result");
  store->add_indirect_root(link);
  store->add_indirect_root(link);
  const Directory roots = Directory::open(scratch.path("root/nix/var/nix/gcroots/auto"));
  REQUIRE(roots.list().size() == 1);
  const std::string name = roots.list().front().name;
  CHECK(name == hash_bytes(HashAlgorithm::sha1, as_bytes(link)).digest_text(HashFormat::nix32));
  CHECK(roots.read_symlink(name) == link);
  CHECK(code_of([&] { store->add_indirect_root("result"); }) == Code::invalid_argument);
  CHECK(code_of([&] { store->add_indirect_root("/nix/store/" + path_a); }) ==
        Code::invalid_argument);
}
