#include "running_build.hh"

#include <cinch/core/cancellation.hh>
#include <cinch/core/error.hh>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <optional>
#include <vector>

#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

namespace cinch::sandbox {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t log_buffer_bytes = 64 << 10;
// Longer limits mean the same as this one, and cannot overflow a point in time.
constexpr std::chrono::seconds time_max = std::chrono::hours(24 * 365 * 10);

// A descriptor that becomes readable when a stop is requested.
class StopDescriptor {
 public:
  explicit StopDescriptor(const std::stop_token& stop)
      : descriptor_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)), callback_(stop, Signal{*this}) {
    if (!descriptor_) throw system_error(errno, "cannot make an event descriptor", "");
  }
  int get() const { return descriptor_.get(); }

 private:
  struct Signal {
    StopDescriptor& owner;
    void operator()() const {
      std::uint64_t one = 1;
      // It cannot fail: the counter is never near its limit.
      [[maybe_unused]] ssize_t count = write(owner.descriptor_.get(), &one, sizeof one);
    }
  };
  Descriptor descriptor_;
  std::stop_callback<Signal> callback_;
};

// Kills the sandbox unless its end has been seen, so that an exception leaves no process.
class Guard {
 public:
  explicit Guard(const Process& process) : process_(process) {}
  Guard(const Guard&) = delete;
  Guard& operator=(const Guard&) = delete;
  ~Guard() {
    if (done_) return;
    try {
      kill_all(process_);
      wait_for(process_);
    } catch (const Error&) {
      // The error that led here is the one to report.
    }
  }
  ProcessEnd wait() {
    done_ = true;
    return wait_for(process_);
  }

 private:
  const Process& process_;
  bool done_ = false;
};

class Watch {
 public:
  Watch(const Process& process, const BuildLimits& limits, Sink& log, std::stop_token stop)
      : process_(process),
        limits_(limits),
        log_(log),
        stop_(std::move(stop)),
        stop_descriptor_(stop_),
        buffer_(log_buffer_bytes),
        started_(Clock::now()),
        last_output_(started_) {}

  WatchResult run(Guard& guard) {
    while (!poll_once()) {
    }
    if (early_end_) kill_all(process_);
    WatchResult result{BuildEnd::exited, guard.wait()};
    check_cancelled(stop_);
    drain_log();
    if (early_end_) {
      result.end = *early_end_;
    } else if (result.process.was_killed) {
      result.end = BuildEnd::killed;
    }
    return result;
  }

 private:
  // True when there is nothing more to wait for.
  bool poll_once() {
    std::array<pollfd, 3> wanted = {pollfd{process_.pidfd.get(), POLLIN, 0},
                                    pollfd{stop_descriptor_.get(), POLLIN, 0},
                                    pollfd{log_is_open_ ? process_.log.get() : -1, POLLIN, 0}};
    if (poll(wanted.data(), wanted.size(), milliseconds_left()) < 0 && errno != EINTR) {
      throw system_error(errno, "cannot wait for a builder", "");
    }
    check_cancelled(stop_);
    if (wanted[2].revents != 0) read_log();
    if (!early_end_) check_time();
    return early_end_ || wanted[0].revents != 0;
  }

  void read_log() {
    ssize_t count = read(process_.log.get(), buffer_.data(), buffer_.size());
    if (count < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (count < 0) throw system_error(errno, "cannot read a builder's output", "");
    if (count == 0) {
      log_is_open_ = false;
      return;
    }
    last_output_ = Clock::now();
    std::size_t size = static_cast<std::size_t>(count);
    if (limits_.log_bytes_max != 0 && size > limits_.log_bytes_max - log_bytes_) {
      size = limits_.log_bytes_max - log_bytes_;
      early_end_ = BuildEnd::log_limit;
    }
    log_bytes_ += size;
    if (size > 0) log_.write(Bytes(buffer_.data(), size));
    more_log_ = true;
  }

  // What was in the pipe when the last process of the build ended, and no more than fits into it: a
  // builder with network may have handed its end to a process outside, which could write for ever.
  void drain_log() {
    const int capacity = fcntl(process_.log.get(), F_GETPIPE_SZ);
    const std::uint64_t end = log_bytes_ + static_cast<std::uint64_t>(std::max(capacity, 0));
    do {
      more_log_ = false;
      if (log_is_open_) read_log();
    } while (more_log_ && log_bytes_ < end && early_end_ != BuildEnd::log_limit);
  }

  std::optional<Clock::time_point> deadline() const {
    std::optional<Clock::time_point> first;
    if (limits_.time_max.count() > 0) first = whole_deadline();
    if (limits_.silent_time_max.count() > 0) {
      Clock::time_point silent = last_output_ + std::min(limits_.silent_time_max, time_max);
      first = first ? std::min(*first, silent) : silent;
    }
    return first;
  }
  Clock::time_point whole_deadline() const {
    return started_ + std::min(limits_.time_max, time_max);
  }

  int milliseconds_left() const {
    using std::chrono::milliseconds;
    std::optional<Clock::time_point> until = deadline();
    if (!until) return -1;
    auto left = std::chrono::ceil<milliseconds>(*until - Clock::now());
    return static_cast<int>(
        std::clamp(left, milliseconds(0), milliseconds(std::chrono::hours(1))).count());
  }

  void check_time() {
    std::optional<Clock::time_point> until = deadline();
    if (!until || Clock::now() < *until) return;
    bool whole = limits_.time_max.count() > 0 && *until == whole_deadline();
    early_end_ = whole ? BuildEnd::timed_out : BuildEnd::silent;
  }

  const Process& process_;
  const BuildLimits& limits_;
  Sink& log_;
  std::stop_token stop_;
  StopDescriptor stop_descriptor_;
  std::vector<std::byte> buffer_;
  Clock::time_point started_;
  Clock::time_point last_output_;
  std::uint64_t log_bytes_ = 0;
  bool log_is_open_ = true;
  bool more_log_ = false;
  std::optional<BuildEnd> early_end_;
};

}  // namespace

WatchResult watch(const Process& process, const BuildLimits& limits, Sink& log,
                  std::stop_token stop) {
  Guard guard(process);
  return Watch(process, limits, log, std::move(stop)).run(guard);
}

}  // namespace cinch::sandbox
