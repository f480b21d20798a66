// Compiled for processors with SSE4.1; see lanes.hh.
#include "lanes.hh"

namespace cinch::blake3 {

namespace {

struct Vectors {
  static constexpr std::size_t lanes = 4;
  typedef std::uint32_t Words __attribute__((vector_size(16)));
  typedef std::uint8_t Octets __attribute__((vector_size(16)));

  // By whole bytes, one shuffle is cheaper than two shifts and an "or".
  static Words rotate_right_16(Words x) {
    return (Words)__builtin_shufflevector((Octets)x, (Octets)x, 2, 3, 0, 1, 6, 7, 4, 5, 10, 11, 8,
                                          9, 14, 15, 12, 13);
  }
  static Words rotate_right_8(Words x) {
    return (Words)__builtin_shufflevector((Octets)x, (Octets)x, 1, 2, 3, 0, 5, 6, 7, 4, 9, 10, 11,
                                          8, 13, 14, 15, 12);
  }

  static void transpose(Words* rows) {
    const Words a = __builtin_shufflevector(rows[0], rows[1], 0, 4, 1, 5);
    const Words b = __builtin_shufflevector(rows[0], rows[1], 2, 6, 3, 7);
    const Words c = __builtin_shufflevector(rows[2], rows[3], 0, 4, 1, 5);
    const Words d = __builtin_shufflevector(rows[2], rows[3], 2, 6, 3, 7);
    rows[0] = __builtin_shufflevector(a, c, 0, 1, 4, 5);
    rows[1] = __builtin_shufflevector(a, c, 2, 3, 6, 7);
    rows[2] = __builtin_shufflevector(b, d, 0, 1, 4, 5);
    rows[3] = __builtin_shufflevector(b, d, 2, 3, 6, 7);
  }
};

}  // namespace

void hash_4_lanes(const LaneInput& input, unsigned char* chaining_values) {
  hash_lanes<Vectors>(input, chaining_values);
}

}  // namespace cinch::blake3
