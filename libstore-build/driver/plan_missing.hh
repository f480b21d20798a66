// What realising would do, found out in one query for each level of the graph.
#pragma once

#include <cinch/core/realiser.hh>
#include <cinch/core/store.hh>

#include <span>

namespace cinch {

MissingPlan plan_missing(Store& store, std::span<const DerivingPath> wanted);

}  // namespace cinch
