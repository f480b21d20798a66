#include "wire/buffered_sink.hh"

namespace cinch::wire {
namespace {

constexpr std::size_t buffer_bytes = std::size_t{64} << 10;

}  // namespace

BufferedSink::BufferedSink(Sink& sink) : sink_(sink) { buffer_.reserve(buffer_bytes); }
BufferedSink::~BufferedSink() = default;

void BufferedSink::write(Bytes bytes) {
  if (buffer_.size() + bytes.size() > buffer_bytes) flush();
  if (bytes.size() >= buffer_bytes) return sink_.write(bytes);
  buffer_.insert(buffer_.end(), bytes.begin(), bytes.end());
}

void BufferedSink::flush() {
  if (buffer_.empty()) return;
  sink_.write(buffer_);
  buffer_.clear();
}

}  // namespace cinch::wire
