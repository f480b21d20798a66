// In which order realisations can be registered one by one.
#pragma once

#include <cinch/core/realisation.hh>

#include <span>
#include <vector>

namespace cinch {

// All of them, such that what one depends on comes before it; else as they came. Those in a cycle
// come last, for the daemon to refuse. They must outlive the result.
std::vector<const HashedRealisation*> dependencies_first(
    std::span<const HashedRealisation> realisations);

}  // namespace cinch
