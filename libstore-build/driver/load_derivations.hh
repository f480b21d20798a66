// Finds out, for a batch of derivations, what the coordinator must know.
#pragma once

#include "../coordinator/build_coordinator.hh"

#include <cinch/core/store.hh>

#include <map>
#include <span>
#include <vector>

namespace cinch {

struct LoadedDerivations {
  std::vector<CoordinatorEvent> events;         // one for each path, in order
  std::map<StorePath, Derivation> derivations;  // those that could be loaded
};

// Takes temporary roots for the derivations, their sources and their outputs, then asks for their
// validity, so that what is valid stays. What cannot be loaded is an event, not an exception.
LoadedDerivations load_derivations(Store& store, std::span<const StorePath> paths);

}  // namespace cinch
