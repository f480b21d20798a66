#include "rate_limiter.hh"

#include <cinch/core/cancellation.hh>

#include <algorithm>
#include <thread>

namespace cinch::local {

namespace {

constexpr auto wait_max = std::chrono::milliseconds(50);  // between looks at the stop token

}  // namespace

void RateLimiter::take(std::uint64_t bytes, const std::stop_token& stop) {
  if (bytes_per_second_max_ == 0) return;
  const Clock::time_point due = reserve(bytes);
  for (Clock::time_point now = Clock::now(); now < due; now = Clock::now()) {
    check_cancelled(stop);
    std::this_thread::sleep_for(std::min<Clock::duration>(due - now, wait_max));
  }
}

// Time that nobody used is not saved up.
RateLimiter::Clock::time_point RateLimiter::reserve(std::uint64_t bytes) {
  const std::chrono::duration<double> time(static_cast<double>(bytes) /
                                           static_cast<double>(bytes_per_second_max_));
  const std::lock_guard lock(mutex_);
  free_at_ = std::max(free_at_, Clock::now()) + std::chrono::duration_cast<Clock::duration>(time);
  return free_at_;
}

}  // namespace cinch::local
