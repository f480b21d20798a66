#include "wire/decoder.hh"

#include <cinch/core/error.hh>

#include <algorithm>
#include <array>
#include <cstring>

namespace cinch::wire {
namespace {

constexpr std::size_t buffer_bytes = std::size_t{64} << 10;

std::uint64_t little_endian(std::span<const std::byte, 8> bytes) {
  std::uint64_t value = 0;
  for (auto byte = bytes.rbegin(); byte != bytes.rend(); ++byte) {
    value = value << 8 | std::to_integer<std::uint64_t>(*byte);
  }
  return value;
}

}  // namespace

Decoder::Decoder(Source& source) : source_(source), buffer_(buffer_bytes) {}
Decoder::~Decoder() = default;

std::uint64_t Decoder::number() {
  std::array<std::byte, 8> bytes;
  read_exactly(bytes);
  return little_endian(bytes);
}

std::uint64_t Decoder::number(std::uint64_t max, std::string_view what) {
  const std::uint64_t start = offset_;
  const std::uint64_t value = number();
  if (value <= max) return value;
  throw Error(Code::protocol, std::string(what) + " is " + std::to_string(value) +
                                  ", more than the allowed " + std::to_string(max))
      .at(start);
}

std::string Decoder::text(std::uint64_t bytes_max) {
  const std::uint64_t start = offset_;
  const std::uint64_t size = number();
  if (size > bytes_max) {
    throw Error(Code::limit_exceeded, "a text of " + std::to_string(size) +
                                          " bytes is longer than the allowed " +
                                          std::to_string(bytes_max))
        .at(start);
  }
  std::string result;
  while (result.size() < size) {
    const std::size_t have = result.size();
    result.resize(have +
                  static_cast<std::size_t>(std::min<std::uint64_t>(size - have, buffer_bytes)));
    read_exactly(std::as_writable_bytes(std::span(result).subspan(have)));
  }
  read_padding(size);
  return result;
}

std::uint64_t Decoder::count(std::uint64_t max) {
  const std::uint64_t start = offset_;
  const std::uint64_t value = number();
  if (value <= max) return value;
  throw Error(Code::limit_exceeded, "a list of " + std::to_string(value) +
                                        " items is longer than the allowed " + std::to_string(max))
      .at(start);
}

void Decoder::read_padding(std::uint64_t text_bytes) {
  std::array<std::byte, 8> padding{};
  const std::size_t count = static_cast<std::size_t>((8 - text_bytes % 8) % 8);
  read_exactly(std::span(padding).first(count));
  if (std::any_of(padding.begin(), padding.end(), [](std::byte b) { return b != std::byte{}; })) {
    throw Error(Code::protocol, "the padding of a text is not zero").at(offset_ - count);
  }
}

std::size_t Decoder::read(std::span<std::byte> buffer) {
  if (begin_ == end_) {
    if (buffer.size() >= buffer_.size()) {
      const std::size_t count = source_.read(buffer);
      offset_ += count;
      return count;
    }
    if (!fill()) return 0;
  }
  const std::size_t count = std::min(buffer.size(), end_ - begin_);
  std::memcpy(buffer.data(), buffer_.data() + begin_, count);
  begin_ += count;
  offset_ += count;
  return count;
}

void Decoder::read_exactly(std::span<std::byte> buffer) {
  while (!buffer.empty()) {
    const std::size_t count = read(buffer);
    if (count == 0) {
      throw Error(Code::disconnected, "the peer went away in the middle of a message").at(offset_);
    }
    buffer = buffer.subspan(count);
  }
}

bool Decoder::at_end() { return begin_ == end_ && !fill(); }

bool Decoder::fill() {
  begin_ = 0;
  end_ = 0;
  end_ = source_.read(buffer_);
  return end_ != 0;
}

}  // namespace cinch::wire
