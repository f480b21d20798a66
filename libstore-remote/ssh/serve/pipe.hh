// Descriptors of a pipe, a socket or a file as streams.
#pragma once

#include "transport/watch.hh"

#include <cinch/core/stream.hh>

#include <stop_token>

namespace cinch::serve {

class PipeSource final : public Source {
 public:
  // Lends the descriptor. Who waits for bytes when a stop is requested gets Code::cancelled.
  PipeSource(int descriptor, std::stop_token stop);
  ~PipeSource() override;
  std::size_t read(std::span<std::byte> buffer) override;

 private:
  const int descriptor_;
  const std::stop_token stop_;
  transport::Watch watch_;
};

class PipeSink final : public Sink {
 public:
  explicit PipeSink(int descriptor) : descriptor_(descriptor) {}
  ~PipeSink() override;
  // All of it. Throws Code::disconnected if nobody reads. REQUIRES: SIGPIPE is ignored.
  void write(Bytes bytes) override;

 private:
  const int descriptor_;
};

}  // namespace cinch::serve
