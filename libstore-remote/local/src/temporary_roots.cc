#include "temporary_roots.hh"

#include "file_lock.hh"
#include "garbage/collector_lock.hh"
#include "garbage/collector_socket.hh"

#include <cinch/core/error.hh>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <thread>
#include <vector>

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

namespace cinch::local {

namespace {

// Between one collector and the next, which is mostly no time at all.
constexpr auto retry_interval_min = std::chrono::milliseconds(1);
constexpr auto retry_interval_max = std::chrono::milliseconds(32);
constexpr int files_a_process_max = 10'000;
constexpr std::uint64_t roots_file_bytes_max = std::uint64_t{1} << 30;

// Gives up a flock(2) at the end of a scope; harmless if there is none.
struct Unlocker {
  int descriptor;
  ~Unlocker() { (void)::flock(descriptor, LOCK_UN); }
};

std::string read_roots_file(int descriptor, const std::string& full_name) {
  StringSink text(roots_file_bytes_max);
  DescriptorSource source(descriptor, full_name);
  copy_stream(source, text);
  return text.take();
}

// Calls `take` with each path of the store that stands in the file.
template <class Take>
void parse_roots(std::string_view text, const StoreDir& store_dir, Take take) {
  for (std::size_t start = 0; start < text.size();) {
    const std::size_t end = std::min(text.find('\0', start), text.size());
    if (auto path = store_dir.containing(text.substr(start, end - start))) {
      take(*std::move(path));
    }
    start = end + 1;
  }
}

// Empty if it is gone: its store was closed just now.
Descriptor open_if_there(const Directory& directory, const std::string& name) try {
  return directory.open_file(name, O_RDWR);
} catch (const Error& error) {
  if (error.code() != Code::not_found) throw;
  return {};
}

// The file of the process's first store, or that of a further one.
bool belongs_to(std::string_view file_name, const std::string& process) {
  return file_name == process || file_name.starts_with(process + "-");
}

}  // namespace

TemporaryRoots::TemporaryRoots(const Directory& state, StoreDir store_dir)
    : state_(state), store_dir_(std::move(store_dir)) {}

TemporaryRoots::~TemporaryRoots() {
  // An abandoned file does no harm: the collector sees that nobody locks it.
  if (file_) (void)::unlinkat(directory_->get(), file_name_.c_str(), 0);
}

void TemporaryRoots::add(std::span<const StorePath> paths) {
  const std::lock_guard guard(mutex_);
  std::vector<StorePath> fresh;
  std::string text;
  for (const StorePath& path : paths) {
    if (added_.contains(path)) continue;
    fresh.push_back(path);
    text += store_dir_.print(path);
    text += '\0';
  }
  if (fresh.empty()) return;
  if (!file_) open_file();
  // Written first: a collector that starts from now on reads it. Then either none runs, or the one
  // that does may have read the files before, and must be told directly.
  DescriptorSink(file_.get(), directory_->name_of(file_name_)).write(as_bytes(text));
  reach_collector(fresh);
  added_.insert(fresh.begin(), fresh.end());
}

void TemporaryRoots::confirm(const StorePath& path) {
  add({&path, 1});
  const std::lock_guard guard(mutex_);
  reach_collector({&path, 1});
}

// Until the one that runs knows them, or none does.
void TemporaryRoots::reach_collector(std::span<const StorePath> paths) {
  if (!collector_lock_) collector_lock_ = open_collector_lock(state_);
  const std::string lock_name = collector_lock_name(state_);
  auto interval = retry_interval_min;
  while (!try_lock(collector_lock_.get(), LockKind::shared, lock_name) && !tell_collector(paths)) {
    std::this_thread::sleep_for(interval);
    interval = std::min(2 * interval, retry_interval_max);
  }
  const Unlocker unlocker{collector_lock_.get()};
}

// The name begins with the process id, which is what other programs expect. Another store of this
// process may have that name already; then a number follows.
void TemporaryRoots::open_file() {
  directory_ = state_.open_directory("temproots");
  const std::string pid = std::to_string(::getpid());
  for (int number = 0; number < files_a_process_max;) {
    const std::string name = number == 0 ? pid : pid + "-" + std::to_string(number);
    Descriptor file = directory_->open_file(name, O_RDWR | O_CREAT, 0600);
    if (!try_lock(file.get(), LockKind::exclusive, directory_->name_of(name))) {
      ++number;
      continue;
    }
    struct stat status;
    if (::fstat(file.get(), &status) != 0) {
      throw system_error(errno, "cannot get status", directory_->name_of(name));
    }
    if (status.st_nlink == 0) continue;  // the collector removed it just now
    if (status.st_size == 0) {
      file_name_ = name;
      file_ = std::move(file);
      return;
    }
    // Left by a process that had the same number; marked and removed as the collector would.
    (void)::write(file.get(), "d", 1);
    directory_->unlink(name);
  }
  throw Error(Code::limit_exceeded, "too many stores are open in this process")
      .about(directory_->name());
}

// False: the collector is gone, try the lock again. The connection is kept: that of Nix 2.34 aborts
// if a client hangs up so soon that it has not taken note of it yet.
bool TemporaryRoots::tell_collector(std::span<const StorePath> paths) {
  if (!collector_) collector_ = connect_to_collector(state_);
  if (!collector_) return false;
  // Used again only if nothing went wrong: what comes next must not take the answer to this.
  Descriptor collector = std::move(collector_);
  for (const StorePath& path : paths) {
    if (!tell_collector(collector, path)) return false;
  }
  collector_ = std::move(collector);
  return true;
}

bool TemporaryRoots::tell_collector(const Descriptor& collector, const StorePath& path) {
  const std::string line = store_dir_.print(path) + "\n";
  for (std::size_t sent = 0; sent < line.size();) {
    const ssize_t count =
        ::send(collector.get(), line.data() + sent, line.size() - sent, MSG_NOSIGNAL);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0 && (errno == EPIPE || errno == ECONNRESET)) return false;
    if (count < 0) throw system_error(errno, "cannot write to the garbage collector", line);
    sent += static_cast<std::size_t>(count);
  }
  char answer = 0;
  ssize_t count;
  do {
    count = ::read(collector.get(), &answer, 1);
  } while (count < 0 && errno == EINTR);
  if (count == 0 || (count < 0 && errno == ECONNRESET)) return false;
  if (count < 0) throw system_error(errno, "cannot read from the garbage collector", line);
  if (answer == '1') return true;
  throw Error(Code::protocol, "the garbage collector gave an unknown answer")
      .about(collector_socket_name(state_));
}

std::vector<GarbageRoot> read_temporary_roots(const Directory& state, const StoreDir& store_dir) {
  std::vector<GarbageRoot> roots;
  const Directory directory = state.open_directory("temproots");
  for (const DirectoryEntry& entry : directory.list()) {
    if (entry.type != DT_REG) continue;
    const Descriptor file = open_if_there(directory, entry.name);
    if (!file) continue;
    if (try_lock(file.get(), LockKind::exclusive, directory.name_of(entry.name))) {
      // Nobody holds it. The mark is for those who opened it and wait for its lock.
      (void)!::write(file.get(), "d", 1);
      directory.remove_tree(entry.name);  // its process may have done so by now
      continue;
    }
    const std::string text = read_roots_file(file.get(), directory.name_of(entry.name));
    parse_roots(text, store_dir, [&](StorePath path) {
      roots.push_back({"{temp:" + entry.name + "}", std::move(path)});
    });
  }
  return roots;
}

RootsWritten find_temporary_roots(const Directory& state, const StoreDir& store_dir, pid_t process,
                                  StorePathSet paths) {
  const Directory directory = state.open_directory("temproots");
  RootsWritten result = RootsWritten::unknown;
  for (const DirectoryEntry& entry : directory.list()) {
    if (entry.type != DT_REG || !belongs_to(entry.name, std::to_string(process))) continue;
    const std::string full_name = directory.name_of(entry.name);
    const Descriptor file = open_if_there(directory, entry.name);
    if (!file) continue;
    // As read_temporary_roots() does: older versions of Nix, and Guix, hold but a shared lock.
    if (try_lock(file.get(), LockKind::exclusive, full_name)) continue;  // its process is gone
    result = RootsWritten::not_yet;
    parse_roots(read_roots_file(file.get(), full_name), store_dir,
                [&](const StorePath& path) { paths.erase(path); });
  }
  return paths.empty() ? RootsWritten::yes : result;
}

}  // namespace cinch::local
