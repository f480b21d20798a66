// Closures that go against the references.
#pragma once

#include <cinch/core/garbage.hh>
#include <cinch/core/store.hh>

namespace cinch::cli {

// All that refers to the paths, directly or not, with themselves, valid or not. The options say
// whether an output leads to the derivations that make it, and a derivation to its outputs: what
// keeps them alive then counts, too.
StorePathSet referrers_closure(Store& store, const StorePathSet& roots,
                               const LivenessOptions& options);

}  // namespace cinch::cli
