// What a server tells while it works on an operation: log lines, activities and their results, and
// in the end either "the reply follows" or an error.
#pragma once

#include "wire/decoder.hh"
#include "wire/encoder.hh"
#include "wire/protocol.hh"

#include <cinch/core/error.hh>

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

namespace cinch::wire {

enum class ActivityType : std::uint64_t { unknown = 0, builds = 104, build = 105 };
enum class ResultType : std::uint64_t {
  build_log_line = 101,
  progress = 105,    // done, expected, running, failed
  build_end = 1000,  // status, error message, duration in ms; only with feature_build_end
};

using Field = std::variant<std::uint64_t, std::string>;

struct LogText {
  std::string text;  // ends in a newline
};
struct StartActivity {
  std::uint64_t id;
  std::uint64_t level;
  ActivityType type;
  std::string text;
  std::vector<Field> fields;
  std::uint64_t parent;
};
struct StopActivity {
  std::uint64_t id;
};
struct ActivityResult {
  std::uint64_t id;
  ResultType type;
  std::vector<Field> fields;
};
// The operation failed; the connection goes on.
struct Failure {
  std::uint64_t level;
  std::string name;  // Nix ignores it; we send the error's code
  std::string message;
  std::vector<std::string> traces;
};
// The reply follows.
struct WorkDone {};

using Message =
    std::variant<WorkDone, LogText, StartActivity, StopActivity, ActivityResult, Failure>;

void write_message(Encoder& encoder, const Message& message);
Message read_message(Decoder& decoder);

// Errors as messages and back. The code survives between peers of ours; what Nix says is matched
// against the few sentences that have a code of their own.
Failure to_failure(const Error& error);
Error to_error(const Failure& failure);
// Nix's daemon paints its sentences for a terminal: the same text without the escape sequences.
std::string without_colours(std::string_view text);
// How clients before 1.26 expect an error.
void write_old_failure(Encoder& encoder, std::string_view message);

}  // namespace cinch::wire
