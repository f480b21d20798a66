// Symlinks to results, which keep them alive.
#pragma once

#include <cinch/core/store.hh>

#include <string>

namespace cinch::cli {

// Makes `link` (relative to the working directory) point to the path and registers it as a root.
// Replaces an older link into the store, nothing else: Code::invalid_argument otherwise.
void make_out_link(Store& store, const std::string& link, const StorePath& target);

// What the link of one output of the n-th thing to build is called: result, result-dev, result-1.
std::string out_link_name(const std::string& link, std::size_t position, const std::string& output);

}  // namespace cinch::cli
