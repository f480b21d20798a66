#include "build_failure.hh"

#include <cstring>

namespace cinch {
namespace {

std::string seconds(std::chrono::seconds time) {
  return std::to_string(time.count()) + (time.count() == 1 ? " second" : " seconds");
}

std::string signal_name(int number) {
  const char* description = sigdescr_np(number);
  return std::to_string(number) + (description ? " (" + std::string(description) + ")" : "");
}

BuildFailure describe_how(const FinishedBuild& build, const FailureFacts& facts) {
  const std::string builder = "builder for '" + facts.derivation + "' ";
  bool may_work_later = facts.is_fixed || facts.disk_is_full;
  BuildStatus failure =
      may_work_later ? BuildStatus::transient_failure : BuildStatus::permanent_failure;
  switch (build.end()) {
    case BuildEnd::exited:
      return {failure, builder + "failed with exit code " + std::to_string(build.number())};
    case BuildEnd::killed:
      return {failure, builder + "was killed by signal " + signal_name(build.number())};
    case BuildEnd::timed_out:
      return {BuildStatus::timed_out,
              builder + "was stopped, as it ran for more than " + seconds(facts.limits.time_max)};
    case BuildEnd::silent:
      return {BuildStatus::timed_out, builder + "was stopped, as it printed nothing for " +
                                          seconds(facts.limits.silent_time_max)};
    case BuildEnd::log_limit:
      return {BuildStatus::log_limit_exceeded, builder + "was stopped, as it printed more than " +
                                                   std::to_string(facts.limits.log_bytes_max) +
                                                   " bytes"};
    case BuildEnd::failed_to_start:
      break;
  }
  return {BuildStatus::permanent_failure, builder + "could not be started: " + build.message()};
}

void add_log(std::string& text, const FailureFacts& facts, const LogLines& lines) {
  if (facts.disk_is_full) text += "; the disk is nearly full, so make room and try again";
  if (!lines.kept().empty()) {
    text += ";\nlast " + std::to_string(lines.kept().size()) + " log lines:";
    for (const std::string& line : lines.kept()) text += "\n> " + line;
  }
  if (!facts.log_location.empty()) text += "\nthe log is at: " + facts.log_location;
  if (!facts.kept_at.empty()) text += "\nthe build directory was kept at: " + facts.kept_at;
}

}  // namespace

BuildFailure describe_end(const FinishedBuild& build, const FailureFacts& facts,
                          const LogLines& lines) {
  BuildFailure failure = describe_how(build, facts);
  add_log(failure.message, facts, lines);
  return failure;
}

BuildFailure describe_rejection(const Error& error, const FailureFacts& facts,
                                const LogLines& lines) {
  BuildFailure failure = describe_error(error);
  add_log(failure.message, facts, lines);
  return failure;
}

BuildFailure describe_error(const Error& error) {
  std::string message = error.what();
  switch (error.code()) {
    case Code::build_failed:
    case Code::hash_mismatch:
      return {BuildStatus::output_rejected, message};
    case Code::not_supported:
    case Code::invalid_derivation:
      return {BuildStatus::input_rejected, message};
    case Code::no_space:
    case Code::busy:
      return {BuildStatus::transient_failure, message};
    default:
      return {BuildStatus::misc_failure, message};
  }
}

}  // namespace cinch
