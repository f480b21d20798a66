// The decoders of encoding.hh, into memory that the caller has: what a Hash needs to parse a digest
// without an allocation. Each refuses like its public sister; `out` must have exactly the size that
// the text stands for, else Code::malformed.
#pragma once

#include <cinch/core/stream.hh>

#include <span>
#include <string_view>

namespace cinch {

void base16_decode_to(std::string_view text, std::span<std::byte> out);
void nix32_decode_to(std::string_view text, std::span<std::byte> out);
void base64_decode_to(std::string_view text, std::span<std::byte> out);

// Whether every character is one of the nix32 alphabet.
bool is_nix32(std::string_view text);

}  // namespace cinch
