// The code of hash_4_lanes(), hash_8_lanes() and hash_16_lanes(): one text, compiled once for each
// kind of processor. The file that includes it gives `V`: the vectors, and what differs with their
// width.
// All names are private to that file, so that the linker cannot mix the kinds up.
#pragma once

#include "kernels.hh"

#include <cstring>

namespace cinch::blake3 {

namespace {

template <class V>
inline __attribute__((always_inline)) void mix(typename V::Words* state, int a, int b, int c, int d,
                                               typename V::Words x, typename V::Words y) {
  state[a] += state[b] + x;
  state[d] = V::rotate_right_16(state[d] ^ state[a]);
  state[c] += state[d];
  state[b] ^= state[c];
  state[b] = (state[b] >> 12) | (state[b] << 20);
  state[a] += state[b] + y;
  state[d] = V::rotate_right_8(state[d] ^ state[a]);
  state[c] += state[d];
  state[b] ^= state[c];
  state[b] = (state[b] >> 7) | (state[b] << 25);
}

template <class V>
inline __attribute__((always_inline)) void mix_round(typename V::Words* state,
                                                     const typename V::Words* message, int round) {
  const std::uint8_t* word = schedule.word[round];
  mix<V>(state, 0, 4, 8, 12, message[word[0]], message[word[1]]);
  mix<V>(state, 1, 5, 9, 13, message[word[2]], message[word[3]]);
  mix<V>(state, 2, 6, 10, 14, message[word[4]], message[word[5]]);
  mix<V>(state, 3, 7, 11, 15, message[word[6]], message[word[7]]);
  mix<V>(state, 0, 5, 10, 15, message[word[8]], message[word[9]]);
  mix<V>(state, 1, 6, 11, 12, message[word[10]], message[word[11]]);
  mix<V>(state, 2, 7, 8, 13, message[word[12]], message[word[13]]);
  mix<V>(state, 3, 4, 9, 14, message[word[14]], message[word[15]]);
}

// Word i of the block of every lane, for all i.
template <class V>
inline __attribute__((always_inline)) void load_message(const unsigned char* block,
                                                        std::size_t stride,
                                                        typename V::Words* message) {
  constexpr std::size_t vector_bytes = sizeof(typename V::Words);
  for (std::size_t part = 0; part < state_words / V::lanes; ++part) {
    typename V::Words* rows = message + part * V::lanes;
    for (std::size_t lane = 0; lane < V::lanes; ++lane) {
      const unsigned char* row = block + lane * stride + part * vector_bytes;
      std::memcpy(&rows[lane], row, vector_bytes);
      // What the next call will want here: no processor foresees reading in this order.
      __builtin_prefetch(row + V::lanes * stride);
    }
    V::transpose(rows);
  }
}

// The chaining value of every lane, one after the other.
template <class V>
inline __attribute__((always_inline)) void store_chaining(const typename V::Words* chaining,
                                                          unsigned char* out) {
  for (std::size_t part = 0; part < chaining_words; part += V::lanes) {
    typename V::Words rows[V::lanes] = {};
    for (std::size_t i = 0; i < V::lanes && part + i < chaining_words; ++i) {
      rows[i] = chaining[part + i];
    }
    V::transpose(rows);
    for (std::size_t lane = 0; lane < V::lanes; ++lane) {
      constexpr std::size_t row_bytes =
          sizeof rows[0] < digest_bytes ? sizeof rows[0] : digest_bytes;
      std::memcpy(out + lane * digest_bytes + part * 4, &rows[lane], row_bytes);
    }
  }
}

template <class V>
inline __attribute__((always_inline)) void hash_lanes(const LaneInput& input, unsigned char* out) {
  using Words = typename V::Words;
  const std::size_t stride = input.blocks * block_bytes;
  Words chaining[chaining_words];
  for (std::size_t i = 0; i < chaining_words; ++i) chaining[i] = Words{} + initial_value[i];
  Words counter_low;
  Words counter_high;
  for (std::size_t lane = 0; lane < V::lanes; ++lane) {
    const std::uint64_t counter = input.counter + lane * input.counter_step;
    counter_low[lane] = static_cast<std::uint32_t>(counter);
    counter_high[lane] = static_cast<std::uint32_t>(counter >> 32);
  }

  for (std::size_t block = 0; block < input.blocks; ++block) {
    std::uint32_t flags = input.flags;
    if (block == 0) flags |= input.first_flags;
    if (block + 1 == input.blocks) flags |= input.last_flags;
    Words message[state_words];
    load_message<V>(input.first + block * block_bytes, stride, message);
    Words state[state_words];
    for (std::size_t i = 0; i < chaining_words; ++i) state[i] = chaining[i];
    for (std::size_t i = 0; i < 4; ++i) state[8 + i] = Words{} + initial_value[i];
    state[12] = counter_low;
    state[13] = counter_high;
    state[14] = Words{} + static_cast<std::uint32_t>(block_bytes);
    state[15] = Words{} + flags;
    // Written out, so that every place in the message is known when this is compiled.
    mix_round<V>(state, message, 0);
    mix_round<V>(state, message, 1);
    mix_round<V>(state, message, 2);
    mix_round<V>(state, message, 3);
    mix_round<V>(state, message, 4);
    mix_round<V>(state, message, 5);
    mix_round<V>(state, message, 6);
    for (std::size_t i = 0; i < chaining_words; ++i) chaining[i] = state[i] ^ state[8 + i];
  }

  store_chaining<V>(chaining, out);
}

}  // namespace

}  // namespace cinch::blake3
