// Bytes on the move: a Source is pulled, a Sink is pushed. Neither holds more than a buffer, so
// memory does not grow with the size of what passes through.
//
// A stream belongs to one thread at a time.
#pragma once

#include <cinch/core/export.hh>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace cinch {

using Bytes = std::span<const std::byte>;

inline Bytes as_bytes(std::string_view text) {
  return {reinterpret_cast<const std::byte*>(text.data()), text.size()};
}
inline std::string_view as_text(Bytes bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

constexpr std::size_t stream_buffer_bytes = std::size_t{256} << 10;

class CINCH_CORE_API Source {
 public:
  virtual ~Source();
  // Fills the front of `buffer` and returns how many bytes; 0 means the end, and only the end.
  // REQUIRES: buffer is not empty.
  virtual std::size_t read(std::span<std::byte> buffer) = 0;
};

class CINCH_CORE_API Sink {
 public:
  virtual ~Sink();
  virtual void write(Bytes bytes) = 0;
};

// Reads from memory that the caller keeps alive.
class CINCH_CORE_API StringSource final : public Source {
 public:
  explicit StringSource(std::string_view text) : rest_(text) {}
  ~StringSource() override;
  std::size_t read(std::span<std::byte> buffer) override;

 private:
  std::string_view rest_;
};

// Collects what is written, up to a limit; throws Code::limit_exceeded above it.
class CINCH_CORE_API StringSink final : public Sink {
 public:
  explicit StringSink(std::uint64_t size_bytes_max) : size_bytes_max_(size_bytes_max) {}
  ~StringSink() override;
  void write(Bytes bytes) override;
  const std::string& text() const { return text_; }
  std::string take() { return std::move(text_); }

 private:
  std::uint64_t size_bytes_max_;
  std::string text_;
};

// Reads a source in large pieces, for whoever asks for small ones. The source must outlive it; what
// it has read ahead is lost to others.
class CINCH_CORE_API BufferedSource final : public Source {
 public:
  explicit BufferedSource(Source& source) : source_(source) {}
  ~BufferedSource() override;
  std::size_t read(std::span<std::byte> buffer) override;

 private:
  Source& source_;
  std::string buffer_;
  std::string_view rest_;
};

// Writes everything to two sinks, the first one first. Both must outlive it.
class CINCH_CORE_API TeeSink final : public Sink {
 public:
  TeeSink(Sink& first, Sink& second) : first_(first), second_(second) {}
  ~TeeSink() override;
  void write(Bytes bytes) override;

 private:
  Sink& first_;
  Sink& second_;
};

// Moves everything from `source` to `sink`; returns how many bytes that was.
CINCH_CORE_API std::uint64_t copy_stream(Source& source, Sink& sink);

// Reads to the end; throws Code::limit_exceeded above the limit.
CINCH_CORE_API std::string read_all(Source& source, std::uint64_t size_bytes_max);

}  // namespace cinch
