// Several processes, killed processes, full disks.
#include "catch.hh"
#include "errors.hh"
#include "local_fixture.hh"

#include <chrono>
#include <csignal>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include <fcntl.h>
#include <sched.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace cinch;
using namespace cinch::test;

namespace {

constexpr int child_threw = 99;
constexpr int child_skipped = 77;

// Runs `body` in a process of its own, which ends with what it returns.
pid_t start_child(const std::function<int()>& body) {
  const pid_t child = ::fork();
  if (child < 0) throw system_error(errno, "cannot start", "a child process");
  if (child != 0) return child;
  int status = child_threw;
  try {
    status = body();
  } catch (const std::exception&) {
    status = child_threw;
  }
  ::_exit(status);
}

int end_of(pid_t child) {
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

void add_many(LocalStore& store, int count) {
  for (int i = 0; i < count; ++i) {
    const PathInfo text = add_text(store, "t", "text " + std::to_string(i));
    const std::string nar = tree_nar(std::string(200'000, 'x') + std::to_string(i));
    StringSource source(nar);
    store.add_content({.name = "tree"}, source);
    add_text(store, "u", "text " + std::to_string(i), {text.path});
  }
}

void write_to(const char* file, const std::string& text) {
  const Descriptor descriptor(::open(file, O_WRONLY | O_CLOEXEC));
  DescriptorSink(descriptor.get(), file).write(as_bytes(text));
}

// Mounts a small file system that only this process sees; false if the system does not allow it.
bool mount_small(const std::string& directory, const char* options) {
  const uid_t user = ::geteuid();
  const gid_t group = ::getegid();
  if (::unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0) return false;
  write_to("/proc/self/setgroups", "deny");
  write_to("/proc/self/uid_map", "0 " + std::to_string(user) + " 1");
  write_to("/proc/self/gid_map", "0 " + std::to_string(group) + " 1");
  return ::mount("none", directory.c_str(), "tmpfs", 0, options) == 0;
}

int check_full_disk(const Scratch& scratch) {
  if (!mount_small(scratch.path(), "size=12m")) return child_skipped;
  const auto store = open_in(scratch);
  const auto add_large = [&] {
    const std::string nar = tree_nar(std::string(16'000'000, 'x'));
    StringSource source(nar);
    store->add_content({.name = "tree"}, source);
  };
  if (code_of(add_large) != Code::no_space) return 1;
  const std::string nar = tree_nar(std::string(16'000'000, 'y'));
  const auto add_nar = [&] {
    StringSource source(nar);
    store->add_nar(info_of(nar, path_a), source, SignaturePolicy::accept_unsigned);
  };
  if (code_of(add_nar) != Code::no_space) return 2;
  if (!entries(scratch).empty()) return 3;

  // Not even room for the database.
  const Descriptor filler(
      ::open(scratch.path("filler").c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
  const std::string block(4096, 'f');
  while (::write(filler.get(), block.data(), block.size()) > 0) {
  }
  if (code_of([&] { add_many(*store, 20); }) != Code::no_space) return 4;
  if (!store->verify({.check_contents = true}).problems.empty()) return 5;
  if (::ftruncate(filler.get(), 0) != 0) return 6;
  add_many(*store, 3);
  return store->verify({.check_contents = true}).problems.empty() ? 0 : 7;
}

}  // namespace

TEST_CASE("two processes make a store and add the same objects") {
  const Scratch scratch;
  const auto body = [&] {
    const auto store = open_in(scratch);
    add_many(*store, 10);
    return 0;
  };
  const pid_t first = start_child(body);
  const pid_t second = start_child(body);
  CHECK(end_of(first) == 0);
  CHECK(end_of(second) == 0);
  const auto store = open_in(scratch);
  CHECK(store->all_valid_paths().size() == 30);
  CHECK(store->verify({.check_contents = true}).problems.empty());
}

TEST_CASE("a killed process leaves nothing valid that is broken") {
  const Scratch scratch;
  for (int round = 0; round < 5; ++round) {
    const pid_t child = start_child([&] {
      const auto store = open_in(scratch);
      add_many(*store, 100'000);
      return 0;
    });
    std::this_thread::sleep_for(std::chrono::milliseconds(15 + 17 * round));
    ::kill(child, SIGKILL);
    CHECK(end_of(child) == 128 + SIGKILL);
    const auto store = open_in(scratch);
    const std::vector<VerifyProblem> problems = store->verify({.check_contents = true}).problems;
    INFO((problems.empty() ? "" : problems.front().message));
    CHECK(problems.empty());
  }
  const auto store = open_in(scratch);
  add_many(*store, 3);
  CHECK(store->verify({.check_contents = true}).problems.empty());
}

TEST_CASE("a full disk is an error that leaves nothing behind") {
  const Scratch scratch;
  const int status = end_of(start_child([&] { return check_full_disk(scratch); }));
  if (status == child_skipped) {
    WARN("SKIPPED: this system does not allow user namespaces");
    return;
  }
  CHECK(status == 0);
}

TEST_CASE("a collector that runs is told about new roots, all through one connection") {
  const Scratch scratch;
  const auto store = open_in(scratch);
  const Directory state = Directory::open(scratch.path("root/nix/var/nix"));
  // What a collector does: holds the lock, listens, answers each path.
  Descriptor lock = state.open_file("gc.lock", O_RDWR | O_CREAT, 0600);
  REQUIRE(::flock(lock.get(), LOCK_EX) == 0);
  state.make_directory("gc-socket", 0755);
  const Descriptor listener(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  struct sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  const std::string name = "/proc/self/fd/" + std::to_string(state.get()) + "/gc-socket/socket";
  name.copy(address.sun_path, sizeof address.sun_path - 1);
  REQUIRE(::bind(listener.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
  REQUIRE(::listen(listener.get(), 5) == 0);
  std::string received;
  {
    const std::jthread collector([&] {
      const Descriptor client(::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC));
      char byte;
      for (int lines = 0; lines < 3 && ::read(client.get(), &byte, 1) == 1;) {
        received += byte;
        if (byte != '\n') continue;
        ++lines;
        if (::write(client.get(), "1", 1) != 1) return;
      }
    });
    const std::vector<StorePath> paths{StorePath::parse(path_a), StorePath::parse(path_b)};
    store->add_temporary_roots(paths);
    store->add_temporary_roots(std::vector{StorePath::parse(path_c)});
  }
  CHECK(received ==
        "/nix/store/" + path_a + "\n/nix/store/" + path_b + "\n/nix/store/" + path_c + "\n");
  // It has hung up. The next root needs no answer: nobody collects any more.
  lock = Descriptor();
  store->add_temporary_roots(std::vector{StorePath::parse("3" + path_c.substr(1))});
}
