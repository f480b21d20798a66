// Puts texts together. GCC 12 warns without cause about chains of operator+ in tests.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>

namespace cinch::test {

inline std::string join(std::initializer_list<std::string_view> parts) {
  std::string text;
  for (const std::string_view part : parts) text += part;
  return text;
}

}  // namespace cinch::test
