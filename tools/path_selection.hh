// The objects that a verb works on: PATH..., with --all and the closures with --recursive.
#pragma once

#include "context.hh"

#include <cinch/core/path_info.hh>

#include <map>

namespace cinch::cli {

enum class Reach : std::uint8_t { paths, closures };

// What the arguments name. Throws Code::invalid_argument if that is nothing, Code::not_found for a
// path that is not valid.
std::map<StorePath, PathInfo> selected_objects(const Context& context, Store& store, Reach reach);

// The reach that --recursive asks for.
Reach chosen_reach(const Context& context);

}  // namespace cinch::cli
