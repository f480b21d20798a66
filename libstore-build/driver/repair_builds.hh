// Building again what is valid but damaged.
#pragma once

#include "build_job.hh"

#include <cinch/core/build_result.hh>
#include <cinch/core/event.hh>
#include <cinch/core/realiser.hh>

#include <span>
#include <stop_token>
#include <vector>

namespace cinch {

// Makes the wanted paths valid, and sees to it that what is registered of them and of their
// closures is what lies there: contents are compared, and what is missing or damaged is built
// again, after what it needs. One build after the other, in the caller's thread; one result for
// each that was wanted, in order. Throws Code::cancelled, and what `events` throws.
std::vector<BuildResult> repair_builds(const JobContext& context,
                                       std::span<const DerivingPath> wanted, bool keep_going,
                                       EventSink& events, const std::stop_token& stop);

}  // namespace cinch
