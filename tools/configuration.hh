// Where settings come from: nix.conf, the user's files, NIX_CONFIG, then the command line.
#pragma once

#include "console.hh"
#include "verb.hh"

#include <cinch/core/settings.hh>
#include <cinch/remote/open_store.hh>

#include <string_view>
#include <vector>

namespace cinch::cli {

// All variables of this process.
Environment read_environment();

struct SettingNames {
  std::vector<std::string_view> all;
  std::vector<std::string_view> boolean;
};
SettingNames setting_names();

// Later sources win. Names that nobody knows give one warning each.
Settings load_settings(const Arguments& arguments, const Environment& environment,
                       Console& console);

}  // namespace cinch::cli
