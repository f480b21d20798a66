// Finds the runs of nix32 characters in which hash parts may stand.
//
// A hash part is 32 characters of nix32, and most bytes of most files are none. Any 32 bytes in a
// row hold a whole block of 16 that begins at a multiple of 16; so the scanner looks for such
// blocks that hold nix32 characters only, first by a test that two SSE2 instructions do for most,
// then exactly. Around a block that passes it finds the run of nix32 characters, and looks up every
// 32 of them. Each byte is read at most a few times, whatever the data.
#pragma once

#include "character_sets.hh"

#include <cinch/core/encoding.hh>
#include <cinch/core/store_path.hh>
#include <cinch/core/stream.hh>

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace cinch::nix32_runs {

inline constexpr std::size_t hash_part_length = store_path_hash_part_length;
inline constexpr std::size_t tail_max = hash_part_length - 1;
inline constexpr std::size_t block_bytes = 16;
inline constexpr std::uint32_t full_mask = 0xffff;
static_assert(hash_part_length >= 2 * block_bytes - 1);

constexpr std::array<bool, 256> nix32_characters() {
  std::array<bool, 256> table{};
  for (const char c : nix32_alphabet) table[static_cast<unsigned char>(c)] = true;
  return table;
}

inline constexpr std::array<bool, 256> is_nix32_character = nix32_characters();

inline bool is_nix32(std::byte byte) { return is_nix32_character[std::to_integer<unsigned>(byte)]; }

#if defined(__SSE2__)

inline __m128i load_block(const std::byte* block) {
  return _mm_loadu_si128(reinterpret_cast<const __m128i*>(block));
}

// 0xff for each byte that is from `first` to `first + count - 1`.
inline __m128i in_range(__m128i bytes, char first, char count) {
  const __m128i distance = _mm_sub_epi8(bytes, _mm_set1_epi8(first));
  const __m128i within = _mm_min_epu8(distance, _mm_set1_epi8(static_cast<char>(count - 1)));
  return _mm_cmpeq_epi8(within, distance);
}

// Bit 16 says whether a block may hold nix32 characters only: here, nothing below '0' or above
// 0x7f.
inline std::uint32_t may_be_nix32(const std::byte* block) {
  const __m128i high = _mm_cmpgt_epi8(load_block(block), _mm_set1_epi8('0' - 1));
  return static_cast<std::uint32_t>(_mm_movemask_epi8(high)) + 1;
}

// A bit for each byte of the block, the lowest for the first: whether it is a nix32 character.
inline std::uint32_t mask_of(const std::byte* block) {
  const __m128i bytes = load_block(block);
  const __m128i wide = _mm_or_si128(in_range(bytes, '0', 10), in_range(bytes, 'a', 26));
  const auto equals = [](__m128i x, char c) { return _mm_cmpeq_epi8(x, _mm_set1_epi8(c)); };
  const __m128i e_or_o = _mm_or_si128(equals(bytes, 'e'), equals(bytes, 'o'));
  const __m128i t_or_u = equals(_mm_or_si128(bytes, _mm_set1_epi8('t' ^ 'u')), 'u');
  const __m128i other = _mm_or_si128(e_or_o, t_or_u);
  return static_cast<std::uint32_t>(_mm_movemask_epi8(_mm_andnot_si128(other, wide)));
}

#else

inline std::uint32_t mask_of(const std::byte* block) {
  std::uint32_t mask = 0;
  for (std::size_t i = 0; i < block_bytes; ++i) mask |= std::uint32_t{is_nix32(block[i])} << i;
  return mask;
}

inline std::uint32_t may_be_nix32(const std::byte* block) {
  for (std::size_t i = block_bytes; i-- > 0;) {
    if (!is_nix32(block[i])) return 0;
  }
  return full_mask + 1;
}

#endif

// The first block from `block` on that holds nix32 characters only; if there is none, one that is
// not whole.
inline std::size_t find_block(const std::byte* data, std::size_t size, std::size_t block) {
  constexpr std::size_t stride = 4 * block_bytes;
  if (CINCH_HAS_AVX2()) block = avx2::find_nix32_block(data, size, block);
  for (; size - block >= stride; block += stride) {
    // One branch for four blocks.
    const std::byte* four = data + block;
    const std::uint32_t may_be = may_be_nix32(four) | may_be_nix32(four + block_bytes) |
                                 may_be_nix32(four + 2 * block_bytes) |
                                 may_be_nix32(four + 3 * block_bytes);
    if (may_be <= full_mask) continue;
    for (std::size_t i = 0; i < stride; i += block_bytes) {
      if (mask_of(four + i) == full_mask) return block + i;
    }
  }
  while (size - block >= block_bytes && mask_of(data + block) != full_mask) block += block_bytes;
  return block;
}

// How many nix32 characters stand before `block`, in the block before it.
// REQUIRES: block is a multiple of the block size.
inline std::size_t run_before(const std::byte* data, std::size_t block) {
  if (block == 0) return 0;
  return static_cast<std::size_t>(std::countl_one(mask_of(data + block - block_bytes) << 16));
}

// Where the run of nix32 characters ends that holds the whole of the block at `block`.
inline std::size_t end_of_run(const std::byte* data, std::size_t size, std::size_t block) {
  for (std::size_t at = block + block_bytes;; at += block_bytes) {
    if (size - at < block_bytes) {
      while (at < size && is_nix32(data[at])) ++at;
      return at;
    }
    const std::uint32_t mask = mask_of(data + at);
    if (mask != full_mask) return at + static_cast<std::size_t>(std::countr_one(mask));
  }
}

// Calls `visit` with the begin and the end of each run of nix32 characters that holds 32 or more of
// them, in order, and perhaps of some shorter ones. `visit` may change the bytes of its run.
template <class Data, class Visit>
void visit_runs(Data* data, std::size_t size, Visit visit) {
  for (std::size_t block = 0;;) {
    block = find_block(data, size, block);
    if (size - block < block_bytes) return;
    const std::size_t begin = block - run_before(data, block);
    const std::size_t end = end_of_run(data, size, block);
    visit(begin, end);
    // The byte at `end` is not nix32, so the block that holds it needs no look.
    block = end / block_bytes * block_bytes + block_bytes;
    if (block > size) return;
  }
}

// How many nix32 characters end the bytes, counted to 31: a hash part may have begun in them.
inline std::size_t tail_of(Bytes bytes) {
  std::size_t count = 0;
  while (count < tail_max && count < bytes.size() && is_nix32(bytes[bytes.size() - 1 - count])) {
    ++count;
  }
  return count;
}

}  // namespace cinch::nix32_runs
