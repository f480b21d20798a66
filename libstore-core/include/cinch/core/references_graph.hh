// What exportReferencesGraph tells a builder: the store objects that some paths need, with what
// refers to what. Format: docs/formats/derivation-options.md.
#pragma once

#include <cinch/core/export.hh>
#include <cinch/core/path_info.hh>
#include <cinch/core/store.hh>

#include <map>
#include <string>

namespace cinch {

// Closed under references: what a path refers to is in the map too.
using ReferencesGraph = std::map<StorePath, PathInfo>;

// The closure of `roots`, and the closures of the outputs of all derivations in it. Throws
// Code::invalid_derivation, with the path as the subject, if a root is not one of `inputs` (what a
// builder may read); Code::not_supported for a derivation with an output whose path is not known
// before it is built; Code::not_found if something is not valid.
CINCH_CORE_API ReferencesGraph compute_references_graph(Store& store, const StorePathSet& roots,
                                                        const StorePathSet& inputs);

// The file of a derivation without structured attributes: as `nix-store --register-validity` reads
// it, without derivers and hashes. For each path, sorted, these lines: the path, nothing, how many
// references, and these.
CINCH_CORE_API std::string print_references_graph(const ReferencesGraph& graph,
                                                  const StoreDir& store_dir);

}  // namespace cinch
