// Watches one process in its sandbox: passes its log on, keeps its limits, and sees its end.
#pragma once

#include "system/launch.hh"

#include <cinch/core/build_request.hh>
#include <cinch/core/builder.hh>

#include <stop_token>

namespace cinch::sandbox {

struct WatchResult {
  BuildEnd end = BuildEnd::exited;
  ProcessEnd process{};
};

// Blocks until the process and all others of its sandbox are gone, whatever happens. Throws
// Code::cancelled, and what the log throws.
WatchResult watch(const Process& process, const BuildLimits& limits, Sink& log,
                  std::stop_token stop);

}  // namespace cinch::sandbox
