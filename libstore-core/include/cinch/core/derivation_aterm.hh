// Derivations as ATerms: the content of a .drv file. Format: docs/formats/derivation.md.
#pragma once

#include <cinch/core/derivation.hh>

#include <string>
#include <string_view>

namespace cinch {

constexpr std::uint64_t derivation_bytes_max = std::uint64_t{64} << 20;

// `name` is that of the derivation (without ".drv"), which the text does not contain.
// Throws Code::malformed with the offset; Code::not_supported for formats and hashes of newer
// versions; Code::invalid_derivation for a fixed output whose path is not the one of its hash;
// Code::limit_exceeded for a text that is too long, or nested too deeply.
CINCH_CORE_API Derivation parse_derivation(std::string_view aterm, std::string_view name,
                                           const StoreDir& store_dir);
CINCH_CORE_API std::string print_derivation(const Derivation& derivation,
                                            const StoreDir& store_dir);

// What a derivation says of one output, there and on the wire; each may be empty.
struct DerivationOutputTexts {
  std::string_view path;
  std::string_view algorithm;  // with its method: "sha256", "r:sha256", ...
  std::string_view hash;
};
// Errors as above, without an offset.
CINCH_CORE_API DerivationOutput parse_derivation_output(const DerivationOutputTexts& texts,
                                                        std::string_view output,
                                                        std::string_view derivation_name,
                                                        const StoreDir& store_dir);

}  // namespace cinch
