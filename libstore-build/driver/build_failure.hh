// What to tell people about a build that failed.
#pragma once

#include "log_lines.hh"

#include <cinch/core/build_result.hh>
#include <cinch/core/builder.hh>
#include <cinch/core/error.hh>

#include <string>

namespace cinch {

struct FailureFacts {
  std::string derivation;  // its full path
  BuildLimits limits;
  bool is_fixed = false;
  bool disk_is_full = false;
  std::string log_location;  // empty: there is no log
  std::string kept_at;       // empty: nothing was kept
};

struct BuildFailure {
  BuildStatus status;
  std::string message;
};

// How a builder ended that did not exit with 0, with its last lines.
BuildFailure describe_end(const FinishedBuild& build, const FailureFacts& facts,
                          const LogLines& lines);
// Why the outputs of a builder that exited with 0 were not taken, with its last lines.
BuildFailure describe_rejection(const Error& error, const FailureFacts& facts,
                                const LogLines& lines);
// An exception that ended a job.
BuildFailure describe_error(const Error& error);

}  // namespace cinch
