// The outputs of a derivation, as far as anybody knows them: those whose paths follow from the
// derivation, and those that a store has realisations of.
#pragma once

#include <cinch/core/derivation.hh>
#include <cinch/core/export.hh>
#include <cinch/core/store.hh>

#include <map>
#include <optional>
#include <string>

namespace cinch {

// By name, with the path or nothing. REQUIRES: `derivation` is the one with this path. Reads its
// inputs from the store if realisations are kept by hash. What is found need not be valid.
CINCH_CORE_API std::map<std::string, std::optional<StorePath>> find_output_paths(
    Store& store, const StorePath& path, const Derivation& derivation);

}  // namespace cinch
