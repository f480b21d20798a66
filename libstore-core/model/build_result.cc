#include "refusal.hh"

#include <cinch/core/build_result.hh>
#include <cinch/core/error.hh>

namespace cinch {

std::string_view to_string(BuildStatus status) {
  switch (status) {
    case BuildStatus::built:
      return "Built";
    case BuildStatus::substituted:
      return "Substituted";
    case BuildStatus::already_valid:
      return "AlreadyValid";
    case BuildStatus::permanent_failure:
      return "PermanentFailure";
    case BuildStatus::input_rejected:
      return "InputRejected";
    case BuildStatus::output_rejected:
      return "OutputRejected";
    case BuildStatus::transient_failure:
      return "TransientFailure";
    case BuildStatus::cached_failure:
      return "CachedFailure";
    case BuildStatus::timed_out:
      return "TimedOut";
    case BuildStatus::misc_failure:
      return "MiscFailure";
    case BuildStatus::dependency_failed:
      return "DependencyFailed";
    case BuildStatus::log_limit_exceeded:
      return "LogLimitExceeded";
    case BuildStatus::not_deterministic:
      return "NotDeterministic";
    case BuildStatus::resolves_to_already_valid:
      return "ResolvesToAlreadyValid";
    case BuildStatus::no_substituters:
      return "NoSubstituters";
  }
  return "Unknown";
}

BuildStatus parse_build_status(std::string_view name) {
  for (unsigned number = 0; number <= static_cast<unsigned>(BuildStatus::no_substituters);
       ++number) {
    const auto status = static_cast<BuildStatus>(number);
    if (to_string(status) == name) return status;
  }
  throw Error(Code::malformed, "'" + excerpt(name) + "' is not the status of a build").at(0);
}

bool BuildResult::succeeded() const {
  return status == BuildStatus::built || status == BuildStatus::substituted ||
         status == BuildStatus::already_valid || status == BuildStatus::resolves_to_already_valid;
}

}  // namespace cinch
