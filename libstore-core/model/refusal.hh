// What the parsers of the model share when they refuse a text.
#pragma once

#include <cinch/core/error.hh>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

namespace cinch {

// The text as an error's subject. Long ones are cut, so that an error never carries a peer's
// megabytes.
inline std::string excerpt(std::string_view text) {
  constexpr std::size_t length_max = 300;
  if (text.size() <= length_max) return std::string(text);
  return std::string(text.substr(0, length_max)) + "...";
}

// A character as a message names it: 'x', or byte 0x1f.
inline std::string printable(char c) {
  constexpr std::string_view digits = "0123456789abcdef";
  const auto byte = static_cast<unsigned char>(c);
  if (byte >= 0x20 && byte < 0x7f) return std::string("'") + c + "'";
  return std::string("byte 0x") + digits[byte >> 4] + digits[byte & 15];
}

// Parses a part of `whole` that begins at `start`; what `parse` throws then speaks of `whole`.
template <typename Parse>
auto parse_part(std::string_view whole, std::size_t start, Parse parse) {
  try {
    return parse();
  } catch (Error& error) {
    const std::uint64_t offset = start + error.offset().value_or(0);
    throw std::move(error).at(offset).about(excerpt(whole));
  }
}

}  // namespace cinch
