#include "lasting_roots.hh"

#include "process_roots.hh"

#include <algorithm>
#include <utility>

namespace cinch::local {

// Links before processes: what a process opened by way of a link that is removed meanwhile is found
// in one of the two.
LinkRoots find_lasting_roots(const Directory& state, const StoreDir& store_dir,
                             const std::string& real_dir) {
  LinkRoots found = find_link_roots(state, store_dir);
  for (GarbageRoot& root : find_process_roots(store_dir, real_dir)) {
    found.roots.push_back(std::move(root));
  }
  std::ranges::sort(found.roots);
  return found;
}

}  // namespace cinch::local
