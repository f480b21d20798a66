// nix.conf: `name = value` lines, comments and includes, without opinions about names.
#pragma once

#include <cinch/core/export.hh>

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace cinch {

constexpr std::uint32_t config_include_depth_max = 16;

struct ConfigLine {
  std::string name;
  std::string value;   // words joined by single spaces
  std::string file;    // where it stands
  std::uint32_t line;  // from 1
};

// Gets the text of an included file; empty if it cannot be opened.
using ReadConfig = std::function<std::optional<std::string>(const std::string& file)>;

// Parses `text`, which came from `file` (relative includes start in its directory); includes are
// replaced by what they contain. Throws Code::malformed with file and line in the message;
// Code::not_found if `include` names a file that cannot be opened.
CINCH_CORE_API std::vector<ConfigLine> parse_config(std::string_view text, const std::string& file,
                                                    const ReadConfig& read);

}  // namespace cinch
