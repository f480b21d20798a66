#include "decode_to.hh"
#include "refusal.hh"

#include <cinch/core/encoding.hh>
#include <cinch/core/error.hh>

#include <algorithm>
#include <array>
#include <cstdint>

namespace cinch {

namespace {

constexpr std::string_view base16_alphabet = "0123456789abcdef";
constexpr std::string_view base64_alphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

constexpr std::uint8_t no_value = 0xff;
using Values = std::array<std::uint8_t, 256>;

constexpr Values values_of(std::string_view alphabet) {
  Values values{};
  for (auto& value : values) value = no_value;
  for (std::size_t i = 0; i < alphabet.size(); ++i) {
    values[static_cast<unsigned char>(alphabet[i])] = static_cast<std::uint8_t>(i);
  }
  return values;
}

constexpr Values base16_values() {
  Values values = values_of(base16_alphabet);
  for (std::uint8_t i = 0; i < 6; ++i) values['A' + i] = static_cast<std::uint8_t>(10 + i);
  return values;
}

constexpr Values base16_table = base16_values();
constexpr Values nix32_table = values_of(nix32_alphabet);
constexpr Values base64_table = values_of(base64_alphabet);

[[noreturn]] void refuse_character(std::string_view text, std::size_t position,
                                   std::string_view encoding) {
  throw Error(Code::malformed,
              printable(text[position]) + " is not a " + std::string(encoding) + " character")
      .at(position);
}

std::uint8_t value_at(const Values& values, std::string_view text, std::size_t position,
                      std::string_view encoding) {
  const std::uint8_t value = values[static_cast<unsigned char>(text[position])];
  if (value == no_value) refuse_character(text, position, encoding);
  return value;
}

[[noreturn]] void refuse_length(std::string_view text, std::string_view encoding) {
  throw Error(Code::malformed, "a " + std::string(encoding) + " text cannot have " +
                                   std::to_string(text.size()) + " characters here")
      .at(text.size());
}

[[noreturn]] void refuse_padding_bits(std::size_t position, std::string_view encoding) {
  throw Error(Code::malformed,
              "the unused bits of the " + std::string(encoding) + " text are not zero")
      .at(position);
}

std::span<std::byte> writable(std::string& text) {
  return {reinterpret_cast<std::byte*>(text.data()), text.size()};
}

// The number of '=' that end the text.
std::size_t base64_padding(std::string_view text) {
  if (text.size() % 4 != 0) refuse_length(text, "base64");
  if (text.ends_with("==")) return 2;
  return text.ends_with('=') ? 1 : 0;
}

}  // namespace

std::string base16_encode(Bytes bytes) {
  std::string text(bytes.size() * 2, '\0');
  char* out = text.data();
  for (const std::byte byte : bytes) {
    const auto value = std::to_integer<unsigned>(byte);
    *out++ = base16_alphabet[value >> 4];
    *out++ = base16_alphabet[value & 15];
  }
  return text;
}

// The text is the number that the bytes form (least significant byte first) in base 32, most
// significant digit first; so the low bits are written from the end of the text.
std::string nix32_encode(Bytes bytes) {
  std::string text(nix32_length(bytes.size()), '\0');
  char* out = text.data() + text.size();
  unsigned bits = 0;
  unsigned bit_count = 0;
  for (const std::byte byte : bytes) {
    bits |= std::to_integer<unsigned>(byte) << bit_count;
    bit_count += 8;
    while (bit_count >= 5) {
      *--out = nix32_alphabet[bits & 31];
      bits >>= 5;
      bit_count -= 5;
    }
  }
  if (bit_count > 0) *--out = nix32_alphabet[bits & 31];
  return text;
}

std::string base64_encode(Bytes bytes) {
  std::string text;
  text.reserve((bytes.size() + 2) / 3 * 4);
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    const std::size_t count = std::min<std::size_t>(3, bytes.size() - i);
    unsigned group = 0;
    for (std::size_t j = 0; j < 3; ++j) {
      group = group << 8 | (j < count ? std::to_integer<unsigned>(bytes[i + j]) : 0);
    }
    for (std::size_t j = 0; j < 4; ++j) {
      text += j <= count ? base64_alphabet[group >> (18 - 6 * j) & 63] : '=';
    }
  }
  return text;
}

std::string base16_decode(std::string_view text) {
  if (text.size() % 2 != 0) refuse_length(text, "base16");
  std::string bytes(text.size() / 2, '\0');
  base16_decode_to(text, writable(bytes));
  return bytes;
}

std::string nix32_decode(std::string_view text) {
  std::string bytes(text.size() / 8 * 5 + text.size() % 8 * 5 / 8, '\0');
  nix32_decode_to(text, writable(bytes));
  return bytes;
}

std::string base64_decode(std::string_view text) {
  std::string bytes(text.size() / 4 * 3 - (text.empty() ? 0 : base64_padding(text)), '\0');
  base64_decode_to(text, writable(bytes));
  return bytes;
}

void base16_decode_to(std::string_view text, std::span<std::byte> out) {
  if (text.size() % 2 != 0 || text.size() / 2 != out.size()) refuse_length(text, "base16");
  for (std::size_t i = 0; i < out.size(); ++i) {
    const unsigned high = value_at(base16_table, text, 2 * i, "base16");
    const unsigned low = value_at(base16_table, text, 2 * i + 1, "base16");
    out[i] = static_cast<std::byte>(high << 4 | low);
  }
}

void nix32_decode_to(std::string_view text, std::span<std::byte> out) {
  if (nix32_length(out.size()) != text.size()) refuse_length(text, "nix32");
  unsigned bits = 0;
  unsigned bit_count = 0;
  std::size_t filled = 0;
  for (std::size_t position = text.size(); position-- > 0;) {
    bits |= unsigned{value_at(nix32_table, text, position, "nix32")} << bit_count;
    bit_count += 5;
    if (bit_count < 8) continue;
    out[filled++] = static_cast<std::byte>(bits & 0xff);
    bits >>= 8;
    bit_count -= 8;
  }
  if (bits != 0) refuse_padding_bits(0, "nix32");
}

void base64_decode_to(std::string_view text, std::span<std::byte> out) {
  const std::size_t padding = base64_padding(text);
  if (text.size() / 4 * 3 != out.size() + padding) refuse_length(text, "base64");
  const std::size_t digits = text.size() - padding;
  unsigned bits = 0;
  unsigned bit_count = 0;
  std::size_t filled = 0;
  for (std::size_t position = 0; position < digits; ++position) {
    bits = (bits << 6 | value_at(base64_table, text, position, "base64")) & 0x3fff;
    bit_count += 6;
    if (bit_count < 8) continue;
    bit_count -= 8;
    out[filled++] = static_cast<std::byte>(bits >> bit_count & 0xff);
  }
  if ((bits & ((1u << bit_count) - 1)) != 0) refuse_padding_bits(digits - 1, "base64");
}

bool is_nix32(std::string_view text) {
  std::uint8_t seen = 0;
  for (const char c : text) seen |= nix32_table[static_cast<unsigned char>(c)];
  return (seen & 0x80) == 0;
}

}  // namespace cinch
