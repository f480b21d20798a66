// So many bytes a second, and no more, for all threads together.
#pragma once

#include <chrono>
#include <cstdint>
#include <mutex>
#include <stop_token>

namespace cinch::local {

// Safe for several threads at once.
class RateLimiter {
 public:
  // 0: no limit.
  explicit RateLimiter(std::uint64_t bytes_per_second_max)
      : bytes_per_second_max_(bytes_per_second_max), free_at_(Clock::now()) {}

  // Waits until so many bytes more may pass. Throws Code::cancelled.
  void take(std::uint64_t bytes, const std::stop_token& stop);

 private:
  using Clock = std::chrono::steady_clock;
  Clock::time_point reserve(std::uint64_t bytes);

  const std::uint64_t bytes_per_second_max_;
  std::mutex mutex_;
  Clock::time_point free_at_;  // when all that was taken has had its time
};

}  // namespace cinch::local
