// Graphs of derivations whose output paths are still open, as people and front ends write them.
#pragma once

#include <cinch/core/derivation.hh>
#include <cinch/core/error.hh>
#include <cinch/core/export.hh>
#include <cinch/core/store.hh>

#include <map>
#include <vector>

namespace cinch {

// Fills in deferred outputs, and environment variables that are named like outputs but absent or
// empty, and adds the derivation. Returns its path. Throws as Store::add_derivation, and
// Code::invalid_derivation for one that depends on an impure derivation and may not.
CINCH_CORE_API StorePath add_incomplete_derivation(Store& store, Derivation derivation);

// What there is to say of a derivation that depends on an impure one although its own outputs are
// neither impure nor fixed. Such a derivation can be in a store, but is not built: its outputs
// would come out differently each time. Code::invalid_derivation, with `input` as the subject.
[[nodiscard]] CINCH_CORE_API Error impure_input_error(const StoreDir& store_dir,
                                                      const StorePath& derivation,
                                                      const StorePath& input);

struct AddedDerivation {
  StorePath listed;  // the path under which it was given
  StorePath path;    // the path that it has
};

// The same for a graph; the result has inputs first. In the graph a derivation is called by the
// path it is listed under; where outputs are filled in, its real path turns out to be another one,
// and what refers to it is changed to that. A complete derivation must be listed under its real
// path. Nothing is added unless all are right.
CINCH_CORE_API std::vector<AddedDerivation> add_incomplete_derivations(
    Store& store, const std::map<StorePath, Derivation>& graph);

}  // namespace cinch
