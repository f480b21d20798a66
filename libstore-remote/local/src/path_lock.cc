#include "path_lock.hh"

#include "file_lock.hh"

#include <cinch/core/cancellation.hh>
#include <cinch/core/error.hh>

#include <cerrno>
#include <chrono>
#include <string>
#include <thread>
#include <vector>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace cinch::local {

namespace {

constexpr auto poll_interval = std::chrono::milliseconds(50);

// A lock file lives only as long as it is held. Whoever removes one leaves a byte in it, so that
// those who wait on the removed inode know that they hold nothing, and begin anew.
class HeldLocks final : public PathLock {
 public:
  explicit HeldLocks(const Directory& directory) : directory_(directory) {}
  ~HeldLocks() override {
    for (auto lock = locks_.rbegin(); lock != locks_.rend(); ++lock) {
      // Failing leaves an empty file, which the next holder takes over.
      if (::unlinkat(directory_.get(), lock->name.c_str(), 0) != 0) continue;
      // The file system need not find room for a byte that nobody reads.
      (void)!::ftruncate(lock->descriptor.get(), 1);
    }
  }

  void acquire(const std::string& name, const std::stop_token& stop,
               const std::function<void()>& on_wait) {
    const std::string full_name = directory_.name_of(name);
    for (;;) {
      Descriptor file = directory_.open_file(name, O_RDWR | O_CREAT, 0600);
      while (!try_lock(file.get(), LockKind::exclusive, full_name)) {
        if (!waited_ && on_wait) on_wait();
        waited_ = true;
        check_cancelled(stop);
        std::this_thread::sleep_for(poll_interval);
      }
      struct stat status;
      if (::fstat(file.get(), &status) != 0) {
        throw system_error(errno, "cannot get status", full_name);
      }
      if (status.st_nlink == 0) continue;
      if (status.st_size != 0) {
        // Marked, but not removed: its holder, a Nix perhaps, could not do so.
        directory_.unlink(name);
        continue;
      }
      locks_.push_back({name, std::move(file)});
      return;
    }
  }

 private:
  struct Held {
    std::string name;
    Descriptor descriptor;
  };
  const Directory& directory_;
  std::vector<Held> locks_;
  bool waited_ = false;
};

}  // namespace

std::unique_ptr<PathLock> lock_paths(const Directory& objects, const StorePathSet& paths,
                                     const std::stop_token& stop,
                                     const std::function<void()>& on_wait) {
  auto locks = std::make_unique<HeldLocks>(objects);
  for (const StorePath& path : paths) {
    locks->acquire(path.base_name() + ".lock", stop, on_wait);
  }
  return locks;
}

std::unique_ptr<PathLock> lock_name(const Directory& directory, const std::string& name,
                                    const std::stop_token& stop) {
  auto locks = std::make_unique<HeldLocks>(directory);
  locks->acquire(name, stop, {});
  return locks;
}

}  // namespace cinch::local
