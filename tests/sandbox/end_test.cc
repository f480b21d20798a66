// How builds end, and that nothing of them stays.
#include "catch.hh"
#include "errors.hh"
#include "own_process.hh"
#include "sandbox_fixture.hh"

#include <cinch/core/error.hh>

#include <chrono>
#include <csignal>
#include <fstream>
#include <functional>
#include <iterator>
#include <thread>
#include <vector>

#include <sched.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <unistd.h>

namespace cinch::test {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

std::size_t count_lines(const char* file) {
  std::ifstream stream(file);
  return static_cast<std::size_t>(std::count(std::istreambuf_iterator<char>(stream), {}, '\n'));
}

// Processes of this machine whose command line has this text.
std::size_t count_processes(const std::string& text) {
  std::size_t count = 0;
  for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
    std::ifstream stream(entry.path() / "cmdline");
    // By getline, which reads nothing, and throws nothing, of a process that has just ended.
    std::string command;
    for (std::string line; std::getline(stream, line);) command += line;
    if (command.find(text) != std::string::npos) ++count;
  }
  return count;
}

TEST_CASE("exit statuses and signals are told apart") {
  SandboxFixture sandbox;
  Ran failed = sandbox.run("echo last words; exit 3");
  CHECK(failed.build->end() == BuildEnd::exited);
  CHECK(failed.build->number() == 3);
  CHECK(failed.log == "last words\n");

  BuildRequest request = SandboxFixture::shell("");
  request.command = {"/probe", "crash"};
  Ran crashed = sandbox.run(request);
  CHECK(crashed.build->end() == BuildEnd::killed);
  CHECK(crashed.build->number() == SIGSEGV);
}

TEST_CASE("a builder that is not there is told from a sandbox that cannot be") {
  SandboxFixture sandbox;
  BuildRequest request = SandboxFixture::shell("");
  request.command = {"/nowhere/builder"};
  Ran ran = sandbox.run(request);
  CHECK(ran.build->end() == BuildEnd::failed_to_start);
  CHECK(ran.build->message() ==
        "cannot run the builder '/nowhere/builder' inside the sandbox: No such file or directory "
        "(it, or the interpreter it names, is neither an input nor among the sandbox-paths)");
}

TEST_CASE("outputs are read as NARs") {
  SandboxFixture sandbox;
  Ran ran = sandbox.run("mkdir $out; printf abc > $out/file; ln -s file $out/link");
  CHECK(ran.build->has_output("out"));
  StringSink expected(1 << 20);
  NarWriter writer(expected);
  writer.directory();
  writer.entry("file");
  writer.file(3, false);
  writer.contents(as_bytes("abc"));
  writer.leave();
  writer.entry("link");
  writer.symlink("file");
  writer.leave();
  writer.finish();
  CHECK(ran.nar("out") == expected.text());
  ran.build.reset();
  CHECK(sandbox.left_overs() == 0);
}

TEST_CASE("an output that nobody may read is read all the same") {
  SandboxFixture sandbox;
  Ran ran = sandbox.run("mkdir -p $out/d; echo a > $out/d/f; chmod 0 $out/d/f $out/d $out");
  CHECK(ran.nar("out").find("a\n") != std::string::npos);
  ran.build.reset();
  CHECK(sandbox.left_overs() == 0);
}

TEST_CASE("a build directory that cannot be made whole leaves nothing") {
  Scratch scratch;
  int status = in_a_process(
      [&] {
        if (!enter_namespaces(CLONE_NEWUSER | CLONE_NEWNS)) return 1;
        // Room for the directory itself and two in it.
        if (mount("tmpfs", scratch.path().c_str(), "tmpfs", 0, "nr_inodes=3,mode=0700") != 0)
          return 2;
        auto builder = make_linux_sandbox({.build_directory = scratch.path()});
        StringSink log(log_bytes_max_in_tests);
        auto error = error_of([&] { builder->run(SandboxFixture::shell("true"), log, {}); });
        if (!error || error->code() != Code::no_space) return 3;
        return Directory::open(scratch.path()).list().empty() ? 0 : 4;
      },
      [](pid_t) {});
  CHECK(status == 0);
}

TEST_CASE("a build that lacks descriptors leaves nothing") {
  SandboxFixture sandbox;
  int status = in_a_process(
      [&] {
        int failures = 0;
        const int lowest = dup(STDIN_FILENO);
        for (int more = 4; more < 16; ++more) {
          const rlim_t limit = static_cast<rlim_t>(lowest + more);
          rlimit few{limit, 4096};
          rlimit many{4096, 4096};
          if (setrlimit(RLIMIT_NOFILE, &few) != 0) return 1;
          if (error_of([&] { sandbox.run("true"); })) ++failures;
          if (setrlimit(RLIMIT_NOFILE, &many) != 0) return 2;
          if (sandbox.left_overs() != 0) return 100 + more;
        }
        return failures > 0 ? 0 : 3;
      },
      [](pid_t) {});
  CHECK(status == 0);
}

TEST_CASE("an output that is a symlink, or is missing") {
  SandboxFixture sandbox;
  Ran link = sandbox.run("ln -s /etc/passwd $out");
  CHECK(link.build->has_output("out"));
  CHECK(link.nar("out").find("/etc/passwd") != std::string::npos);
  Ran dangling = sandbox.run("ln -s nowhere $out");
  CHECK(dangling.build->has_output("out"));
  CHECK_FALSE(sandbox.run("true").build->has_output("out"));
}

TEST_CASE("an output with a socket or a pipe is refused") {
  SandboxFixture sandbox;
  Ran ran = sandbox.run("mkdir $out; /probe socket $out/s");
  REQUIRE(ran.build->has_output("out"));
  auto error = error_of([&] { ran.nar("out"); });
  REQUIRE(error);
  CHECK(error->code() == Code::build_failed);
  CHECK(std::string(error->what()).find("/s") != std::string::npos);
  CHECK(code_of([&] { sandbox.run("mkfifo $out").nar("out"); }) == Code::build_failed);
}

TEST_CASE("processes left behind end with the builder") {
  SandboxFixture sandbox;
  Ran ran = sandbox.run(
      "(setsid sh -c ': cinch-left-behind; while :; do echo late >> $out; sleep 0.01; done' &) ;"
      "sleep 0.1; echo end");
  CHECK(ran.log == "end\n");
  CHECK(count_processes("cinch-left-behind") == 0);
  std::string nar = ran.nar("out");
  std::this_thread::sleep_for(50ms);
  CHECK(ran.nar("out") == nar);
}

TEST_CASE("a build that takes too long is stopped") {
  SandboxFixture sandbox;
  BuildRequest request = SandboxFixture::shell("while :; do echo x; sleep 0.05; done");
  request.limits.time_max = 1s;
  Clock::time_point start = Clock::now();
  Ran ran = sandbox.run(request);
  CHECK(ran.build->end() == BuildEnd::timed_out);
  CHECK(Clock::now() - start >= 1s);
  CHECK(Clock::now() - start < 5s);
  CHECK(ran.log.starts_with("x\n"));
}

TEST_CASE("a build that prints nothing for too long is stopped") {
  SandboxFixture sandbox;
  BuildRequest request = SandboxFixture::shell(
      "for i in 1 2 3 4 5; do echo $i; sleep 0.3; done;"
      "sleep 100");
  request.limits.silent_time_max = 1s;
  Ran ran = sandbox.run(request);
  CHECK(ran.build->end() == BuildEnd::silent);
  CHECK(ran.log == "1\n2\n3\n4\n5\n");
}

TEST_CASE("a limit without end is no limit") {
  SandboxFixture sandbox;
  BuildRequest request = SandboxFixture::shell("echo fine");
  request.limits.time_max = std::chrono::seconds::max();
  request.limits.silent_time_max = std::chrono::seconds::max();
  CHECK(sandbox.run(request).log == "fine\n");
}

TEST_CASE("a build that prints too much is stopped") {
  SandboxFixture sandbox;
  BuildRequest request = SandboxFixture::shell("yes");
  request.limits.log_bytes_max = 1000;
  Ran ran = sandbox.run(request);
  CHECK(ran.build->end() == BuildEnd::log_limit);
  CHECK(ran.log.size() == 1000);
  request = SandboxFixture::shell("printf 12345");
  request.limits.log_bytes_max = 5;
  CHECK(sandbox.run(request).build->end() == BuildEnd::exited);
  request.limits.log_bytes_max = 4;
  CHECK(sandbox.run(request).build->end() == BuildEnd::log_limit);
}

TEST_CASE("a cancelled build leaves no process, no mount, no directory") {
  SandboxFixture sandbox;
  std::size_t mounts = count_lines("/proc/self/mountinfo");
  BuildRequest request = SandboxFixture::shell("");
  request.command = {"/probe", "multiply", "cinch-test-multiply"};
  std::stop_source stop;
  std::jthread stopper([&] {
    std::this_thread::sleep_for(100ms);
    stop.request_stop();
  });
  CHECK(code_of([&] { sandbox.run(request, stop.get_token()); }) == Code::cancelled);
  CHECK(count_processes("cinch-test-multiply") == 0);
  CHECK(count_lines("/proc/self/mountinfo") == mounts);
  CHECK(sandbox.left_overs() == 0);
  CHECK(code_of([&] { sandbox.run(request, stop.get_token()); }) == Code::cancelled);
}

TEST_CASE("a log that cannot be written ends the build") {
  SandboxFixture sandbox;
  StringSink tiny(10);
  CHECK(code_of([&] { sandbox.builder().run(SandboxFixture::shell("yes"), tiny, {}); }) ==
        Code::limit_exceeded);
  CHECK(sandbox.left_overs() == 0);
}

TEST_CASE("a kept build directory stays, behind a wall") {
  SandboxFixture sandbox;
  Ran ran = sandbox.run("echo evidence > file; mkdir $out; exit 1");
  std::string kept = ran.build->keep();
  ran.build.reset();
  std::ifstream stream(kept + "/file");
  CHECK(std::string{std::istreambuf_iterator<char>(stream), {}} == "evidence\n");
  CHECK(std::filesystem::status(std::filesystem::path(kept).parent_path()).permissions() ==
        std::filesystem::perms::owner_all);
  CHECK_FALSE(std::filesystem::exists(std::filesystem::path(kept).parent_path() / "store"));
}

TEST_CASE("builds run beside each other") {
  SandboxFixture sandbox;
  std::vector<std::jthread> threads;
  std::vector<std::string> logs(4);
  for (std::string& log : logs) {
    threads.emplace_back([&] { log = sandbox.run("sleep 0.5; echo $$ > /tmp/x; cat /tmp/x").log; });
  }
  threads.clear();
  for (const std::string& log : logs) CHECK(log == "1\n");
}

TEST_CASE("what the host ignores or blocks, a builder does not") {
  SandboxFixture sandbox;
  auto before = std::signal(SIGPIPE, SIG_IGN);  // tidy: signal-handler, it is what is tested
  std::string status = sandbox.run("cat /proc/self/status").facts()["SigIgn:"];
  std::signal(SIGPIPE, before);  // tidy: signal-handler, as above
  CHECK(status == "0000000000000000");
}

bool eventually(const std::function<bool()>& holds) {
  for (int i = 0; i < 100; ++i) {
    if (holds()) return true;
    std::this_thread::sleep_for(50ms);
  }
  return false;
}

TEST_CASE("a builder ends when its host is killed") {
  SandboxFixture sandbox;
  BuildRequest request = SandboxFixture::shell("");
  request.command = {"/probe", "multiply", "cinch-test-orphan"};
  int status = in_a_process(
      [&] {
        sandbox.run(request);
        return 0;
      },
      [](pid_t host) {
        CHECK(eventually([] { return count_processes("cinch-test-orphan") >= 8; }));
        kill(host, SIGKILL);
      });
  CHECK(status == 128 + SIGKILL);
  CHECK(eventually([] { return count_processes("cinch-test-orphan") == 0; }));
}

TEST_CASE("where namespaces are forbidden, an error says so and what to do") {
  Scratch scratch;
  int status = in_a_process(
      [&] {
        if (!enter_namespaces(CLONE_NEWUSER)) return 1;
        if (!write_text("/proc/sys/user/max_user_namespaces", "0")) return 3;
        auto error = error_of([&] { make_linux_sandbox({.build_directory = scratch.path()}); });
        if (!error || error->code() != Code::sandbox_unavailable) return 4;
        return error->hint().find("user.max_user_namespaces") != std::string::npos ? 0 : 5;
      },
      [](pid_t) {});
  CHECK(status == 0);
}

TEST_CASE("a world-writable build directory is refused") {
  Scratch scratch;
  std::filesystem::permissions(scratch.path(), std::filesystem::perms::all);
  CHECK(code_of([&] { make_linux_sandbox({.build_directory = scratch.path()}); }) ==
        Code::invalid_argument);
}

TEST_CASE("a builder says which systems it can run") {
  Scratch scratch;
  auto builder = make_linux_sandbox({.build_directory = scratch.path(),
                                     .system = "x86_64-linux",
                                     .extra_platforms = {"i686-linux"}});
  CHECK(builder->supports("x86_64-linux"));
  CHECK(builder->supports("i686-linux"));
  CHECK_FALSE(builder->supports("aarch64-linux"));
}

}  // namespace
}  // namespace cinch::test
