// Bytes as text: base16, nix32 and base64, each strict.
//
// nix32 is Nix's own base 32: the alphabet 0123456789abcdfghijklmnpqrsvwxyz (no e, o, t, u), least
// significant bits last, no padding character; the text of n bytes has ceil(n * 8 / 5) characters.
// Decoders refuse unknown characters, wrong lengths and padding bits that are not zero, with
// Code::malformed and the offset.
#pragma once

#include <cinch/core/export.hh>
#include <cinch/core/stream.hh>

#include <cstddef>
#include <string>
#include <string_view>

namespace cinch {

constexpr std::string_view nix32_alphabet = "0123456789abcdfghijklmnpqrsvwxyz";

constexpr std::size_t nix32_length(std::size_t byte_count) {
  return byte_count == 0 ? 0 : (byte_count * 8 - 1) / 5 + 1;
}

CINCH_CORE_API std::string base16_encode(Bytes bytes);
CINCH_CORE_API std::string nix32_encode(Bytes bytes);
CINCH_CORE_API std::string base64_encode(Bytes bytes);

// base16 takes both cases; the others have one spelling for each value.
CINCH_CORE_API std::string base16_decode(std::string_view text);
CINCH_CORE_API std::string nix32_decode(std::string_view text);
CINCH_CORE_API std::string base64_decode(std::string_view text);

}  // namespace cinch
