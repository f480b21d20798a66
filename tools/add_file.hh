// Files and trees of the user, into a store.
#pragma once

#include "console.hh"

#include <cinch/core/store.hh>

#include <stop_token>
#include <string>

namespace cinch::cli {

// Adds a file or tree and returns its path; in one pass where the store can do that.
StorePath add_file(Console& console, Store& store, const std::string& file,
                   const AddContent& options, std::stop_token stop);

}  // namespace cinch::cli
