#include "wire/encoder.hh"

#include <array>

namespace cinch::wire {

void Encoder::number(std::uint64_t value) {
  std::array<char, 8> bytes;
  for (char& byte : bytes) {
    byte = static_cast<char>(value & 0xff);
    value >>= 8;
  }
  bytes_.append(bytes.data(), bytes.size());
}

void Encoder::text(std::string_view value) {
  number(value.size());
  bytes_ += value;
  bytes_.append((8 - value.size() % 8) % 8, '\0');
}

}  // namespace cinch::wire
