// A byte stream of unknown length as frames: a length and that many bytes, again and again; a
// length of zero ends it. What breaks inside the stream leaves the connection usable, as the
// reader can skip to the end.
#pragma once

#include "wire/decoder.hh"
#include "wire/protocol.hh"

#include <cinch/core/stream.hh>

#include <cstdint>
#include <vector>

namespace cinch::wire {

class FramedSource final : public Source {
 public:
  explicit FramedSource(Decoder& decoder) : decoder_(decoder) {}
  ~FramedSource() override;
  std::size_t read(std::span<std::byte> buffer) override;
  // Skips to the end of the stream. Throws if the connection itself is broken.
  void drain();

 private:
  std::size_t read_frame(std::span<std::byte> buffer);

  Decoder& decoder_;
  std::uint64_t left_in_frame_ = 0;
  bool ended_ = false;
  bool broken_ = false;
};

// Collects what is written into frames of `frame_bytes_sent` bytes; finish() writes what is left
// and the end.
class FramedSink final : public Sink {
 public:
  explicit FramedSink(Sink& sink);
  ~FramedSink() override;
  void write(Bytes bytes) override;
  void finish();

 private:
  void flush();

  Sink& sink_;
  std::vector<std::byte> buffer_;  // begins with room for the frame's length
};

}  // namespace cinch::wire
