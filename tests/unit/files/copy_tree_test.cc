#include "catch.hh"
#include "errors.hh"
#include "scratch.hh"

#include <cinch/core/hash.hh>
#include <cinch/files/copy_tree.hh>

#include <filesystem>
#include <fstream>
#include <string>

#include <fcntl.h>
#include <sys/stat.h>

using namespace cinch;
using namespace cinch::test;

namespace {

void write(const std::string& name, const std::string& contents) {
  std::ofstream(name, std::ios::binary) << contents;
}

std::string nar_of(const std::string& name) {
  StringSink sink(64 << 20);
  dump_tree(name, sink);
  return sink.take();
}

}  // namespace

TEST_CASE("a copy is what was told of it") {
  const Scratch scratch;
  const std::string tree = scratch.path("tree");
  std::filesystem::create_directories(tree + "/sub/deeper");
  write(tree + "/empty", "");
  write(tree + "/sub/large", std::string(700'000, 'l'));
  write(tree + "/sub/deeper/program", "#!/bin/sh\n");
  std::filesystem::permissions(tree + "/sub/deeper/program", std::filesystem::perms::owner_all);
  std::filesystem::create_symlink("large", tree + "/sub/link");
  const Directory directory = scratch.directory();
  for (const std::string name : {"tree", "tree/sub/large", "tree/sub/link"}) {
    const std::size_t slash = name.rfind('/');
    const Directory parent = slash == name.npos
                                 ? scratch.directory()
                                 : Directory::open(scratch.path(name.substr(0, slash)));
    StringSink sink(64 << 20);
    NarWriter nar(sink);
    TreeWriter writer(directory, "copy", {.canonical = true});
    std::uint64_t bytes = 0;
    copy_tree(parent, name.substr(slash + 1), writer, nar,
              {.on_contents = [&](std::uint64_t count) { bytes += count; }, .stop = {}});
    nar.finish();
    CHECK(sink.text() == nar_of(scratch.path(name)));
    CHECK(sink.text() == nar_of(scratch.path("copy")));
    if (name == "tree") CHECK(bytes == 700'010);
    directory.remove_tree("copy");
  }
}

TEST_CASE("trees that cannot be copied leave nothing") {
  const Scratch scratch;
  std::filesystem::create_directory(scratch.path("tree"));
  write(scratch.path("tree/a"), "a");
  REQUIRE(::mkfifo(scratch.path("tree/pipe").c_str(), 0600) == 0);
  const Directory directory = scratch.directory();
  const auto copy = [&](const std::string& name, std::stop_token stop = {}) {
    Hasher hasher(HashAlgorithm::sha256);
    NarWriter nar(hasher);
    TreeWriter writer(directory, "copy");
    copy_tree(directory, name, writer, nar, {.on_contents = {}, .stop = std::move(stop)});
  };
  CHECK(code_of([&] { copy("tree"); }) == Code::not_supported);
  CHECK(code_of([&] { copy("nothing"); }) == Code::not_found);
  std::stop_source stop;
  stop.request_stop();
  CHECK(code_of([&] { copy("tree", stop.get_token()); }) == Code::cancelled);
  CHECK_FALSE(directory.stat("copy"));
}

TEST_CASE("a clone shares contents, or says that it cannot") {
  const Scratch scratch;
  write(scratch.path("original"), "contents");
  const Directory directory = scratch.directory();
  const Descriptor original = directory.open_file("original", O_RDONLY);
  TreeWriter writer(directory, "copy");
  writer.file(8, false);
  if (writer.clone_contents(original.get()) < 0) writer.contents(as_bytes("contents"));
  writer.leave();
  writer.finish();
  CHECK(directory.read_file("copy", 100) == "contents");
  TreeWriter shorter(directory, "shorter");
  shorter.file(7, false);
  // Either refuses what has another size.
  try {
    CHECK(shorter.clone_contents(original.get()) == -1);
  } catch (const Error& error) {
    CHECK(error.code() == Code::io);
  }
}
