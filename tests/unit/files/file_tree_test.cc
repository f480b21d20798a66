#include "catch.hh"
#include "errors.hh"
#include "scratch.hh"

#include <cinch/files/file_tree.hh>

#include <string>
#include <thread>
#include <vector>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

using namespace cinch;
using test::code_of;
using test::Scratch;

namespace {

// Writes events down, one a line; adjacent contents become one.
class Recorder final : public NarVisitor {
 public:
  void directory() override { text_ += "directory\n"; }
  void entry(std::string_view name) override { text_ += "entry " + std::string(name) + "\n"; }
  void file(std::uint64_t size_bytes, bool executable) override {
    text_ += (executable ? "executable " : "file ") + std::to_string(size_bytes) + "\n";
    contents_.clear();
    in_file_ = true;
  }
  void contents(Bytes bytes) override { contents_ += as_text(bytes); }
  void symlink(std::string_view target) override {
    text_ += "symlink " + std::string(target) + "\n";
  }
  void leave() override {
    if (in_file_ && contents_.size() < 100) text_ += contents_ + "\n";
    in_file_ = false;
    text_ += "leave\n";
  }
  const std::string& text() const { return text_; }
  const std::string& contents() const { return contents_; }  // of the last file

 private:
  std::string text_;
  std::string contents_;
  bool in_file_ = false;
};

std::string record(const std::string& full_name, const ReadTreeOptions& options = {}) {
  Recorder recorder;
  read_tree(full_name, recorder, options);
  return recorder.text();
}

void write_small_tree(NarVisitor& visitor) {
  visitor.directory();
  visitor.entry("bin");
  visitor.directory();
  visitor.entry("run");
  visitor.file(5, true);
  visitor.contents(as_bytes("he"));
  visitor.contents(as_bytes("llo"));
  visitor.leave();
  visitor.leave();
  visitor.entry("empty");
  visitor.file(0, false);
  visitor.leave();
  visitor.entry("link");
  visitor.symlink("bin/run");
  visitor.leave();
}

const std::string small_tree =
    "directory\nentry bin\ndirectory\nentry run\nexecutable 5\nhello\nleave\nleave\n"
    "entry empty\nfile 0\n\nleave\nentry link\nsymlink bin/run\nleave\n";

std::string pattern_bytes(std::size_t count) {
  std::string bytes(count, '\0');
  for (std::size_t i = 0; i < count; ++i) bytes[i] = static_cast<char>((i * 2654435761u) >> 13);
  return bytes;
}

}  // namespace

TEST_CASE("a tree that was written is the tree that is read") {
  const Scratch scratch;
  const Directory directory = scratch.directory();
  TreeWriter writer(directory, "tree");
  write_small_tree(writer);
  writer.finish();
  CHECK(record(scratch.path("tree")) == small_tree);
  CHECK(record(scratch.path("tree/")) == small_tree);
  CHECK(record(scratch.path("tree/.")) == small_tree);
  CHECK(record(scratch.path("tree/bin/..")) == small_tree);
  CHECK(record(scratch.path("tree/link")) == "symlink bin/run\n");
}

TEST_CASE("a tree may be one file or one symlink") {
  const Scratch scratch;
  const Directory directory = scratch.directory();
  TreeWriter file(directory, "file");
  file.file(2, false);
  file.contents(as_bytes("hi"));
  file.leave();
  file.finish();
  TreeWriter link(directory, "link");
  link.symlink("/nowhere");
  link.finish();
  CHECK(record(scratch.path("file")) == "file 2\nhi\nleave\n");
  CHECK(record(scratch.path("link")) == "symlink /nowhere\n");
}

TEST_CASE("canonical trees have fixed modes and times") {
  const Scratch scratch;
  const Directory directory = scratch.directory();
  TreeWriter writer(directory, "tree", {.canonical = true, .fsync = true});
  write_small_tree(writer);
  writer.finish();
  const Directory tree = directory.open_directory("tree");
  const auto check = [](const std::optional<struct stat>& status, mode_t mode) {
    REQUIRE(status);
    CHECK(status->st_mtim.tv_sec == 1);
    CHECK(status->st_mtim.tv_nsec == 0);
    if (!S_ISLNK(status->st_mode)) CHECK((status->st_mode & 07777) == mode);
  };
  check(directory.stat("tree"), 0555);
  check(tree.stat("bin"), 0555);
  check(tree.open_directory("bin").stat("run"), 0555);
  check(tree.stat("empty"), 0444);
  check(tree.stat("link"), 0);
}

TEST_CASE("a writer that does not finish leaves nothing") {
  const Scratch scratch;
  const Directory directory = scratch.directory();
  SECTION("in the middle of a file") {
    TreeWriter writer(directory, "tree", {.canonical = true});
    writer.directory();
    writer.entry("a");
    writer.file(10, false);
    writer.contents(as_bytes("12345"));
  }
  SECTION("complete, but not finished") {
    TreeWriter writer(directory, "tree", {.canonical = true});
    write_small_tree(writer);
  }
  SECTION("with wrong input") {
    TreeWriter writer(directory, "tree");
    writer.directory();
    CHECK(code_of([&] { writer.entry("../x"); }) == Code::invalid_argument);
    CHECK(code_of([&] { writer.file(1, false); }) == Code::invalid_argument);
    writer.entry("a");
    writer.file(1, false);
    CHECK(code_of([&] { writer.contents(as_bytes("12")); }) == Code::invalid_argument);
    CHECK(code_of([&] { writer.leave(); }) == Code::invalid_argument);
    CHECK(code_of([&] { writer.finish(); }) == Code::invalid_argument);
  }
  CHECK(directory.list().empty());
}

TEST_CASE("what exists already is neither followed nor removed") {
  const Scratch scratch;
  const Directory directory = scratch.directory();
  directory.make_directory("outside", 0755);
  directory.make_symlink("outside", "tree");
  {
    TreeWriter writer(directory, "tree");
    CHECK_THROWS_AS(writer.directory(), Error);
  }
  {
    TreeWriter writer(directory, "tree");
    CHECK_THROWS_AS(writer.file(1, false), Error);
  }
  CHECK(directory.read_symlink("tree") == "outside");

  SECTION("nor a symlink of the tree itself, reached by the same name twice") {
    TreeWriter writer(directory, "twice");
    writer.directory();
    writer.entry("a");
    writer.symlink("../outside");
    writer.entry("a");
    CHECK_THROWS_AS(writer.directory(), Error);
  }
  CHECK(directory.open_directory("outside").list().empty());
}

TEST_CASE("trees too deep are refused both ways") {
  const Scratch scratch;
  const Directory directory = scratch.directory();
  TreeWriter writer(directory, "tree");
  for (std::uint32_t depth = 0; depth < nar_depth_max; ++depth) {
    if (depth > 0) writer.entry("d");
    writer.directory();
  }
  writer.entry("d");
  CHECK(code_of([&] { writer.directory(); }) == Code::limit_exceeded);

  Directory inner = directory.make_directory("deep", 0755);
  for (std::uint32_t depth = 1; depth < nar_depth_max; ++depth) {
    inner = inner.make_directory("d", 0755);
  }
  record(scratch.path("deep"));
  inner.make_directory("d", 0755);
  CHECK(code_of([&] { record(scratch.path("deep")); }) == Code::limit_exceeded);
}

TEST_CASE("only files, directories and symlinks can be read") {
  const Scratch scratch;
  REQUIRE(::mkfifo(scratch.path("pipe").c_str(), 0600) == 0);
  try {
    record(scratch.path());
    FAIL("a pipe was accepted");
  } catch (const Error& error) {
    CHECK(error.code() == Code::not_supported);
    CHECK(error.subject() == scratch.path("pipe"));
  }
  CHECK(code_of([&] { record(scratch.path("none")); }) == Code::not_found);
  CHECK(code_of([&] { record(""); }) == Code::invalid_argument);
}

TEST_CASE("a filter leaves out entries") {
  const Scratch scratch;
  const Directory directory = scratch.directory();
  TreeWriter writer(directory, "tree");
  write_small_tree(writer);
  writer.finish();
  std::vector<std::string> asked;
  const ReadTreeOptions options{.filter = [&](std::string_view path) {
    asked.emplace_back(path);
    return path != "empty" && path != "bin/run";
  }};
  CHECK(record(scratch.path("tree"), options) ==
        "directory\nentry bin\ndirectory\nleave\nentry link\nsymlink bin/run\nleave\n");
  CHECK(asked == std::vector<std::string>{"bin", "bin/run", "empty", "link"});
}

TEST_CASE("two names that the file system takes for one are told by both names") {
  for (const int kind : {0, 1, 2}) {
    CAPTURE(kind);
    const Scratch scratch;
    const Directory directory = scratch.directory();
    TreeWriter writer(directory, "tree");
    writer.directory();
    writer.entry("A");
    writer.file(0, false);
    writer.leave();
    // What a file system that folds case would show.
    REQUIRE(::link(scratch.path("tree/A").c_str(), scratch.path("tree/a").c_str()) == 0);
    writer.entry("a");
    const auto error = test::error_of([&] {
      if (kind == 0) writer.file(0, false);
      if (kind == 1) writer.directory();
      if (kind == 2) writer.symlink("target");
    });
    REQUIRE(error);
    CHECK(error->code() == Code::not_supported);
    CHECK(error->message().find("cannot tell 'a' from 'A'") != std::string::npos);
    CHECK(error->subject() == scratch.path("tree/a"));
  }
  // Any other thing that lies there is no such case.
  const Scratch scratch;
  const Directory directory = scratch.directory();
  directory.write_file("tree", "", 0644);
  directory.write_file("other", "", 0644);
  TreeWriter writer(directory, "tree");
  CHECK(code_of([&] { writer.directory(); }) == Code::io);
}

TEST_CASE("large trees pass through two threads unchanged") {
  const Scratch scratch;
  const Directory directory = scratch.directory();
  const Directory tree = directory.make_directory("tree", 0755);
  const std::string large = pattern_bytes(5'000'000);
  tree.write_file("large", large, 0644);
  for (int i = 0; i < 300; ++i) tree.write_file("m" + std::to_string(i), "small", 0644);

  Recorder recorder;
  TreeWriter copy(directory, "copy");
  read_tree(directory, "tree", recorder, {.beside = &copy});
  copy.finish();
  CHECK(recorder.text() == record(scratch.path("copy")));
  CHECK(directory.open_directory("copy").read_file("large", 10'000'000) == large);
}

namespace {

class Failing final : public NarVisitor {
 public:
  void directory() override {}
  void entry(std::string_view) override {}
  void file(std::uint64_t, bool) override {}
  void contents(Bytes bytes) override {
    seen_ += bytes.size();
    if (seen_ > 1'500'000) throw Error(Code::no_space, "full");
  }
  void symlink(std::string_view) override {}
  void leave() override {}

 private:
  std::uint64_t seen_ = 0;
};

}  // namespace

TEST_CASE("failure and cancellation end both threads") {
  const Scratch scratch;
  const Directory directory = scratch.directory();
  directory.write_file("large", std::string(8'000'000, 'x'), 0644);
  Failing failing;
  CHECK(code_of([&] { read_tree(scratch.path("large"), failing); }) == Code::no_space);
  Failing beside;
  Recorder recorder;
  CHECK(code_of([&] { read_tree(directory, "large", recorder, {.beside = &beside}); }) ==
        Code::no_space);
  std::stop_source stop;
  stop.request_stop();
  CHECK(code_of([&] { record(scratch.path("large"), {.stop = stop.get_token()}); }) ==
        Code::cancelled);
}

TEST_CASE("a file that shrinks or grows while it is read is noticed") {
  const Scratch scratch;
  const Directory directory = scratch.directory();
  directory.write_file("file", "x", 0644);
  constexpr off_t size = 40'000'000;  // more than is read ahead
  REQUIRE(::truncate(scratch.path("file").c_str(), size) == 0);
  const int change = GENERATE(-1, 1);
  class Changer final : public NarVisitor {
   public:
    Changer(std::string name, int amount) : name_(std::move(name)), amount_(amount) {}
    void directory() override {}
    void entry(std::string_view) override {}
    void file(std::uint64_t, bool) override {
      REQUIRE(::truncate(name_.c_str(), size + amount_) == 0);
    }
    void contents(Bytes) override {}
    void symlink(std::string_view) override {}
    void leave() override {}

   private:
    std::string name_;
    int amount_;
  };
  // The file changes between the first piece and the rest.
  Changer changer(scratch.path("file"), change);
  CHECK(code_of([&] { read_tree(scratch.path("file"), changer, {.beside = nullptr}); }) ==
        Code::io);
}
