#include "automatic.hh"

#include "free_space.hh"

#include <cinch/core/error.hh>

namespace cinch::local {

namespace {

// A collection that frees nothing is not repeated for a change as small as this: 3 of 100.
constexpr std::uint64_t hundred = 100;
constexpr std::uint64_t percent_left = 97;

}  // namespace

void AutomaticCollector::before_adding(const Collect& collect) {
  if (options_.free_bytes_min == 0) return;
  const std::unique_lock lock(mutex_, std::try_to_lock);
  if (!lock) return;  // another thread is at it
  const auto now = std::chrono::steady_clock::now();
  if (checked_ && now - *checked_ < options_.check_interval) return;
  checked_ = now;
  const std::uint64_t free = free_bytes(objects_);
  if (free >= options_.free_bytes_min || free >= options_.free_bytes_wanted) return;
  if (free_after_last_ && free > *free_after_last_ / hundred * percent_left) return;
  GarbageOptions options{.liveness = options_.liveness, .only = std::nullopt};
  options.bytes_max = options_.free_bytes_wanted - free;
  try {
    collect(options);
  } catch (const Error& error) {
    // Another process collects already.
    if (error.code() != Code::busy) throw;
  }
  free_after_last_ = free_bytes(objects_);
}

}  // namespace cinch::local
