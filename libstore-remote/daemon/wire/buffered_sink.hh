// Collects small writes, so that a socket sees large ones.
#pragma once

#include <cinch/core/stream.hh>

#include <cstddef>
#include <vector>

namespace cinch::wire {

class BufferedSink final : public Sink {
 public:
  explicit BufferedSink(Sink& sink);
  ~BufferedSink() override;  // does not flush
  void write(Bytes bytes) override;
  void flush();

 private:
  Sink& sink_;
  std::vector<std::byte> buffer_;
};

}  // namespace cinch::wire
