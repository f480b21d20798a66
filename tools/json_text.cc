#include "json_text.hh"

#include <cstddef>
#include <cstdint>

namespace cinch::cli {

namespace {

constexpr std::string_view replacement = "\xef\xbf\xbd";

// The length of the UTF-8 character at the front of `text`, which is not empty; 0 if there is none.
// Overlong forms, surrogates and what lies beyond Unicode are no characters.
std::size_t utf8_length(std::string_view text) {
  const auto byte = [&](std::size_t at) -> std::uint32_t {
    return at < text.size() ? static_cast<unsigned char>(text[at]) : 0;
  };
  const auto continues = [&](std::size_t at) { return (byte(at) & 0xc0) == 0x80; };
  if (byte(0) < 0x80) return 1;
  if (byte(0) >= 0xc2 && byte(0) <= 0xdf && continues(1)) return 2;
  if (byte(0) >= 0xe0 && byte(0) <= 0xef && continues(1) && continues(2)) {
    const std::uint32_t start = byte(0) << 8 | byte(1);
    const bool valid = start >= 0xe0a0 && (start < 0xeda0 || start > 0xedbf);
    return valid ? 3 : 0;
  }
  if (byte(0) >= 0xf0 && byte(0) <= 0xf4 && continues(1) && continues(2) && continues(3)) {
    const std::uint32_t start = byte(0) << 8 | byte(1);
    return start >= 0xf090 && start <= 0xf48f ? 4 : 0;
  }
  return 0;
}

std::string escaped(char c) {
  switch (c) {
    case '"':
      return "\\\"";
    case '\\':
      return "\\\\";
    case '\n':
      return "\\n";
    case '\r':
      return "\\r";
    case '\t':
      return "\\t";
    default:
      break;
  }
  constexpr std::string_view digits = "0123456789abcdef";
  const auto value = static_cast<unsigned char>(c);
  return std::string("\\u00") + digits[value >> 4] + digits[value & 15];
}

}  // namespace

std::string json_string(std::string_view text) {
  std::string result = "\"";
  while (!text.empty()) {
    const char c = text.front();
    std::size_t used = utf8_length(text);
    if (used == 0) {
      result += replacement;
      used = 1;
    } else if (used == 1 && (static_cast<unsigned char>(c) < 0x20 || c == '"' || c == '\\')) {
      result += escaped(c);
    } else {
      result += text.substr(0, used);
    }
    text.remove_prefix(used);
  }
  return result + "\"";
}

std::string json_bool(bool value) { return value ? "true" : "false"; }

std::string json_object(const JsonMembers& members) {
  std::string text = "{";
  for (const auto& [name, value] : members) {
    if (text.size() > 1) text += ',';
    text += json_string(name) + ":" + value;
  }
  return text + "}";
}

std::string json_array(const std::vector<std::string>& values) {
  std::string text = "[";
  for (const std::string& value : values) {
    if (text.size() > 1) text += ',';
    text += value;
  }
  return text + "]";
}

}  // namespace cinch::cli
