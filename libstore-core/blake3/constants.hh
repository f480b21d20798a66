// The constants of BLAKE3 and its round (docs/formats/hash.md), in a form that serves one word and
// a vector of words alike. Source: the BLAKE3 specification, sections 2.1 to 2.3.
//
// Files that are compiled for newer processors include this one, so it has no function that a
// linker could share with the rest of the library.
#pragma once

#include <cstddef>
#include <cstdint>

namespace cinch::blake3 {

constexpr std::size_t block_bytes = 64;
constexpr std::size_t chunk_bytes = 1024;
constexpr std::size_t digest_bytes = 32;
constexpr std::size_t state_words = 16;
constexpr std::size_t chaining_words = 8;
constexpr int rounds = 7;

enum Flag : std::uint32_t { chunk_start = 1, chunk_end = 2, parent = 4, root = 8 };

constexpr std::uint32_t initial_value[chaining_words] = {
    0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};

// Which message word each round takes at each place: the permutation, applied again and again.
struct Schedule {
  std::uint8_t word[rounds][state_words];
};

constexpr Schedule make_schedule() {
  constexpr std::uint8_t permutation[state_words] = {2, 6,  3,  10, 7, 0,  4,  13,
                                                     1, 11, 12, 5,  9, 14, 15, 8};
  Schedule schedule{};
  for (std::size_t i = 0; i < state_words; ++i) {
    schedule.word[0][i] = static_cast<std::uint8_t>(i);
    for (int round = 1; round < rounds; ++round) {
      schedule.word[round][i] = permutation[schedule.word[round - 1][i]];
    }
  }
  return schedule;
}

inline constexpr Schedule schedule = make_schedule();

}  // namespace cinch::blake3
