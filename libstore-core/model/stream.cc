#include <cinch/core/error.hh>
#include <cinch/core/stream.hh>

#include <algorithm>
#include <cstring>
#include <memory>

namespace cinch {

Source::~Source() = default;
Sink::~Sink() = default;
StringSource::~StringSource() = default;
StringSink::~StringSink() = default;
BufferedSource::~BufferedSource() = default;
TeeSink::~TeeSink() = default;

std::size_t StringSource::read(std::span<std::byte> buffer) {
  const std::size_t count = std::min(buffer.size(), rest_.size());
  if (count == 0) return 0;
  std::memcpy(buffer.data(), rest_.data(), count);
  rest_.remove_prefix(count);
  return count;
}

std::size_t BufferedSource::read(std::span<std::byte> buffer) {
  if (rest_.empty()) {
    if (buffer.size() >= stream_buffer_bytes) return source_.read(buffer);
    buffer_.resize(stream_buffer_bytes);
    const std::size_t count = source_.read(std::as_writable_bytes(std::span(buffer_)));
    rest_ = std::string_view(buffer_).substr(0, count);
  }
  const std::size_t count = std::min(buffer.size(), rest_.size());
  if (count > 0) std::memcpy(buffer.data(), rest_.data(), count);
  rest_.remove_prefix(count);
  return count;
}

void StringSink::write(Bytes bytes) {
  if (bytes.size() > size_bytes_max_ - text_.size()) {
    throw Error(Code::limit_exceeded,
                "more than the allowed " + std::to_string(size_bytes_max_) + " bytes");
  }
  text_ += as_text(bytes);
}

void TeeSink::write(Bytes bytes) {
  first_.write(bytes);
  second_.write(bytes);
}

std::uint64_t copy_stream(Source& source, Sink& sink) {
  const auto buffer = std::make_unique_for_overwrite<std::byte[]>(stream_buffer_bytes);
  const std::span room(buffer.get(), stream_buffer_bytes);
  std::uint64_t total = 0;
  while (const std::size_t count = source.read(room)) {
    sink.write(room.first(count));
    total += count;
  }
  return total;
}

std::string read_all(Source& source, std::uint64_t size_bytes_max) {
  StringSink sink(size_bytes_max);
  copy_stream(source, sink);
  return sink.take();
}

}  // namespace cinch
