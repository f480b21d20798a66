// How one build, or one wanted path, ended.
#pragma once

#include <cinch/core/deriving_path.hh>
#include <cinch/core/export.hh>
#include <cinch/core/signature.hh>
#include <cinch/core/store_path.hh>

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>

namespace cinch {

// Numbers are those of the worker protocol: never renumber.
enum class BuildStatus : std::uint8_t {
  built = 0,
  substituted = 1,
  already_valid = 2,
  permanent_failure = 3,
  input_rejected = 4,
  output_rejected = 5,
  transient_failure = 6,
  cached_failure = 7,
  timed_out = 8,
  misc_failure = 9,
  dependency_failed = 10,
  log_limit_exceeded = 11,
  not_deterministic = 12,
  resolves_to_already_valid = 13,
  no_substituters = 14,
};

CINCH_CORE_API std::string_view to_string(BuildStatus status);  // "Built", as in JSON
// Throws Code::malformed for a name that is none.
CINCH_CORE_API BuildStatus parse_build_status(std::string_view name);

struct CINCH_CORE_API BuildResult {
  DerivingPath wanted;
  BuildStatus status = BuildStatus::misc_failure;
  std::string error_message;  // empty on success; else names derivation, exit status and log
  std::uint32_t times_built = 0;
  std::int64_t start_time = 0;  // Unix seconds; 0: was not built
  std::int64_t stop_time = 0;
  std::optional<std::chrono::microseconds> cpu_user;
  std::optional<std::chrono::microseconds> cpu_system;
  std::map<std::string, StorePath> outputs;  // of a BuiltPath that succeeded: name to path
  std::map<std::string, std::set<Signature>> signatures;  // of their realisations, by name
  bool is_non_deterministic = false;                      // of a failure: another try may succeed

  bool succeeded() const;
  friend bool operator==(const BuildResult&, const BuildResult&) = default;
};

}  // namespace cinch
