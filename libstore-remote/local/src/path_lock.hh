// Locks that live as long as they are held, as Nix's do: on store paths (`<path>.lock` beside the
// object), and on whatever else has a name.
#pragma once

#include <cinch/core/store.hh>
#include <cinch/files/directory.hh>

#include <functional>
#include <memory>
#include <stop_token>
#include <string>

namespace cinch::local {

// `objects` must outlive the lock. See BuildStore::lock.
std::unique_ptr<PathLock> lock_paths(const Directory& objects, const StorePathSet& paths,
                                     const std::stop_token& stop,
                                     const std::function<void()>& on_wait);

// The same for any lock file, by its name in the directory, which must outlive the lock.
std::unique_ptr<PathLock> lock_name(const Directory& directory, const std::string& name,
                                    const std::stop_token& stop);

}  // namespace cinch::local
