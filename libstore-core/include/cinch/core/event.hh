// What happens during a long operation, told as it happens.
#pragma once

#include <cinch/core/build_result.hh>
#include <cinch/core/export.hh>
#include <cinch/core/store_path.hh>

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

namespace cinch {

// Numbers are those of the worker protocol and of Nix's -v flags.
enum class Verbosity : std::uint8_t {
  error = 0,
  warn = 1,
  notice = 2,
  info = 3,
  talkative = 4,
  chatty = 5,
  debug = 6,
  vomit = 7,
};

// One sentence for a person.
struct MessageEvent {
  Verbosity level;
  std::string text;
};
// A builder starts. Its log lines and its end carry the same derivation.
struct BuildStartedEvent {
  StorePath derivation;
};
// One line of a builder's output, without the newline; bytes, not necessarily UTF-8.
struct BuildLogEvent {
  StorePath derivation;
  std::string line;
};
struct BuildFinishedEvent {
  StorePath derivation;
  BuildStatus status;
  std::string error_message;  // empty on success
  std::uint64_t duration_ms;
};
// How far the whole request is.
struct BuildProgressEvent {
  std::uint64_t done;
  std::uint64_t expected;
  std::uint64_t running;
  std::uint64_t failed;
};

using Event = std::variant<MessageEvent, BuildStartedEvent, BuildLogEvent, BuildFinishedEvent,
                           BuildProgressEvent>;

// Called from any thread, but never by two at once for the same operation. Must not call back into
// the operation and should not block for long. An exception from it cancels the operation.
class CINCH_CORE_API EventSink {
 public:
  virtual ~EventSink();
  virtual void emit(const Event& event) = 0;
};

// Drops everything.
class CINCH_CORE_API NullEventSink final : public EventSink {
 public:
  ~NullEventSink() override;
  void emit(const Event&) override {}
};

}  // namespace cinch
