// JSON, written. Values are text already; what is put around them makes larger ones.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace cinch::cli {

// A string with its quotes; bytes that are not UTF-8 become U+FFFD.
std::string json_string(std::string_view text);
std::string json_bool(bool value);

using JsonMembers = std::vector<std::pair<std::string, std::string>>;
std::string json_object(const JsonMembers& members);
std::string json_array(const std::vector<std::string>& values);

}  // namespace cinch::cli
