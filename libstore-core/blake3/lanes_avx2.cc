// Compiled for processors with AVX2; see lanes.hh.
#include "lanes.hh"

namespace cinch::blake3 {

namespace {

struct Vectors {
  static constexpr std::size_t lanes = 8;
  typedef std::uint32_t Words __attribute__((vector_size(32)));
  typedef std::uint8_t Octets __attribute__((vector_size(32)));

  // By whole bytes, one shuffle is cheaper than two shifts and an "or".
  static Words rotate_right_16(Words x) {
    return (Words)__builtin_shufflevector((Octets)x, (Octets)x, 2, 3, 0, 1, 6, 7, 4, 5, 10, 11, 8,
                                          9, 14, 15, 12, 13, 18, 19, 16, 17, 22, 23, 20, 21, 26, 27,
                                          24, 25, 30, 31, 28, 29);
  }
  static Words rotate_right_8(Words x) {
    return (Words)__builtin_shufflevector((Octets)x, (Octets)x, 1, 2, 3, 0, 5, 6, 7, 4, 9, 10, 11,
                                          8, 13, 14, 15, 12, 17, 18, 19, 16, 21, 22, 23, 20, 25, 26,
                                          27, 24, 29, 30, 31, 28);
  }

  // Each step is one instruction: words, pairs of words, halves.
  static void transpose(Words* rows) {
    Words pairs[lanes];
    for (int i = 0; i < 8; i += 2) {
      pairs[i] = __builtin_shufflevector(rows[i], rows[i + 1], 0, 8, 1, 9, 4, 12, 5, 13);
      pairs[i + 1] = __builtin_shufflevector(rows[i], rows[i + 1], 2, 10, 3, 11, 6, 14, 7, 15);
    }
    Words fours[lanes];
    for (int i = 0; i < 8; i += 4) {
      fours[i] = low_pairs(pairs[i], pairs[i + 2]);
      fours[i + 1] = high_pairs(pairs[i], pairs[i + 2]);
      fours[i + 2] = low_pairs(pairs[i + 1], pairs[i + 3]);
      fours[i + 3] = high_pairs(pairs[i + 1], pairs[i + 3]);
    }
    for (int i = 0; i < 4; ++i) {
      rows[i] = __builtin_shufflevector(fours[i], fours[i + 4], 0, 1, 2, 3, 8, 9, 10, 11);
      rows[i + 4] = __builtin_shufflevector(fours[i], fours[i + 4], 4, 5, 6, 7, 12, 13, 14, 15);
    }
  }

 private:
  static Words low_pairs(Words x, Words y) {
    return __builtin_shufflevector(x, y, 0, 1, 8, 9, 4, 5, 12, 13);
  }
  static Words high_pairs(Words x, Words y) {
    return __builtin_shufflevector(x, y, 2, 3, 10, 11, 6, 7, 14, 15);
  }
};

}  // namespace

void hash_8_lanes(const LaneInput& input, unsigned char* chaining_values) {
  hash_lanes<Vectors>(input, chaining_values);
}

}  // namespace cinch::blake3
