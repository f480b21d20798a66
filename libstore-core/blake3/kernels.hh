// BLAKE3 of several inputs of equal length at once, one in each lane of the processor's vectors:
// how chunks, and pairs of chaining values, become chaining values.
#pragma once

#include "constants.hh"

namespace cinch::blake3 {

struct LaneInput {
  const unsigned char* first;  // the inputs lie one after the other
  std::size_t blocks;          // of 64 bytes, in each input
  std::uint64_t counter;       // of the first input
  std::uint32_t counter_step;  // 1 for chunks, 0 for parents
  std::uint32_t flags;         // of every block
  std::uint32_t first_flags;   // of the first block of each input, in addition
  std::uint32_t last_flags;    // of the last block
};

// Writes a chaining value of 32 bytes for each of 4, 8 or 16 inputs.
// REQUIRES: the processor has SSE4.1, AVX2 or AVX-512 F.
void hash_4_lanes(const LaneInput& input, unsigned char* chaining_values);
void hash_8_lanes(const LaneInput& input, unsigned char* chaining_values);
void hash_16_lanes(const LaneInput& input, unsigned char* chaining_values);

}  // namespace cinch::blake3
