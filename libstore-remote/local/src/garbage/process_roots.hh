// Roots in running processes: what they execute, have open, mapped or in their environment.
#pragma once

#include <cinch/core/garbage.hh>

#include <string>
#include <vector>

namespace cinch::local {

// Looks for paths below the store directory and below the directory where objects really lie.
// Other users' processes are passed over where the system hides them. The paths need not be valid.
std::vector<GarbageRoot> find_process_roots(const StoreDir& store_dir, const std::string& real_dir);

}  // namespace cinch::local
