// Compiled for processors with AVX-512 F; see lanes.hh.
#include "lanes.hh"

namespace cinch::blake3 {

namespace {

struct Vectors {
  static constexpr std::size_t lanes = 16;
  typedef std::uint32_t Words __attribute__((vector_size(64)));

  // One instruction each: these processors rotate by any number.
  static Words rotate_right_16(Words x) { return (x >> 16) | (x << 16); }
  static Words rotate_right_8(Words x) { return (x >> 8) | (x << 24); }

  // Each step is one instruction: words and pairs of words within a quarter, then quarters.
  static void transpose(Words* rows) {
    Words fours[lanes];  // of rows 4g to 4g+3: column 4q+j in quarter q of fours[4g+j]
    for (int i = 0; i < 16; i += 4) transpose_quarters(rows + i, fours + i);
    for (int i = 0; i < 4; ++i) {
      const Words low_ab = low_halves(fours[i], fours[i + 4]);
      const Words high_ab = high_halves(fours[i], fours[i + 4]);
      const Words low_cd = low_halves(fours[i + 8], fours[i + 12]);
      const Words high_cd = high_halves(fours[i + 8], fours[i + 12]);
      rows[i] = even_quarters(low_ab, low_cd);
      rows[i + 4] = odd_quarters(low_ab, low_cd);
      rows[i + 8] = even_quarters(high_ab, high_cd);
      rows[i + 12] = odd_quarters(high_ab, high_cd);
    }
  }

 private:
  // Transposes the words of 4 rows, each quarter on its own.
  static void transpose_quarters(const Words* rows, Words* out) {
    const Words ab_low = low_words(rows[0], rows[1]);
    const Words ab_high = high_words(rows[0], rows[1]);
    const Words cd_low = low_words(rows[2], rows[3]);
    const Words cd_high = high_words(rows[2], rows[3]);
    out[0] = low_pairs(ab_low, cd_low);
    out[1] = high_pairs(ab_low, cd_low);
    out[2] = low_pairs(ab_high, cd_high);
    out[3] = high_pairs(ab_high, cd_high);
  }
  static Words low_words(Words x, Words y) {
    return __builtin_shufflevector(x, y, 0, 16, 1, 17, 4, 20, 5, 21, 8, 24, 9, 25, 12, 28, 13, 29);
  }
  static Words high_words(Words x, Words y) {
    return __builtin_shufflevector(x, y, 2, 18, 3, 19, 6, 22, 7, 23, 10, 26, 11, 27, 14, 30, 15,
                                   31);
  }
  static Words low_pairs(Words x, Words y) {
    return __builtin_shufflevector(x, y, 0, 1, 16, 17, 4, 5, 20, 21, 8, 9, 24, 25, 12, 13, 28, 29);
  }
  static Words high_pairs(Words x, Words y) {
    return __builtin_shufflevector(x, y, 2, 3, 18, 19, 6, 7, 22, 23, 10, 11, 26, 27, 14, 15, 30,
                                   31);
  }
  static Words low_halves(Words x, Words y) {
    return __builtin_shufflevector(x, y, 0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23);
  }
  static Words high_halves(Words x, Words y) {
    return __builtin_shufflevector(x, y, 8, 9, 10, 11, 12, 13, 14, 15, 24, 25, 26, 27, 28, 29, 30,
                                   31);
  }
  static Words even_quarters(Words x, Words y) {
    return __builtin_shufflevector(x, y, 0, 1, 2, 3, 8, 9, 10, 11, 16, 17, 18, 19, 24, 25, 26, 27);
  }
  static Words odd_quarters(Words x, Words y) {
    return __builtin_shufflevector(x, y, 4, 5, 6, 7, 12, 13, 14, 15, 20, 21, 22, 23, 28, 29, 30,
                                   31);
  }
};

}  // namespace

void hash_16_lanes(const LaneInput& input, unsigned char* chaining_values) {
  hash_lanes<Vectors>(input, chaining_values);
}

}  // namespace cinch::blake3
