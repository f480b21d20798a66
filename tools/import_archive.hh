// Archives of store objects, as `nix-store --export` writes them.
#pragma once

#include "context.hh"

#include <cinch/core/store_path.hh>
#include <cinch/core/stream.hh>

#include <stop_token>
#include <vector>

namespace cinch::cli {

// Adds all objects of an archive, which need no signatures, and returns their paths. Shows how far
// it is.
std::vector<StorePath> import_archive(Context& context, Store& store, Source& archive,
                                      std::stop_token stop);

}  // namespace cinch::cli
