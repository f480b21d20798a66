#include "catch.hh"
#include "errors.hh"
#include "local_fixture.hh"

#include <chrono>
#include <ctime>
#include <string>
#include <thread>
#include <vector>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

using namespace cinch;
using namespace cinch::test;

namespace {

StorePath add_tree(Store& store, const std::string& base_name, std::string_view text,
                   StorePathSet references = {}) {
  const std::string nar = tree_nar(text);
  StringSource source(nar);
  PathInfo info = info_of(nar, base_name);
  info.references = std::move(references);
  store.add_nar(info, source, SignaturePolicy::accept_unsigned);
  return info.path;
}

void damage(LocalStore& store, const StorePath& path, std::string_view text) {
  const std::string name = store.real_path(path) + "/bin/run";
  REQUIRE(::chmod(name.c_str(), 0755) == 0);
  const Descriptor file(::open(name.c_str(), O_WRONLY | O_CLOEXEC | O_TRUNC));
  DescriptorSink(file.get(), name).write(as_bytes(text));
  REQUIRE(::chmod(name.c_str(), 0555) == 0);
}

void remove_object(const Scratch& scratch, const StorePath& path) {
  Directory::open(scratch.path("root/nix/store")).remove_tree(path.base_name());
}

// Two stores: one that gets damaged, and one that has the same, whole.
struct Pair {
  explicit Pair(std::string_view text = "text") {
    for (LocalStore* store : {here.get(), there.get()}) {
      a = add_tree(*store, path_a, text);
      b = add_tree(*store, path_b, text, {a});
    }
  }
  VerifyReport repair() {
    return here->verify({.check_contents = true, .repair = true, .source = there.get()});
  }

  Scratch scratch;
  Scratch other_scratch;
  std::unique_ptr<LocalStore> here = open_in(scratch);
  std::unique_ptr<LocalStore> there = open_in(other_scratch);
  StorePath a = StorePath::parse(path_a);
  StorePath b = a;
};

}  // namespace

TEST_CASE(
    "verifying tells what is gone, changed, unreadable and open to all, and what is foreign") {
  const Scratch scratch;
  const auto store = open_in(scratch);
  const StorePath a = add_tree(*store, path_a, "text");
  const StorePath b = add_tree(*store, path_b, "text");
  const StorePath c = add_tree(*store, path_c, "text");
  const StorePath d = add_tree(*store, "33333333333333333333333333333333-d", "text");
  add_text(*store, "fine", "words");
  remove_object(scratch, a);
  damage(*store, b, "more");
  REQUIRE(::chmod((store->real_path(c) + "/bin").c_str(), 0777) == 0);
  REQUIRE(::mkfifo((store->real_path(d) + "/pipe").c_str(), 0600) == 0);
  Directory::open(scratch.path("root/nix/store")).write_file("notes", "mine", 0644);
  MaintenanceProgress last;
  const VerifyReport report = store->verify(
      {.check_contents = true}, [&](const MaintenanceProgress& progress) { last = progress; });
  REQUIRE(report.problems.size() == 4);
  CHECK(report.problems[0].path == a);
  CHECK(report.problems[0].kind == VerifyProblemKind::gone);
  CHECK(report.problems[1].kind == VerifyProblemKind::changed);
  CHECK(report.problems[2].kind == VerifyProblemKind::permissions);
  CHECK(report.problems[2].message.find("0777") != std::string::npos);
  CHECK(report.problems[2].message.find(store->real_path(c) + "/bin") != std::string::npos);
  CHECK(report.problems[3].kind == VerifyProblemKind::unreadable);
  for (const VerifyProblem& problem : report.problems) CHECK_FALSE(problem.solved);
  CHECK(report.unregistered == std::vector<std::string>{"notes"});
  CHECK(report.paths_checked == 4);
  CHECK(last.paths_done == 4);
  CHECK(last.paths_expected == 4);
  CHECK(last.bytes_done > 0);
  // Nothing was changed, and single paths may be asked about.
  CHECK(store->is_valid(a));
  CHECK(store->verify({.only = StorePathSet{a}}).problems.size() == 1);
  CHECK(store->verify({}).problems.size() == 1);
  CHECK(code_of([&] {
          store->verify({.only = StorePathSet{StorePath::parse("4" + path_a.substr(1))}});
        }) == Code::not_found);
}

TEST_CASE("what is gone is forgotten on request, unless something valid needs it") {
  const Scratch scratch;
  const auto store = open_in(scratch);
  const StorePath a = add_tree(*store, path_a, "text");
  const StorePath b = add_tree(*store, path_b, "text", {a});
  const StorePath c = add_tree(*store, path_c, "text", {b});
  remove_object(scratch, a);
  remove_object(scratch, b);
  VerifyReport report = store->verify({.forget_gone = true});
  REQUIRE(report.problems.size() == 2);
  CHECK_FALSE(report.problems[0].solved);
  CHECK(report.problems[0].message.find("valid paths refer to it") != std::string::npos);
  CHECK(store->all_valid_paths().size() == 3);
  remove_object(scratch, c);
  report = store->verify({.forget_gone = true});
  REQUIRE(report.problems.size() == 3);
  for (const VerifyProblem& problem : report.problems) CHECK(problem.solved);
  CHECK(store->all_valid_paths().empty());
  CHECK(store->verify({}).problems.empty());
  CHECK(entries(scratch).empty());  // no lock is left
}

TEST_CASE("damaged objects are replaced by those of another store") {
  Pair stores;
  damage(*stores.here, stores.a, "evil");
  remove_object(stores.scratch, stores.b);
  REQUIRE(stores.here->verify({.check_contents = true, .repair = true}).problems.size() == 2);
  const VerifyReport report = stores.repair();
  REQUIRE(report.problems.size() == 2);
  for (const VerifyProblem& problem : report.problems) {
    CAPTURE(problem.message);
    CHECK(problem.solved);
  }
  CHECK(stores.here->verify({.check_contents = true}).problems.empty());
  CHECK(nar_of(*stores.here, stores.a) == nar_of(*stores.there, stores.a));
  CHECK(entries(stores.scratch) == entries(stores.other_scratch));
}

TEST_CASE("permissions are repaired without another store") {
  Pair stores;
  REQUIRE(::chmod(stores.here->real_path(stores.a).c_str(), 0755) == 0);
  const VerifyReport report = stores.here->verify({.check_contents = true, .repair = true});
  REQUIRE(report.problems.size() == 1);
  CHECK(report.problems[0].solved);
  CHECK(stores.here->verify({.check_contents = true}).problems.empty());
}

TEST_CASE("a damaged link is broken, in the objects that have it and in the links") {
  Pair stores;
  stores.here->optimise();
  damage(*stores.here, stores.a, "evil");  // and with it the other
  VerifyReport report = stores.here->verify({.check_contents = true});
  CHECK(report.problems.size() == 2);
  CHECK(report.damaged_links.size() == 1);
  CHECK_FALSE(report.links_removed);
  SECTION("with the whole store") {
    report = stores.repair();
    CHECK(report.links_removed);
  }
  SECTION("with one object after the other") {
    for (const StorePath& path : {stores.a, stores.b}) {
      report = stores.here->verify({.only = StorePathSet{path},
                                    .check_contents = true,
                                    .repair = true,
                                    .source = stores.there.get()});
      REQUIRE(report.problems.size() == 1);
      CHECK(report.problems[0].solved);
    }
  }
  report = stores.here->verify({.check_contents = true});
  CHECK(report.problems.empty());
  CHECK(report.damaged_links.empty());
  stores.here->optimise();
  CHECK(stores.here->verify({.check_contents = true}).problems.empty());
}

TEST_CASE("an object is not replaced by another one") {
  Pair stores;
  damage(*stores.here, stores.a, "evil");
  SECTION("that the source says it is") {
    const Scratch third_scratch;
    const auto third = open_in(third_scratch);
    add_tree(*third, path_a, "other");
    const auto report =
        stores.here->verify({.check_contents = true, .repair = true, .source = third.get()});
    CHECK_FALSE(report.problems.at(0).solved);
    CHECK(report.problems.at(0).message.find("another object") != std::string::npos);
  }
  SECTION("that the source sends") {
    damage(*stores.there, stores.a, "lies");
    const VerifyReport report = stores.repair();
    CHECK_FALSE(report.problems.at(0).solved);
    CHECK(report.problems.at(0).message.find("another hash") != std::string::npos);
  }
  SECTION("that is longer") {
    damage(*stores.there, stores.a, std::string(1'000'000, 'x'));
    CHECK_FALSE(stores.repair().problems.at(0).solved);
  }
  SECTION("that the source does not have") {
    const Scratch third_scratch;
    const auto third = open_in(third_scratch);
    const auto report =
        stores.here->verify({.check_contents = true, .repair = true, .source = third.get()});
    CHECK(report.problems.at(0).message.find("does not have it either") != std::string::npos);
  }
  CHECK(nar_of(*stores.here, stores.a) == tree_nar("evil"));
  CHECK(entries(stores.scratch) == path_a + "\n" + path_b + "\n");
}

TEST_CASE("what was found intact lately is passed over") {
  const Scratch scratch;
  const auto store = open_in(scratch);
  const StorePath a = add_tree(*store, path_a, "text");
  const StorePath b = add_tree(*store, path_b, "text");
  damage(*store, b, "evil");
  const std::int64_t before = std::time(nullptr);
  VerifyReport report = store->verify({.check_contents = true, .intact_since = before});
  CHECK(report.paths_skipped == 0);
  CHECK(report.problems.size() == 1);
  damage(*store, a, "evil");
  report = store->verify({.check_contents = true, .intact_since = before});
  CHECK(report.paths_skipped == 1);
  CHECK(report.paths_checked == 1);
  CHECK(report.problems.size() == 1);
  // Too long ago.
  report = store->verify({.check_contents = true, .intact_since = std::time(nullptr) + 100});
  CHECK(report.paths_skipped == 0);
  CHECK(report.problems.size() == 2);
  // A read-only store knows what others found, and keeps nothing.
  const auto reader = open_in(scratch, {.read_only = true});
  report = reader->verify({.check_contents = true, .intact_since = before});
  CHECK(report.paths_checked == 2);
  CHECK(code_of([&] { reader->verify({.repair = true}); }) == Code::read_only);
  CHECK(code_of([&] { reader->verify({.forget_gone = true}); }) == Code::read_only);
}

TEST_CASE("verifying takes as long as the rate says, and stops when asked") {
  const Scratch scratch;
  const auto store = open_in(scratch);
  add_tree(*store, path_a, std::string(200'000, 'x'));
  const auto begin = std::chrono::steady_clock::now();
  CHECK(
      store->verify({.check_contents = true, .bytes_per_second_max = 1'000'000}).problems.empty());
  CHECK(std::chrono::steady_clock::now() - begin >= std::chrono::milliseconds(190));
  // At one byte a second it would take days.
  std::stop_source stop;
  const std::jthread stopper([&] { stop.request_stop(); });
  CHECK(code_of([&] {
          store->verify({.check_contents = true, .bytes_per_second_max = 1}, {}, stop.get_token());
        }) == Code::cancelled);
}
