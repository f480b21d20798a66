// A builder's output as lines, as a person would have seen them on a terminal.
#pragma once

#include <cinch/core/stream.hh>

#include <cstdint>
#include <deque>
#include <functional>
#include <string>
#include <string_view>

namespace cinch {

constexpr std::size_t log_line_bytes_max = 64 << 10;  // longer lines are cut into several

// Calls back for each line; keeps the last ones. A carriage return goes back to the start of the
// line, so of a progress bar only its last state is left.
class LogLines final : public Sink {
 public:
  using OnLine = std::function<void(const std::string& line)>;

  LogLines(std::size_t kept_max, OnLine on_line)
      : kept_max_(kept_max), on_line_(std::move(on_line)) {}

  void write(Bytes bytes) override;
  // Ends a last line that has no newline.
  void finish();
  const std::deque<std::string>& kept() const { return kept_; }

 private:
  void put(std::string_view text);
  void end_line();

  std::size_t kept_max_;
  OnLine on_line_;
  std::string line_;
  std::size_t column_ = 0;
  std::deque<std::string> kept_;
};

}  // namespace cinch
