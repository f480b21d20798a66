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
  explicit HeldLocks(const Directory& objects) : objects_(objects) {}
  ~HeldLocks() override {
    for (auto lock = locks_.rbegin(); lock != locks_.rend(); ++lock) {
      // Failing to do either leaves an empty file, which the next holder takes over.
      (void)::unlinkat(objects_.get(), lock->name.c_str(), 0);
      (void)::write(lock->descriptor.get(), "d", 1);
    }
  }

  void acquire(const StorePath& path, const std::stop_token& stop,
               const std::function<void()>& on_wait) {
    const std::string name = path.base_name() + ".lock";
    const std::string full_name = objects_.name_of(name);
    for (;;) {
      Descriptor file = objects_.open_file(name, O_RDWR | O_CREAT, 0600);
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
      if (status.st_size != 0 || status.st_nlink == 0) continue;
      locks_.push_back({name, std::move(file)});
      return;
    }
  }

 private:
  struct Held {
    std::string name;
    Descriptor descriptor;
  };
  const Directory& objects_;
  std::vector<Held> locks_;
  bool waited_ = false;
};

}  // namespace

std::unique_ptr<PathLock> lock_paths(const Directory& objects, const StorePathSet& paths,
                                     const std::stop_token& stop,
                                     const std::function<void()>& on_wait) {
  auto locks = std::make_unique<HeldLocks>(objects);
  for (const StorePath& path : paths) locks->acquire(path, stop, on_wait);
  return locks;
}

}  // namespace cinch::local
