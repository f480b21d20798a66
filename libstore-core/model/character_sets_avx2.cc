// Compiled for processors with AVX2.
//
// The high half of a character says which of some sets it may be in, the low half in which of them
// it is: it is one of those looked for if both name the same set.
#include "character_sets.hh"

#include <cstdint>

#include <immintrin.h>

namespace cinch::avx2 {

namespace {

constexpr std::size_t vector_bytes = 32;

struct Sets {
  __m256i of_low_half;
  __m256i of_high_half;
};

__m256i twice(__m128i table) { return _mm256_broadcastsi128_si256(table); }

// '0' to '9'; 'a' to 'n' without 'e'; 'p' to 'z' without 't' and 'u'.
Sets nix32_sets() {
  constexpr char digit = 1;
  constexpr char early = 2;
  constexpr char late = 4;
  constexpr char all = digit | early | late;
  return {twice(_mm_setr_epi8(digit | late, all, all, all, digit | early, digit, all, all, all, all,
                              early | late, early, early, early, early, 0)),
          twice(_mm_setr_epi8(0, 0, 0, digit, 0, 0, early, late, 0, 0, 0, 0, 0, 0, 0, 0))};
}

// "+-."; '0' to '9', '=' and '?'; 'A' to 'O' and 'a' to 'o'; 'P' to 'Z' and '_'; 'p' to 'z'.
Sets name_sets() {
  constexpr char signs = 1;
  constexpr char digit = 2;
  constexpr char early = 4;
  constexpr char capital = 8;
  constexpr char late = 16;
  constexpr char late_letters = capital | late;
  constexpr char letters = early | late_letters;
  constexpr char all = digit | letters;
  return {twice(_mm_setr_epi8(digit | late_letters, all, all, all, all, all, all, all, all, all,
                              letters, early | signs, early, early | signs | digit, early | signs,
                              early | digit | capital)),
          twice(_mm_setr_epi8(0, 0, signs, digit, early, capital, early, late, 0, 0, 0, 0, 0, 0, 0,
                              0))};
}

// A bit for each of 32 bytes: whether it is in none of the sets.
std::uint32_t others(const std::byte* bytes, const Sets& sets) {
  const __m256i text = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(bytes));
  const __m256i high = _mm256_and_si256(_mm256_srli_epi16(text, 4), _mm256_set1_epi8(0x0f));
  // A shuffle takes a byte from 0x80 on for nothing, which is right, and else its low half.
  const __m256i common = _mm256_and_si256(_mm256_shuffle_epi8(sets.of_low_half, text),
                                          _mm256_shuffle_epi8(sets.of_high_half, high));
  const __m256i none = _mm256_cmpeq_epi8(common, _mm256_setzero_si256());
  return static_cast<std::uint32_t>(_mm256_movemask_epi8(none));
}

}  // namespace

std::size_t find_nix32_block(const std::byte* data, std::size_t size, std::size_t block) {
  constexpr std::size_t stride = 2 * vector_bytes;
  const Sets sets = nix32_sets();
  for (; size - block >= stride; block += stride) {
    const std::uint64_t other =
        others(data + block, sets) | std::uint64_t{others(data + block + vector_bytes, sets)} << 32;
    // The top bit of each 16 that are all zero; above the first of them perhaps of others, too.
    const std::uint64_t whole = (other - 0x0001'0001'0001'0001) & ~other & 0x8000'8000'8000'8000;
    if (whole != 0) return block + static_cast<std::size_t>(__builtin_ctzll(whole)) / 16 * 16;
  }
  return block;
}

bool is_base_name(const std::byte* text, std::size_t size) {
  if (others(text, nix32_sets()) != 0) return false;
  const Sets sets = name_sets();
  // From the end: the vector that is looked at last may begin among the first 32 characters, which
  // are good in names, too.
  std::size_t at = size;
  do {
    at -= vector_bytes;
    if (others(text + at, sets) != 0) return false;
  } while (at > vector_bytes);
  return true;
}

}  // namespace cinch::avx2
