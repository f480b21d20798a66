// Where a store keeps what is not an object.
#pragma once

#include "context.hh"

#include <string>

namespace cinch::cli {

// The state directory of the store ("/nix/var/nix"); of a daemon's store, this machine's usual one,
// or $NIX_STATE_DIR.
std::string state_directory(const Context& context, const Store& store);

}  // namespace cinch::cli
