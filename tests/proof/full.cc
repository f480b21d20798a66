// Fills the disk so that an operation finds a little more room each time, and looks at what comes
// of it:
//   proof-full [--step PAGES] [--seed S]
// The disk is a small one in memory, of a mount namespace.
#include "program.hh"
#include "scratch.hh"
#include "workload.hh"

#include <cinch/core/error.hh>
#include <cinch/files/descriptor.hh>
#include <cinch/files/directory.hh>

#include <cerrno>
#include <iostream>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/statvfs.h>
#include <unistd.h>

namespace cinch::proof {
namespace {

constexpr int skipped = 77;
constexpr std::uint64_t page_bytes = 4096;

void write_to(const char* file, const std::string& text) {
  const Descriptor descriptor(::open(file, O_WRONLY | O_CLOEXEC));
  DescriptorSink(descriptor.get(), file).write(as_bytes(text));
}

// False if the system does not allow it.
bool mount_small(const std::string& folder) {
  if (::geteuid() == 0) {
    if (::unshare(CLONE_NEWNS) != 0) return false;
    if (::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) return false;
  } else {
    const std::string user = std::to_string(::geteuid());
    const std::string group = std::to_string(::getegid());
    if (::unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0) return false;
    write_to("/proc/self/setgroups", "deny");
    write_to("/proc/self/uid_map", "0 " + user + " 1");
    write_to("/proc/self/gid_map", "0 " + group + " 1");
  }
  return ::mount("none", folder.c_str(), "tmpfs", 0, "size=64m") == 0;
}

class Filler {
 public:
  Filler(const test::Scratch& scratch, std::uint64_t room_bytes)
      : file_(::open(scratch.path("filler").c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600)) {
    struct statvfs status;
    if (!file_ || ::fstatvfs(file_.get(), &status) != 0) {
      throw system_error(errno, "cannot fill", scratch.path());
    }
    const std::uint64_t free_bytes = status.f_bavail * status.f_frsize;
    if (free_bytes <= room_bytes) return;
    const auto size = static_cast<off_t>(free_bytes - room_bytes);
    if (const int error = ::posix_fallocate(file_.get(), 0, size)) {
      throw system_error(error, "cannot fill", scratch.path());
    }
  }
  Filler(const Filler&) = delete;
  Filler& operator=(const Filler&) = delete;
  ~Filler() { (void)!::ftruncate(file_.get(), 0); }

 private:
  Descriptor file_;
};

class FullDisks {
 public:
  explicit FullDisks(const Arguments& arguments)
      : step_bytes_(arguments.count * page_bytes), random_(arguments.seed) {}

  int run() {
    if (!mount_small(scratch_.path())) {
      std::cout << "skipped: this system does not allow namespaces\n";
      return skipped;
    }
    for (const auto& operation : Workload::operations()) {
      constexpr int enough = 3;
      int refused = 0;
      std::uint64_t room_bytes = random_() % step_bytes_;
      for (int succeeded = 0; succeeded < enough; room_bytes += step_bytes_) {
        const bool done = trial(operation.name, room_bytes);
        succeeded = done ? succeeded + 1 : 0;
        refused += done ? 0 : 1;
      }
      std::cout << "# " << operation.name << ": " << refused << " times no room" << std::endl;
    }
    std::cout << (problems_ ? "not ok\n" : "ok: no full disk does harm\n");
    return problems_ ? 1 : 0;
  }

 private:
  LocalStoreOptions options() const {
    LocalStoreOptions options;
    options.root = scratch_.path("root");
    return options;
  }

  // Whether there was room enough.
  bool trial(std::string_view operation, std::uint64_t room_bytes) {
    std::optional<Error> error;
    std::vector<std::string> found;
    {
      const auto store = LocalStore::open(options());
      Workload workload(*store, scratch_.path("links"), random_(), promises_);
      constexpr std::size_t roots_max = 6;
      while (promises_.held().size() > roots_max) workload.remove_root();
      for (const char* step : {"add an object", "add text", "add a root", "import"}) {
        workload.run(step);
      }
      try {
        const Filler filler(scratch_, room_bytes);
        workload.run(operation);
      } catch (const Error& thrown) {
        error = thrown;
      }
      found = find_damage(*store, &promises_);
      workload.run("add a tree");
    }
    if (error && error->code() != Code::no_space) found.emplace_back(error->what());
    const auto store = LocalStore::open(options());
    const auto elsewhere = open_elsewhere(scratch_.path("links"));
    for (std::string& one : find_damage(*store, &promises_, elsewhere.get())) {
      found.push_back(std::move(one));
    }
    store->collect_garbage({});
    for (std::string& one : find_litter(*store, scratch_.path("root/nix/store"))) {
      found.push_back("litter: " + one);
    }
    for (const std::string& one : found) {
      ++problems_;
      std::cout << "not ok: " << operation << " with room for " << room_bytes << " bytes: " << one
                << '\n';
    }
    scratch_.directory().open_directory("links").remove_tree("elsewhere");
    return !error;
  }

  std::uint64_t step_bytes_;
  std::mt19937_64 random_;
  Promises& promises_ = Promises::share();
  test::Scratch scratch_;
  std::uint64_t problems_ = 0;
};

}  // namespace
}  // namespace cinch::proof

int main(int count, char** words) {
  using cinch::proof::Arguments;
  return cinch::proof::run_main(
      count, words, {.option = "--step", .count = 3}, [](const Arguments& arguments) {
        std::cout << "# --step " << arguments.count << " --seed " << arguments.seed << std::endl;
        return cinch::proof::FullDisks(arguments).run();
      });
}
