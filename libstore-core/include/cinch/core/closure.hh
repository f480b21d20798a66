// Algorithms that need only the waist.
#pragma once

#include <cinch/core/export.hh>
#include <cinch/core/path_info.hh>
#include <cinch/core/store.hh>

#include <functional>
#include <map>
#include <stop_token>
#include <vector>

namespace cinch {

// All paths reachable through references, with their infos; asks the store once for each level.
// Throws Code::not_found if a path is not valid.
CINCH_CORE_API std::map<StorePath, PathInfo> compute_closure(Store& store,
                                                             const StorePathSet& roots);

// The infos of a closure such that references come first; equal inputs give equal orders.
// References that are not among the infos do not count, nor do those of a path to itself. Throws
// Code::corrupt if references form a cycle through more than one path.
CINCH_CORE_API std::vector<StorePath> sort_topologically(
    const std::map<StorePath, PathInfo>& infos);

// Runs both functions at the same time: what the first one writes is what the second one reads,
// through a buffer of fixed size. Returns when both have ended. If one throws, the other one's
// stream fails or ends, and the exception that came first is thrown on. Core itself has no threads;
// whoever copies brings this.
using RunPiped = std::function<void(const std::function<void(Sink&)>& produce,
                                    const std::function<void(Source&)>& consume)>;

// Copies `roots` and their closures from one store to another, references first, skipping what is
// there; streams, holding no NAR in memory. The two stores must have the same store directory.
CINCH_CORE_API void copy_closure(Store& from, Store& to, const StorePathSet& roots,
                                 SignaturePolicy policy, const RunPiped& run_piped,
                                 std::stop_token stop = {});

}  // namespace cinch
