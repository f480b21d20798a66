// Closures that go by more than references.
#pragma once

#include <cinch/core/garbage.hh>
#include <cinch/core/store.hh>

namespace cinch::cli {

// All that the paths refer to, directly or not, with themselves; and, of derivations in it, the
// outputs that are valid and what these refer to. Throws Code::not_found for a path that is not
// valid. Asks the store once for each level.
StorePathSet closure_with_outputs(Store& store, const StorePathSet& roots);

// All that refers to the paths, directly or not, with themselves, valid or not. The options say
// whether an output leads to the derivations that make it, and a derivation to its outputs: what
// keeps them alive then counts, too.
StorePathSet referrers_closure(Store& store, const StorePathSet& roots,
                               const LivenessOptions& options);

// The paths of the outputs of derivations, as far as they are known.
StorePathSet known_outputs(Store& store, const std::vector<StorePath>& derivations);

}  // namespace cinch::cli
