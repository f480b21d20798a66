#include "wire/framed.hh"

#include "wire/encoder.hh"

#include <cinch/core/error.hh>

#include <algorithm>
#include <cstring>

namespace cinch::wire {
namespace {

constexpr std::size_t header_bytes = 8;

}  // namespace

FramedSource::~FramedSource() = default;

std::size_t FramedSource::read(std::span<std::byte> buffer) {
  if (ended_) return 0;
  if (broken_) throw Error(Code::protocol, "the stream is broken").at(decoder_.offset());
  broken_ = true;  // unless this call gets to its end
  const std::size_t count = read_frame(buffer);
  broken_ = false;
  return count;
}

std::size_t FramedSource::read_frame(std::span<std::byte> buffer) {
  if (left_in_frame_ == 0) {
    left_in_frame_ = decoder_.number(frame_bytes_max, "the length of a frame");
    ended_ = left_in_frame_ == 0;
    if (ended_) return 0;
  }
  const std::size_t wanted =
      static_cast<std::size_t>(std::min<std::uint64_t>(buffer.size(), left_in_frame_));
  const std::size_t count = decoder_.read(buffer.first(wanted));
  if (count == 0) {
    throw Error(Code::disconnected, "the peer went away in the middle of a stream")
        .at(decoder_.offset());
  }
  left_in_frame_ -= count;
  return count;
}

void FramedSource::drain() {
  std::vector<std::byte> buffer(stream_buffer_bytes);
  while (read(buffer) != 0) {
  }
}

FramedSink::FramedSink(Sink& sink) : sink_(sink) {
  buffer_.reserve(header_bytes + frame_bytes_sent);
  buffer_.resize(header_bytes);
}
FramedSink::~FramedSink() = default;

void FramedSink::write(Bytes bytes) {
  while (!bytes.empty()) {
    const std::size_t room = header_bytes + frame_bytes_sent - buffer_.size();
    const Bytes part = bytes.first(std::min(room, bytes.size()));
    buffer_.insert(buffer_.end(), part.begin(), part.end());
    bytes = bytes.subspan(part.size());
    if (part.size() == room) flush();
  }
}

void FramedSink::finish() {
  flush();
  Encoder end;
  end.number(0);
  sink_.write(end.bytes());
}

void FramedSink::flush() {
  const std::size_t size = buffer_.size() - header_bytes;
  if (size == 0) return;
  Encoder header;
  header.number(size);
  std::memcpy(buffer_.data(), header.bytes().data(), header_bytes);
  sink_.write(buffer_);
  buffer_.resize(header_bytes);
}

}  // namespace cinch::wire
