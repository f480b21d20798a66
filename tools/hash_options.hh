// The options about hashes that several verbs share.
#pragma once

#include "context.hh"

#include <cinch/core/hash.hh>

#include <string>

namespace cinch::cli {

// --algo, --type or --hash-algo, whichever is given; else sha256.
HashAlgorithm chosen_algorithm(const Context& context);
// --format, --base16, --base32, --base64 or --sri; else sri.
HashFormat chosen_format(const Context& context);
// "base16", "nix32" (also "base32"), "base64", "sri".
HashFormat parse_hash_format(std::string_view name);
// As Nix prints hashes on the command line: the bare digest, but SRI with its prefix.
std::string formatted(const Hash& hash, HashFormat format);

}  // namespace cinch::cli
