#include "file_lock.hh"

#include <cinch/core/error.hh>
#include <cinch/files/directory.hh>

#include <cerrno>
#include <chrono>
#include <iomanip>
#include <set>
#include <sstream>
#include <thread>

#include <sys/file.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

namespace cinch::local {

namespace {

constexpr unsigned poll_ms = 20;

constexpr std::uint64_t process_file_bytes_max = std::uint64_t{4} << 20;

// Of /proc; empty if it cannot be read, as when the process has ended.
std::string read_process_file(const std::string& directory, const char* name) {
  try {
    return Directory::open(directory).read_file(name, process_file_bytes_max).value_or("");
  } catch (const Error&) {
    return {};
  }
}

// As /proc/locks names a file.
std::string file_place(const struct stat& status) {
  std::ostringstream text;
  text << std::hex << std::setfill('0') << std::setw(2) << major(status.st_dev) << ':'
       << std::setw(2) << minor(status.st_dev) << ':' << std::dec << status.st_ino;
  return text.str();
}

bool change_lock(int descriptor, int operation, const std::string& subject) {
  while (::flock(descriptor, operation) != 0) {
    if (errno == EWOULDBLOCK) return false;
    if (errno != EINTR) throw system_error(errno, "cannot lock", subject);
  }
  return true;
}

}  // namespace

bool try_lock(int descriptor, LockKind kind, const std::string& subject) {
  return change_lock(descriptor, (kind == LockKind::shared ? LOCK_SH : LOCK_EX) | LOCK_NB, subject);
}

void lock_within(int descriptor, LockKind kind, const std::string& subject, unsigned wait_ms_max) {
  for (unsigned waited_ms = 0; !try_lock(descriptor, kind, subject); waited_ms += poll_ms) {
    if (waited_ms >= wait_ms_max) {
      throw Error(Code::busy, "another process has held the lock for " +
                                  std::to_string(wait_ms_max / 1000) + " seconds")
          .about(subject)
          .hint("find the process with 'fuser', or try again later")
          .retryable();
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(poll_ms));
  }
}

void unlock(int descriptor, const std::string& subject) {
  change_lock(descriptor, LOCK_UN, subject);
}

// Lines of /proc/locks are "1: FLOCK  ADVISORY  READ 123 fe:00:4711 0 EOF".
std::string lock_holders(int descriptor) {
  struct stat status;
  if (::fstat(descriptor, &status) != 0) return {};
  const std::string place = file_place(status);
  std::set<std::string> holders;
  std::istringstream lines(read_process_file("/proc", "locks"));
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    std::string number, kind, mode, access, process, file;
    words >> number >> kind >> mode >> access >> process >> file;
    if (kind == "FLOCK" && file == place) holders.insert(process);
  }
  std::string text;
  for (const std::string& process : holders) {
    std::string name = read_process_file("/proc/" + process, "comm");
    while (name.ends_with('\n')) name.pop_back();
    text += (text.empty() ? "" : ", ") + (name.empty() ? "process" : name) + " (" + process + ")";
  }
  return text;
}

}  // namespace cinch::local
