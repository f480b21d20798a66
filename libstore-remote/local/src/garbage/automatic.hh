// When the disk fills up, whoever adds an object collects garbage first.
#pragma once

#include <cinch/files/directory.hh>
#include <cinch/local/local_store.hh>

#include <chrono>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>

namespace cinch::local {

// Safe for several threads at once: one collects, the others go on adding.
class AutomaticCollector {
 public:
  using Collect = std::function<void(const GarbageOptions&)>;

  // `objects` must outlive it.
  AutomaticCollector(const AutomaticCollection& options, const Directory& objects)
      : options_(options), objects_(objects) {}

  // Before an object is added, and before any lock is taken for it. Collects if less is free than
  // should be; and after a collection that could not free enough, only when it is getting worse.
  void before_adding(const Collect& collect);

 private:
  const AutomaticCollection options_;
  const Directory& objects_;
  std::mutex mutex_;
  std::optional<std::chrono::steady_clock::time_point> checked_;
  std::optional<std::uint64_t> free_after_last_;
};

}  // namespace cinch::local
