// Compiled for processors with AVX2.
#include "nix32_blocks.hh"

#include <cstdint>

#include <immintrin.h>

namespace cinch::nix32_runs {

namespace {

// The high half of a character says which of four sets it may be in, the low half in which of them
// it is: '0' to '9'; 'a' to 'o' without 'e' and 'o'; 'p' to 'z' without 't' and 'u'.
constexpr char digit = 1;
constexpr char early = 2;
constexpr char late = 4;
constexpr char all = digit | early | late;

__m256i twice(__m128i table) { return _mm256_broadcastsi128_si256(table); }

__m256i sets_of_low_halves() {
  return twice(_mm_setr_epi8(digit | late, all, all, all, digit | early, digit, all, all, all, all,
                             early | late, early, early, early, early, 0));
}

__m256i sets_of_high_halves() {
  return twice(_mm_setr_epi8(0, 0, 0, digit, 0, 0, early, late, 0, 0, 0, 0, 0, 0, 0, 0));
}

// A bit for each of 32 bytes: whether it is no nix32 character.
std::uint32_t others(const std::byte* bytes) {
  const __m256i text = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(bytes));
  const __m256i high = _mm256_and_si256(_mm256_srli_epi16(text, 4), _mm256_set1_epi8(0x0f));
  // A shuffle takes a byte from 0x80 on for nothing, which is right, and else its low half.
  const __m256i sets = _mm256_and_si256(_mm256_shuffle_epi8(sets_of_low_halves(), text),
                                        _mm256_shuffle_epi8(sets_of_high_halves(), high));
  const __m256i none = _mm256_cmpeq_epi8(sets, _mm256_setzero_si256());
  return static_cast<std::uint32_t>(_mm256_movemask_epi8(none));
}

}  // namespace

std::size_t find_block_avx2(const std::byte* data, std::size_t size, std::size_t block) {
  constexpr std::size_t stride = 64;
  for (; size - block >= stride; block += stride) {
    const std::uint64_t other = others(data + block) | std::uint64_t{others(data + block + 32)}
                                                           << 32;
    // The top bit of each 16 that are all zero; above the first of them perhaps of others, too.
    const std::uint64_t whole = (other - 0x0001'0001'0001'0001) & ~other & 0x8000'8000'8000'8000;
    if (whole != 0) return block + static_cast<std::size_t>(__builtin_ctzll(whole)) / 16 * 16;
  }
  return block;
}

}  // namespace cinch::nix32_runs
