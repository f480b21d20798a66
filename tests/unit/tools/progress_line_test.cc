#include "progress_line.hh"

#include "console.hh"
#include "scratch.hh"
#include "tree_count.hh"

#include <cinch/files/directory.hh>

#include <string>
#include <thread>

#include <catch.hh>
#include <unistd.h>

namespace cinch::cli {

using namespace std::chrono_literals;

TEST_CASE("progress says how much, how fast and how long still") {
  const auto text = [](const Progress& progress, std::chrono::milliseconds elapsed = 2s) {
    return progress_text("copying", "paths", progress, elapsed);
  };
  CHECK(text({}) == "copying");
  CHECK(text({.items_done = 4, .items_expected = 10}) == "copying: 4/10 paths, 2/s, 0:03 left");
  CHECK(text({.items_done = 4}) == "copying: 4 paths, 2/s");
  CHECK(text({.items_done = 10, .items_expected = 10}) == "copying: 10/10 paths, 5/s");
  CHECK(text({.items_expected = 10}) == "copying: 0/10 paths");
  CHECK(text({.items_done = 1,
              .items_expected = 3,
              .bytes_done = 2048,
              .bytes_expected = std::uint64_t{4} << 20}) ==
        "copying: 1/3 paths, 2.0K/4.0M, 1.0K/s, 1:08:14 left");
  CHECK(text({.items_done = 4, .items_expected = 10, .bytes_done = 2048}) ==
        "copying: 4/10 paths, 2.0K, 2/s, 0:03 left");
  CHECK(text({.bytes_done = 100}) == "copying: 100B, 50B/s");
  CHECK(text({.bytes_done = 100}, 0ms) == "copying: 100B");
  CHECK(text({.items_done = 1, .items_expected = 400}, 1s).ends_with(", 6:39 left"));
}

namespace {

// What a console writes.
class Written {
 public:
  explicit Written(ConsoleOptions options) {
    int ends[2];
    REQUIRE(::pipe(ends) == 0);
    read_end_ = Descriptor(ends[0]);
    write_end_ = Descriptor(ends[1]);
    options.descriptor = write_end_.get();
    console.configure(std::move(options));
  }
  std::string take() {
    write_end_ = Descriptor();
    DescriptorSource source(read_end_.get(), "pipe");
    return read_all(source, 1 << 16);
  }

  Console console;

 private:
  Descriptor read_end_;
  Descriptor write_end_;
};

}  // namespace

TEST_CASE("the status line is drawn, made way for, and taken away") {
  Written written({.format = LogFormat::bar, .terminal = true});
  written.console.show_line("copying: 1 paths");
  written.console.message(Verbosity::warn, "warning: a");
  written.console.show_line("");
  written.console.message(Verbosity::warn, "warning: b");
  CHECK(written.take() ==
        "copying: 1 paths\r\x1b[Kwarning: a\ncopying: 1 paths\r\x1b[Kwarning: b\n");
}

TEST_CASE("there is no status line where none is wanted") {
  const ConsoleOptions unwanted[] = {
      {.format = LogFormat::raw},
      {.verbosity = Verbosity::warn, .format = LogFormat::bar, .terminal = true}};
  for (const ConsoleOptions& options : unwanted) {
    Written written(options);
    written.console.show_line("copying: 1 paths");
    CHECK(written.take().empty());
  }
}

TEST_CASE("programs get an activity") {
  Written written({.format = LogFormat::internal_json});
  {
    ProgressLine line(written.console, {.doing = "copying", .activity = Activity::copy_paths});
    line.update({.items_done = 1, .items_expected = 2});
    written.console.progress_activity(2, 1, 2);
  }
  CHECK(written.take() ==
        "@nix {\"action\":\"start\",\"fields\":[],\"id\":2,\"level\":3,\"parent\":0,"
        "\"text\":\"copying\",\"type\":103}\n"
        "@nix {\"action\":\"result\",\"fields\":[1,2,1,0],\"id\":2,\"type\":105}\n"
        "@nix {\"action\":\"stop\",\"id\":2}\n");
}

TEST_CASE("a tree is counted for a line that is seen, and for no other") {
  const test::Scratch scratch;
  const Directory tree = scratch.directory().make_directory("tree", 0755);
  tree.write_file("large", std::string(3'000'000, 'x'), 0644);
  tree.make_directory("below", 0755).make_symlink("../large", "link");
  // What two lines say: when nothing is known yet, and when the tree was counted.
  const auto last_line = [&](ConsoleOptions options) {
    Written written(std::move(options));
    {
      ProgressLine line(written.console, {.doing = "adding", .items = "files"});
      const TreeCount expected(written.console, line, scratch.path("tree"));
      line.update({.items_done = 1, .bytes_done = 1'000'000});
      std::this_thread::sleep_for(3 * ProgressLine::quiet_time);
      line.add({.items_done = 1});
    }
    return written.take();
  };
  const std::string bar = last_line({.format = LogFormat::bar, .terminal = true});
  CHECK(bar.find("adding: 2/3 files, 976.6K/2.9M, ") != std::string::npos);
  CHECK(bar.find(" left") != std::string::npos);
  CHECK(last_line({.format = LogFormat::raw}).empty());
  const std::string json = last_line({.format = LogFormat::internal_json});
  CHECK(json.find("\"fields\":[2,3,1,0]") != std::string::npos);
}

TEST_CASE("a tree that is done soon is not counted, nor waited for") {
  const auto started = std::chrono::steady_clock::now();
  Written written({.format = LogFormat::bar, .terminal = true});
  {
    ProgressLine line(written.console, {.doing = "adding", .items = "files"});
    const TreeCount expected(written.console, line, "/");
    line.add({.items_done = 1, .bytes_done = 1});
  }
  CHECK(written.take().empty());
  CHECK(std::chrono::steady_clock::now() - started < 60s);
}

}  // namespace cinch::cli
