// Derivations as JSON, version 4 of Nix's format (store paths are base names). Older shapes that
// `nix show-derivation` of Nix 2.8 prints (inputSrcs, inputDrvs, full paths) are read, never
// written. Format: docs/formats/derivation.md.
#pragma once

#include <cinch/core/derivation.hh>

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

namespace cinch {

constexpr std::uint64_t derivation_json_bytes_max = std::uint64_t{256} << 20;

// Structured attributes: the environment variable `__json` of a Derivation is the field
// `structuredAttrs` in JSON.

// One derivation; `inputs` may be an array, as that of a resolved derivation is. Throws
// Code::malformed with the offset for text that is not JSON and, for JSON that is not a derivation,
// with the place of the bad field (a JSON pointer, RFC 6901) as the subject; Code::not_supported
// for formats and hashes of newer versions; Code::limit_exceeded for text that is too long or
// nested more than 64 levels deep.
CINCH_CORE_API Derivation parse_derivation_json(std::string_view json, const StoreDir& store_dir);
// Two spaces a level, keys sorted, no final newline. Throws Code::malformed for a derivation with
// bytes that are not UTF-8, naming the variable; Code::not_supported for structured attributes that
// JSON would not carry byte for byte.
CINCH_CORE_API std::string print_derivation_json(const Derivation& derivation,
                                                 const StoreDir& store_dir);

// The form of a derivation whose inputs are all sources: `inputs` is the array of these. Throws
// Code::invalid_argument for one that has input derivations.
CINCH_CORE_API std::string print_resolved_derivation_json(const Derivation& derivation,
                                                          const StoreDir& store_dir);

// Many derivations, as `derivation show` prints them:
//   {"derivations": {"<base name>": {...}}, "version": 4}
// Read in that form or as a plain object of path to derivation; whether the paths fit the
// contents is not looked at.
CINCH_CORE_API std::map<StorePath, Derivation> parse_derivations_json(std::string_view json,
                                                                      const StoreDir& store_dir);
CINCH_CORE_API std::string print_derivations_json(
    const std::map<StorePath, Derivation>& derivations, const StoreDir& store_dir);

}  // namespace cinch
