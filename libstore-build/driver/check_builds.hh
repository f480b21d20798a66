// Building again what is valid already, to see whether it comes out the same.
#pragma once

#include "../coordinator/build_coordinator.hh"
#include "build_job.hh"

#include <cinch/core/build_result.hh>
#include <cinch/core/event.hh>

#include <functional>
#include <stop_token>
#include <vector>

namespace cinch {

// Builds what is missing, as far as it can be; one result for each that was wanted, in order.
using BuildRequested = std::function<std::vector<BuildResult>(RequestAdded)>;

// The same for builds to be compared: one after the other, in the caller's thread, each of all
// outputs of its derivation. Inputs that are missing are built first. After a failure, unless the
// request says to keep going, the rest is not tried. Throws Code::cancelled, and what `events`
// throws.
std::vector<BuildResult> check_builds(const JobContext& context, const RequestAdded& request,
                                      const BuildRequested& build, EventSink& events,
                                      const std::stop_token& stop);

}  // namespace cinch
