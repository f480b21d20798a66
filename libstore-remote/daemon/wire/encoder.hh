// Values to bytes: everything is a 64-bit little-endian number or a text with its length, padded
// with zeros to a multiple of eight.
#pragma once

#include <cinch/core/stream.hh>

#include <cstdint>
#include <string>
#include <string_view>

namespace cinch::wire {

class Encoder {
 public:
  void number(std::uint64_t value);
  void flag(bool value) { number(value ? 1 : 0); }
  void text(std::string_view value);
  // A count and the texts, in the container's order.
  template <class Range>
  void texts(const Range& values) {
    number(values.size());
    for (const auto& value : values) text(value);
  }

  Bytes bytes() const { return as_bytes(bytes_); }
  std::size_t size() const { return bytes_.size(); }
  bool empty() const { return bytes_.empty(); }
  void clear() { bytes_.clear(); }
  void append(const Encoder& other) { bytes_ += other.bytes_; }

 private:
  std::string bytes_;
};

}  // namespace cinch::wire
