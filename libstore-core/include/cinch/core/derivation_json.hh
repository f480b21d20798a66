// Derivations as JSON, version 4 of Nix's format (store paths are base names). Older shapes that
// `nix show-derivation` of Nix 2.8 prints (inputSrcs, inputDrvs, full paths) are read, never
// written. Format: docs/formats/derivation.md.
#pragma once

#include <cinch/core/derivation.hh>

#include <map>
#include <string>
#include <string_view>

namespace cinch {

// One derivation. Throws Code::malformed with the offset for text that is not JSON and, for JSON
// that is not a derivation, with the JSON path of the bad field as the subject.
CINCH_CORE_API Derivation parse_derivation_json(std::string_view json, const StoreDir& store_dir);
CINCH_CORE_API std::string print_derivation_json(const Derivation& derivation,
                                                 const StoreDir& store_dir);

// Many derivations, as `derivation show` prints them:
//   {"derivations": {"<base name>": {...}}, "version": 4}
// Read in that form or as a plain object of path to derivation.
CINCH_CORE_API std::map<StorePath, Derivation> parse_derivations_json(std::string_view json,
                                                                      const StoreDir& store_dir);
CINCH_CORE_API std::string print_derivations_json(
    const std::map<StorePath, Derivation>& derivations, const StoreDir& store_dir);

}  // namespace cinch
