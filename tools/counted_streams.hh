// Streams that tell a progress line how much has passed.
#pragma once

#include "progress_line.hh"

#include <cinch/core/cancellation.hh>
#include <cinch/core/stream.hh>

#include <cstddef>
#include <span>
#include <stop_token>
#include <utility>

namespace cinch::cli {

class CountedSink final : public Sink {
 public:
  CountedSink(Sink& sink, ProgressLine& line) : sink_(sink), line_(line) {}
  void write(Bytes bytes) override {
    sink_.write(bytes);
    line_.add({.bytes_done = bytes.size()});
  }

 private:
  Sink& sink_;
  ProgressLine& line_;
};

// Also asks whether to stop.
class CountedSource final : public Source {
 public:
  CountedSource(Source& source, ProgressLine& line, std::stop_token stop)
      : source_(source), line_(line), stop_(std::move(stop)) {}
  std::size_t read(std::span<std::byte> buffer) override {
    check_cancelled(stop_);
    const std::size_t count = source_.read(buffer);
    line_.add({.bytes_done = count});
    return count;
  }

 private:
  Source& source_;
  ProgressLine& line_;
  std::stop_token stop_;
};

}  // namespace cinch::cli
