// Locks on store paths: `<path>.lock` beside the object, as Nix does it.
#pragma once

#include <cinch/core/store.hh>
#include <cinch/files/directory.hh>

#include <functional>
#include <memory>
#include <stop_token>

namespace cinch::local {

// `objects` must outlive the lock. See BuildStore::lock.
std::unique_ptr<PathLock> lock_paths(const Directory& objects, const StorePathSet& paths,
                                     const std::stop_token& stop,
                                     const std::function<void()>& on_wait);

}  // namespace cinch::local
