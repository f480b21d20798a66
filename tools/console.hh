// Standard error: what people read. Errors, warnings, log lines and, on a terminal, one status line
// that is redrawn in place.
#pragma once

#include <cinch/core/error.hh>
#include <cinch/core/event.hh>
#include <cinch/core/store_path.hh>

#include <chrono>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <string_view>

namespace cinch::cli {

enum class LogFormat : std::uint8_t { raw, bar, internal_json };

struct ConsoleOptions {
  int descriptor = 2;
  Verbosity verbosity = Verbosity::notice;
  LogFormat format = LogFormat::raw;  // bar only makes sense on a terminal
  bool terminal = false;
  bool colours = false;
  bool build_logs = false;  // -L
  StoreDir store_dir = StoreDir();
};

// Safe for several threads at once.
class Console final : public EventSink {
 public:
  Console() = default;
  ~Console() override;

  void configure(ConsoleOptions options);
  Verbosity verbosity() const { return options_.verbosity; }

  // Levels above the verbosity are dropped. The text may have several lines.
  void message(Verbosity level, std::string_view text);
  void warn(std::string_view text) { message(Verbosity::warn, "warning: " + std::string(text)); }
  // One `error:` line and, if there is something to do about it, one `hint:` line.
  void error(const Error& error);
  void error(std::string_view text, std::string_view hint = {});

  void emit(const Event& event) override;
  // Whether anybody sees how far an operation is.
  bool shows_progress() const;
  // The status line of an operation that is no build; an empty text takes it away.
  void show_line(std::string text);
  // An activity of Nix's internal-json log format; 0, and nothing is written, in other formats.
  std::uint64_t begin_activity(int type, std::string_view text);
  void progress_activity(std::uint64_t activity, std::uint64_t done, std::uint64_t expected);
  void end_activity(std::uint64_t activity);
  // Takes the status line away.
  void finish();

 private:
  struct Running {
    std::uint64_t activity = 0;  // its number in internal-json
    std::string last_line;
  };

  void handle(const MessageEvent& event);
  void handle(const BuildStartedEvent& event);
  void handle(const BuildLogEvent& event);
  void handle(const BuildFinishedEvent& event);
  void handle(const BuildProgressEvent& event);

  std::string painted(std::string_view colour, std::string_view text) const;
  void put_line(std::string_view line);
  void put_error(std::string_view text, std::string_view hint);
  void put_json_message(Verbosity level, std::string_view text);
  bool shows_status() const;
  void draw();
  // What takes the status line away, and what puts it there: bytes for the terminal.
  std::string erasure();
  std::string status();
  std::string status_text() const;
  void write_all(std::string_view text) const;

  std::mutex mutex_;
  ConsoleOptions options_;
  std::map<StorePath, Running> running_;
  BuildProgressEvent progress_{};
  std::string line_;                   // of show_line()
  StorePath const* newest_ = nullptr;  // whose line the status shows; a key of running_
  bool drawn_ = false;
  std::chrono::steady_clock::time_point drawn_at_{};
  std::uint64_t next_activity_ = 2;
  bool builds_started_ = false;
};

}  // namespace cinch::cli
