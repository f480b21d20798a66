// What a user may write where a store path is meant.
#pragma once

#include "context.hh"

#include <cinch/core/deriving_path.hh>

#include <map>
#include <string>
#include <vector>

namespace cinch::cli {

// A store path, something below one, `<drv>^out1,out2`, `<drv>^*`, or a symlink that leads to one
// of these (./result). Throws Code::invalid_argument with what is accepted as the hint.
DerivingPath parse_installable(const std::string& text, const StoreDir& store_dir);

// The store path that is meant; for `<drv>^...` the outputs' paths, which must be known.
StorePathSet installable_paths(Store& store, const std::vector<std::string>& texts);

// As above, for one argument that must mean one path.
StorePath installable_path(Store& store, const std::string& text);

// A store path, and what is meant below it: "<path>/bin/x" gives "/bin/x", "<path>" gives "".
struct PathBelow {
  StorePath path;
  std::string below;
};
PathBelow parse_path_below(const std::string& text, const StoreDir& store_dir);

// The output paths of `<drv>^<spec>`, by output name. Throws Code::not_found for an output that the
// derivation does not have, Code::invalid_derivation for one whose path is not known.
std::map<std::string, StorePath> output_paths(Store& store, const BuiltPath& built);

}  // namespace cinch::cli
