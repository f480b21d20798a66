// nix.conf: `name = value` lines, comments and includes, without opinions about names.
#pragma once

#include <cinch/core/export.hh>

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace cinch {

constexpr std::uint32_t config_include_depth_max = 16;
constexpr std::uint32_t config_includes_max = 1000;  // all together

struct ConfigLine {
  std::string name;
  std::string value;   // words joined by single spaces
  std::string file;    // where it stands
  std::uint32_t line;  // from 1
};

// Gets the text of an included file; empty if it cannot be opened.
using ReadConfig = std::function<std::optional<std::string>(const std::string& file)>;

// Parses `text`, which came from `file` (relative includes start in its directory); includes are
// replaced by what they contain. Throws Code::malformed with file and line in the message and the
// offset in that file; Code::not_found if `include` names a file that cannot be opened;
// Code::limit_exceeded if there are too many includes, as when a file includes itself.
// Format: docs/formats/nix-conf.md.
CINCH_CORE_API std::vector<ConfigLine> parse_config(std::string_view text, const std::string& file,
                                                    const ReadConfig& read);

}  // namespace cinch
