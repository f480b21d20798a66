// Logs of builds.
#pragma once

#include "output.hh"

#include <cinch/core/deriving_path.hh>
#include <cinch/core/store.hh>

namespace cinch::cli {

// Prints the log of the build of a derivation or of one of its outputs. Throws Code::not_found if
// there is none, Code::not_supported if the store does not hand out logs.
void print_build_log(Store& store, const DerivingPath& wanted, Output& output);

}  // namespace cinch::cli
