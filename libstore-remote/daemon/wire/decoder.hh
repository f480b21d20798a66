// Bytes to values, from any source, through a buffer. Every length is checked against a limit
// before anything is done with it.
//
// Errors: Code::protocol for what breaks the encoding (after which the rest of the stream means
// nothing), Code::limit_exceeded, Code::disconnected where the source ends inside a value; all with
// the offset in the stream.
#pragma once

#include <cinch/core/stream.hh>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace cinch::wire {

// Also a Source of the raw bytes that follow, for NARs and frames.
class Decoder final : public Source {
 public:
  // The source must outlive the decoder.
  explicit Decoder(Source& source);
  ~Decoder() override;

  std::uint64_t number();
  // As above, at most `max`; `what` names the value in the error.
  std::uint64_t number(std::uint64_t max, std::string_view what);
  bool flag() { return number() != 0; }
  std::string text(std::uint64_t bytes_max);
  // How many items follow.
  std::uint64_t count(std::uint64_t max);

  std::size_t read(std::span<std::byte> buffer) override;
  void read_exactly(std::span<std::byte> buffer);
  // Whether the source ends here; waits for the next byte.
  bool at_end();
  // Bytes that can be decoded without asking the source.
  std::size_t buffered() const { return end_ - begin_; }
  std::uint64_t offset() const { return offset_; }

 private:
  bool fill();
  void read_padding(std::uint64_t text_bytes);

  Source& source_;
  std::vector<std::byte> buffer_;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
  std::uint64_t offset_ = 0;
};

}  // namespace cinch::wire
