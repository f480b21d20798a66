// Making paths valid on behalf of nix-store.
#pragma once

#include "store_call.hh"

#include <cinch/core/deriving_path.hh>

#include <set>
#include <string>
#include <vector>

namespace cinch::cli {

// Builds or checks everything. Returns 0, or the exit status, when failures have been told.
int realise(StoreCall& call, const std::vector<DerivingPath>& wanted);

// What is printed for one path that was realised: itself or its outputs, or, with --add-root, the
// links to them, which are made.
std::set<std::string> realised_names(StoreCall& call, const DerivingPath& wanted);

}  // namespace cinch::cli
