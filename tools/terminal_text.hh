// Text that is safe and fits where it is shown.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace cinch::cli {

// What changes how the text after it looks. For terminals alone.
namespace style {
constexpr std::string_view red = "\x1b[31;1m";
constexpr std::string_view green = "\x1b[32;1m";
constexpr std::string_view blue = "\x1b[34;1m";
constexpr std::string_view magenta = "\x1b[35;1m";
constexpr std::string_view grey = "\x1b[38;5;244m";
constexpr std::string_view plain = "\x1b[0m";
}  // namespace style

// Without terminal escape sequences and control characters; tabs become spaces. A builder's output
// must not be able to move the cursor of whoever watches it.
std::string printable(std::string_view text);

// As `printable`, for text of several lines.
std::string printable_lines(std::string_view text);

// The front of `text` that fills at most this many columns; cuts no UTF-8 character in two.
std::string fitted(std::string_view text, std::size_t columns);

// All lines but the first start with this many spaces.
std::string indented(std::string_view text, std::size_t spaces);

// "872.0 ", "1.5K", "20.3M": as Nix prints sizes with -h.
std::string human_size(std::uint64_t bytes);

// "1.5K", "20.3M"; below that "20" and the unit.
std::string size_in_words(std::uint64_t bytes, std::string_view unit = " bytes");

// "1 s", "119 s", "2 min", "3 h": rounded up, and never nothing.
std::string duration_in_words(std::chrono::milliseconds duration);

}  // namespace cinch::cli
