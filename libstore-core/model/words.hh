// Private to the library: words of a text, and the names that shells and file systems share.
#pragma once

#include <algorithm>
#include <string_view>
#include <vector>

namespace cinch {

// Views into the text.
inline std::vector<std::string_view> split_words(std::string_view text) {
  constexpr std::string_view blanks = " \t\n\r";
  std::vector<std::string_view> words;
  for (std::size_t at = text.find_first_not_of(blanks); at != std::string_view::npos;
       at = text.find_first_not_of(blanks, at)) {
    const std::size_t end = std::min(text.find_first_of(blanks, at), text.size());
    words.push_back(text.substr(at, end - at));
    at = end;
  }
  return words;
}

// A letter or '_', then letters, digits, '_' and the characters in `others`.
inline bool is_identifier(std::string_view name, std::string_view others = {}) {
  const auto is_letter = [](char character) {
    return (character >= 'a' && character <= 'z') || (character >= 'A' && character <= 'Z') ||
           character == '_';
  };
  return !name.empty() && is_letter(name[0]) && std::ranges::all_of(name, [&](char character) {
    return is_letter(character) || (character >= '0' && character <= '9') ||
           others.find(character) != std::string_view::npos;
  });
}

}  // namespace cinch
