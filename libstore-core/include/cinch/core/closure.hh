// Algorithms that need only the waist.
#pragma once

#include <cinch/core/export.hh>
#include <cinch/core/path_info.hh>
#include <cinch/core/store.hh>

#include <map>
#include <vector>

namespace cinch {

// All paths reachable through references, with their infos; asks the store once for each level.
// Throws Code::not_found if a path is not valid.
CINCH_CORE_API std::map<StorePath, PathInfo> compute_closure(Store& store,
                                                             const StorePathSet& roots);

// The infos of a closure such that references come first; equal inputs give equal orders.
// Throws Code::corrupt if references form a cycle through more than one path.
CINCH_CORE_API std::vector<StorePath> sort_topologically(
    const std::map<StorePath, PathInfo>& infos);

// Copies `roots` and their closures from one store to another, references first, skipping what is
// there; streams, holding no NAR in memory.
CINCH_CORE_API void copy_closure(Store& from, Store& to, const StorePathSet& roots,
                                 SignaturePolicy policy, std::stop_token stop = {});

}  // namespace cinch
