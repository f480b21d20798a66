#include "catch.hh"
#include "errors.hh"
#include "local_fixture.hh"

#include <atomic>
#include <cstdint>
#include <cstdio>
#include <string>
#include <thread>
#include <vector>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

using namespace cinch;
using namespace cinch::test;

namespace {

StorePath add_tree(Store& store, const std::string& base_name, std::string_view text) {
  const std::string nar = tree_nar(text);
  StringSource source(nar);
  const PathInfo info = info_of(nar, base_name);
  store.add_nar(info, source, SignaturePolicy::accept_unsigned);
  return info.path;
}

struct stat status_of(const std::string& name) {
  struct stat status = {};
  REQUIRE(::lstat(name.c_str(), &status) == 0);
  return status;
}

std::vector<std::string> links_in(const Scratch& scratch) {
  std::vector<std::string> names;
  for (const DirectoryEntry& entry :
       Directory::open(scratch.path("root/nix/store/.links")).list()) {
    names.push_back(entry.name);
  }
  return names;
}

void write_over(const std::string& name, std::string_view text) {
  REQUIRE(::chmod(name.c_str(), 0644) == 0);
  const Descriptor file(::open(name.c_str(), O_WRONLY | O_CLOEXEC));
  DescriptorSink(file.get(), name).write(as_bytes(text));
  REQUIRE(::chmod(name.c_str(), 0555) == 0);
}

}  // namespace

TEST_CASE("files of the same content become one, and objects stay as they were") {
  const Scratch scratch;
  const auto store = open_in(scratch);
  const StorePath a = add_tree(*store, path_a, "same");
  const StorePath b = add_tree(*store, path_b, "same");
  const StorePath c = add_tree(*store, path_c, "diff");
  std::uint64_t told = 0;
  const OptimiseReport report =
      store->optimise([&](const MaintenanceProgress& progress) { told = progress.paths_done; });
  CHECK(told == 3);
  // One file, and the symlink of two objects.
  CHECK(report.files_linked == 3);
  CHECK(report.bytes_saved == 4 + 2 * std::string("bin/run").size());
  CHECK(report.files_skipped == 0);
  CHECK(report.damaged_links.empty());
  const auto file_of = [&](const StorePath& path) {
    return status_of(store->real_path(path) + "/bin/run");
  };
  CHECK(file_of(a).st_ino == file_of(b).st_ino);
  CHECK(file_of(a).st_nlink == 3);
  CHECK(file_of(c).st_nlink == 2);
  CHECK(links_in(scratch).size() == 3);
  CHECK(store->verify({.check_contents = true}).problems.empty());
  for (const StorePath& path : {a, b, c}) {
    for (const char* name : {"", "/bin"}) {
      const struct stat status = status_of(store->real_path(path) + name);
      CHECK((status.st_mode & 07777) == 0555);
      CHECK(status.st_mtime == 1);
    }
  }
  CHECK(entries(scratch) == ".links\n" + path_a + "\n" + path_b + "\n" + path_c + "\n");
  const OptimiseReport again = store->optimise();
  CHECK(again.files_linked == 0);
  CHECK(again.bytes_saved == 0);
}

TEST_CASE("a damaged link is removed, not spread") {
  const Scratch scratch;
  const auto store = open_in(scratch);
  const StorePath a = add_tree(*store, path_a, "same");
  REQUIRE(store->optimise().files_linked == 0);
  // The same length, so that only the content tells.
  write_over(store->real_path(a) + "/bin/run", "evil");
  const StorePath b = add_tree(*store, path_b, "same");
  const OptimiseReport report = store->optimise();
  CHECK(report.damaged_links.size() == 1);
  const auto problems = store->verify({.check_contents = true}).problems;
  REQUIRE(problems.size() == 1);
  CHECK(problems[0].path == a);
  const StorePath c = add_tree(*store, path_c, "same");
  CHECK(store->optimise().files_linked == 2);
  CHECK(status_of(store->real_path(b) + "/bin/run").st_ino ==
        status_of(store->real_path(c) + "/bin/run").st_ino);
  CHECK(store->verify({.check_contents = true}).problems.size() == 1);
}

TEST_CASE("a file that its owner may write is left alone") {
  const Scratch scratch;
  const auto store = open_in(scratch);
  const StorePath a = add_tree(*store, path_a, "same");
  add_tree(*store, path_b, "same");
  REQUIRE(::chmod((store->real_path(a) + "/bin/run").c_str(), 0755) == 0);
  CHECK(store->optimise().files_linked == 1);
  CHECK(status_of(store->real_path(a) + "/bin/run").st_nlink == 1);
}

TEST_CASE("a store may optimise what is added at once") {
  const Scratch scratch;
  const auto store = open_in(scratch, {.auto_optimise = true});
  const StorePath a = add_tree(*store, path_a, "same");
  const StorePath b = add_tree(*store, path_b, "same");
  CHECK(status_of(store->real_path(a) + "/bin/run").st_ino ==
        status_of(store->real_path(b) + "/bin/run").st_ino);
  // A file by itself lies in the store directory, which keeps its own mode and time.
  const PathInfo text = add_text(*store, "t", "words");
  CHECK(status_of(store->real_path(text.path)).st_nlink == 2);
  CHECK(store->optimise().files_linked == 0);
  CHECK(store->verify({.check_contents = true}).problems.empty());
}

TEST_CASE("links that no object uses go with the garbage, and count") {
  const Scratch scratch;
  {
    const auto store = open_in(scratch);
    add_tree(*store, path_a, std::string(100'000, 'x'));
    add_tree(*store, path_b, std::string(100'000, 'x'));
    store->optimise();
  }
  const Directory objects = Directory::open(scratch.path("root/nix/store"));
  // Left by a process that cannot be, and by this one, which may be at work.
  const std::string mine = ".tmp-link-" + std::to_string(::getpid()) + "-7";
  for (const std::string& name : {std::string(".tmp-link-999999999-1"), mine}) {
    objects.write_file(name, "x", 0444);
  }
  const auto store = open_in(scratch);
  const GarbageReport some =
      store->collect_garbage({.only = StorePathSet{StorePath::parse(path_a)}});
  CHECK(some.paths.size() == 1);
  CHECK(some.bytes < 100'000);
  CHECK(links_in(scratch).size() == 2);
  const GarbageReport rest = store->collect_garbage({});
  CHECK(rest.bytes >= 100'000);
  CHECK(rest.foreign.empty());
  CHECK(links_in(scratch).empty());
  CHECK(entries(scratch) == ".links\n" + mine + "\n");
}

TEST_CASE("optimising stops when asked, and refuses what it may not do") {
  const Scratch scratch;
  const auto store = open_in(scratch);
  add_tree(*store, path_a, "same");
  std::stop_source stop;
  stop.request_stop();
  CHECK(code_of([&] { store->optimise({}, stop.get_token()); }) == Code::cancelled);
  CHECK(code_of([&] { open_in(scratch, {.read_only = true})->optimise(); }) == Code::read_only);
}

TEST_CASE("two optimise, one adds and one collects on one store at once") {
  const Scratch scratch;
  const auto store = open_in(scratch);
  const auto name = [](int number) {
    return std::string(30, '0') + std::to_string(10 + number) + "-n";
  };
  for (int i = 0; i < 20; ++i) add_tree(*store, name(i), std::to_string(i % 3));
  std::atomic<int> failures = 0;
  const auto run = [&](auto work) {
    try {
      const auto mine = open_in(scratch);
      work(*mine);
    } catch (const Error& error) {
      ++failures;
      std::fputs(error.what(), stderr);
    }
  };
  const auto optimise = [](LocalStore& mine) {
    for (int round = 0; round < 5; ++round) mine.optimise();
  };
  {
    std::vector<std::jthread> threads;
    threads.emplace_back([&] { run(optimise); });
    threads.emplace_back([&] { run(optimise); });
    threads.emplace_back([&] {
      run([&](LocalStore& mine) {
        for (int i = 20; i < 60; ++i) add_tree(mine, name(i), std::to_string(i % 3));
      });
    });
    threads.emplace_back([&] {
      run([](LocalStore& mine) {
        for (int round = 0; round < 5; ++round) mine.collect_garbage({});
      });
    });
  }
  CHECK(failures == 0);
  CHECK(store->verify({.check_contents = true}).problems.empty());
  store->optimise();
  for (const StorePath& path : store->all_valid_paths()) {
    CHECK((status_of(store->real_path(path) + "/bin").st_mode & 07777) == 0555);
  }
}
