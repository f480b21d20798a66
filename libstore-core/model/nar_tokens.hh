// The fixed parts of the NAR format as bytes (docs/formats/nar.md). A token is a 64-bit
// little-endian length, the text, and zeros up to a multiple of 8 bytes. All that stands between
// two variable parts is one literal.
#pragma once

#include "byte_search.hh"

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace cinch::nar {

constexpr std::size_t alignment = 8;

constexpr std::uint64_t padding_of(std::uint64_t size) { return -size % alignment; }
// REQUIRES: size <= nar_file_bytes_max.
constexpr std::uint64_t padded(std::uint64_t size) { return size + padding_of(size); }

constexpr std::size_t token_bytes(std::size_t text_length) {
  return 8 + static_cast<std::size_t>(padded(text_length));
}

// The tokens of some texts, one after the other.
template <std::size_t... Sizes>
consteval auto tokens(const char (&... texts)[Sizes]) {
  std::array<std::byte, (token_bytes(Sizes - 1) + ...)> bytes{};
  std::size_t position = 0;
  const auto append = [&](const char* text, std::size_t length) {
    bytes[position] = static_cast<std::byte>(length);
    for (std::size_t i = 0; i < length; ++i) {
      bytes[position + 8 + i] = static_cast<std::byte>(text[i]);
    }
    position += token_bytes(length);
  };
  (append(texts, Sizes - 1), ...);
  return bytes;
}

inline constexpr auto magic = tokens("nix-archive-1");
inline constexpr auto node = tokens("(", "type");
inline constexpr auto regular = tokens("regular");
inline constexpr auto symlink = tokens("symlink");
inline constexpr auto directory = tokens("directory");
inline constexpr auto contents = tokens("contents");
inline constexpr auto executable = tokens("executable");
inline constexpr auto executable_marker = tokens("", "contents");
inline constexpr auto target = tokens("target");
inline constexpr auto entry = tokens("entry");
inline constexpr auto entry_name = tokens("(", "name");
inline constexpr auto entry_node = tokens("node");
inline constexpr auto close = tokens(")");

inline std::uint64_t load_length(const std::byte* bytes) {
  std::uint64_t value = 0;
  if constexpr (std::endian::native == std::endian::little) {
    std::memcpy(&value, bytes, sizeof value);
  } else {
    for (std::size_t i = 8; i-- > 0;) value = value << 8 | std::to_integer<std::uint64_t>(bytes[i]);
  }
  return value;
}

inline std::array<std::byte, 8> store_length(std::uint64_t value) {
  std::array<std::byte, 8> bytes;
  for (auto& byte : bytes) {
    byte = static_cast<std::byte>(value & 0xff);
    value >>= 8;
  }
  return bytes;
}

// Why a name or a symlink target cannot stand in a NAR; null if it can. Lengths are checked apart.
inline const char* fault_of_name(const char* name, std::size_t length) {
  if (length == 0) return "an entry's name must not be empty";
  if (name[0] == '.' && (length == 1 || (length == 2 && name[1] == '.'))) {
    return "an entry's name must not be '.' or '..'";
  }
  const std::size_t bad = find_byte<'/', '\0'>(std::string_view(name, length), 0);
  if (bad == length) return nullptr;
  return name[bad] == '/' ? "an entry's name must not hold a slash"
                          : "an entry's name must not hold a NUL byte";
}

inline const char* fault_of_target(const char* target_text, std::size_t length) {
  if (length == 0) return "a symlink's target must not be empty";
  if (std::memchr(target_text, '\0', length) != nullptr) {
    return "a symlink's target must not hold a NUL byte";
  }
  return nullptr;
}

}  // namespace cinch::nar
