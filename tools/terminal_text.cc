#include "terminal_text.hh"

#include <algorithm>
#include <cstdio>

namespace cinch::cli {

namespace {

bool is_continuation(char c) { return (static_cast<unsigned char>(c) & 0xc0) == 0x80; }

// The length of the escape sequence at the front of `text`, which starts with ESC.
std::size_t escape_length(std::string_view text) {
  if (text.size() < 2) return text.size();
  if (text[1] == '[') {  // CSI: parameters, then one final byte of '@' to '~'
    std::size_t at = 2;
    while (at < text.size() && (text[at] < '@' || text[at] > '~')) ++at;
    return std::min(at + 1, text.size());
  }
  if (text[1] == ']') {  // OSC: up to BEL or ESC
    std::size_t at = 2;
    while (at < text.size() && text[at] != '\a' && text[at] != '\x1b') ++at;
    return std::min(at + 1, text.size());
  }
  return 2;
}

}  // namespace

std::string printable(std::string_view text) {
  // A carriage return starts the line anew; what counts is what stands there last.
  while (text.ends_with('\r')) text.remove_suffix(1);
  if (const std::size_t last = text.rfind('\r'); last != std::string_view::npos) {
    text.remove_prefix(last + 1);
  }
  std::string result;
  while (!text.empty()) {
    const char c = text.front();
    std::size_t used = 1;
    if (c == '\x1b') {
      used = escape_length(text);
    } else if (c == '\t') {
      result += ' ';
    } else if (static_cast<unsigned char>(c) >= 0x20 && c != '\x7f') {
      result += c;
    }
    text.remove_prefix(used);
  }
  return result;
}

std::string printable_lines(std::string_view text) {
  std::string result;
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    result += printable(text.substr(0, end));
    if (end == std::string_view::npos) break;
    result += '\n';
    text.remove_prefix(end + 1);
  }
  return result;
}

std::string fitted(std::string_view text, std::size_t columns) {
  std::size_t at = 0;
  std::size_t used = 0;
  while (at < text.size()) {
    if (!is_continuation(text[at]) && used++ == columns) break;
    ++at;
  }
  return std::string(text.substr(0, at));
}

std::string indented(std::string_view text, std::size_t spaces) {
  while (text.ends_with('\n')) text.remove_suffix(1);
  std::string result;
  for (const char c : text) {
    result += c;
    if (c == '\n') result.append(spaces, ' ');
  }
  return result;
}

std::string human_size(std::uint64_t bytes) {
  constexpr std::string_view units = " KMGTPEZY";
  std::size_t unit = 0;
  auto amount = static_cast<double>(bytes);
  while (amount >= 1024 && unit + 1 < units.size()) {
    amount /= 1024;
    ++unit;
  }
  char buffer[32];
  std::snprintf(buffer, sizeof buffer, "%6.1f%c", amount, units[unit]);
  return buffer;
}

std::string size_in_words(std::uint64_t bytes, std::string_view unit) {
  constexpr std::uint64_t kibibyte = 1024;
  if (bytes < kibibyte) return std::to_string(bytes) + std::string(unit);
  std::string text = human_size(bytes);
  std::erase(text, ' ');
  return text;
}

std::string duration_in_words(std::chrono::milliseconds duration) {
  const auto seconds =
      std::max<std::int64_t>(1, std::chrono::ceil<std::chrono::seconds>(duration).count());
  if (seconds < 120) return std::to_string(seconds) + " s";
  const std::int64_t minutes = (seconds + 59) / 60;
  if (minutes < 120) return std::to_string(minutes) + " min";
  return std::to_string((minutes + 59) / 60) + " h";
}

}  // namespace cinch::cli
