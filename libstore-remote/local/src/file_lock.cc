#include "file_lock.hh"

#include <cinch/core/error.hh>

#include <cerrno>
#include <chrono>
#include <thread>

#include <sys/file.h>

namespace cinch::local {

namespace {

constexpr unsigned poll_ms = 20;

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

}  // namespace cinch::local
