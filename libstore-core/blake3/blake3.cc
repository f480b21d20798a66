#include "blake3.hh"

#include "kernels.hh"

#include <algorithm>
#include <bit>
#include <cstring>

namespace cinch::blake3 {

namespace {

// As many chunks as are hashed before they are joined: enough to fill the lanes for the first few
// levels of the tree, and little enough for the first cache.
constexpr std::size_t subtree_chunks_max = 64;

using Chaining = std::array<std::uint32_t, chaining_words>;
using State = std::array<std::uint32_t, state_words>;

constexpr Chaining start = std::to_array(initial_value);

// How many inputs this processor hashes at once.
std::size_t processor_lanes() {
#if defined(CINCH_X86_KERNELS)
  if (__builtin_cpu_supports("avx512f")) return 16;
  if (__builtin_cpu_supports("avx2")) return 8;
  if (__builtin_cpu_supports("sse4.1")) return 4;
#endif
  return 1;
}

std::uint32_t load_word(const std::byte* bytes) {
  if constexpr (std::endian::native == std::endian::little) {
    std::uint32_t word;
    std::memcpy(&word, bytes, sizeof word);
    return word;
  }
  std::uint32_t word = 0;
  for (std::size_t i = 4; i-- > 0;) word = word << 8 | std::to_integer<std::uint32_t>(bytes[i]);
  return word;
}

void store_words(const Chaining& words, std::byte* out) {
  for (const std::uint32_t word : words) {
    for (unsigned shift = 0; shift < 32; shift += 8) {
      *out++ = static_cast<std::byte>(word >> shift & 0xff);
    }
  }
}

Chaining load_chaining(const std::byte* bytes) {
  Chaining words;
  for (std::size_t i = 0; i < words.size(); ++i) words[i] = load_word(bytes + 4 * i);
  return words;
}

void mix(State& state, std::size_t a, std::size_t b, std::size_t c, std::size_t d, std::uint32_t x,
         std::uint32_t y) {
  state[a] += state[b] + x;
  state[d] = std::rotr(state[d] ^ state[a], 16);
  state[c] += state[d];
  state[b] = std::rotr(state[b] ^ state[c], 12);
  state[a] += state[b] + y;
  state[d] = std::rotr(state[d] ^ state[a], 8);
  state[c] += state[d];
  state[b] = std::rotr(state[b] ^ state[c], 7);
}

struct Block {
  const std::byte* bytes;  // 64 of them; zeros from `size` on
  std::size_t size = block_bytes;
  std::uint64_t counter = 0;
  std::uint32_t flags = 0;
};

Chaining compress(const Chaining& chaining, const Block& block) {
  State message;
  for (std::size_t i = 0; i < message.size(); ++i) message[i] = load_word(block.bytes + 4 * i);
  State state;
  std::copy(chaining.begin(), chaining.end(), state.begin());
  std::copy_n(initial_value, 4, state.begin() + 8);
  state[12] = static_cast<std::uint32_t>(block.counter);
  state[13] = static_cast<std::uint32_t>(block.counter >> 32);
  state[14] = static_cast<std::uint32_t>(block.size);
  state[15] = block.flags;
  for (const auto& word : schedule.word) {
    mix(state, 0, 4, 8, 12, message[word[0]], message[word[1]]);
    mix(state, 1, 5, 9, 13, message[word[2]], message[word[3]]);
    mix(state, 2, 6, 10, 14, message[word[4]], message[word[5]]);
    mix(state, 3, 7, 11, 15, message[word[6]], message[word[7]]);
    mix(state, 0, 5, 10, 15, message[word[8]], message[word[9]]);
    mix(state, 1, 6, 11, 12, message[word[10]], message[word[11]]);
    mix(state, 2, 7, 8, 13, message[word[12]], message[word[13]]);
    mix(state, 3, 4, 9, 14, message[word[14]], message[word[15]]);
  }
  Chaining result;
  for (std::size_t i = 0; i < result.size(); ++i) result[i] = state[i] ^ state[i + 8];
  return result;
}

// One after the other.
void hash_one(const LaneInput& input, std::byte* out) {
  Chaining chaining = start;
  const auto* bytes = reinterpret_cast<const std::byte*>(input.first);
  for (std::size_t i = 0; i < input.blocks; ++i) {
    std::uint32_t flags = input.flags;
    if (i == 0) flags |= input.first_flags;
    if (i + 1 == input.blocks) flags |= input.last_flags;
    chaining = compress(
        chaining, {.bytes = bytes + i * block_bytes, .counter = input.counter, .flags = flags});
  }
  store_words(chaining, out);
}

// Hashes `count` inputs that lie one after the other, as many at once as there are lanes.
void hash_many(LaneInput input, std::size_t count, std::byte* out) {
  [[maybe_unused]] const std::size_t lanes = processor_lanes();
  while (count > 0) {
    std::size_t done = 1;
#if defined(CINCH_X86_KERNELS)
    if (lanes >= 16 && count >= 16) {
      hash_16_lanes(input, reinterpret_cast<unsigned char*>(out));
      done = 16;
    } else if (lanes >= 8 && count >= 8) {
      hash_8_lanes(input, reinterpret_cast<unsigned char*>(out));
      done = 8;
    } else if (lanes >= 4 && count >= 4) {
      hash_4_lanes(input, reinterpret_cast<unsigned char*>(out));
      done = 4;
    } else {
      hash_one(input, out);
    }
#else
    hash_one(input, out);
#endif
    input.first += done * input.blocks * block_bytes;
    input.counter += done * input.counter_step;
    out += done * digest_bytes;
    count -= done;
  }
}

// A parent's block is the chaining values of its children, left and right.
std::array<std::byte, block_bytes> parent_block(const Chaining& left, const Chaining& right) {
  std::array<std::byte, block_bytes> block;
  store_words(left, block.data());
  store_words(right, block.data() + digest_bytes);
  return block;
}

}  // namespace

Blake3::Blake3() : chunk_(start) {}

void Blake3::write(Bytes bytes) {
  if (chunk_size() > 0) {
    bytes = fill_chunk(bytes);
    if (bytes.empty()) return;
    end_chunk();
  }
  while (bytes.size() > chunk_bytes) {
    const std::size_t chunks = subtree_chunks(bytes.size());
    hash_subtree(bytes.data(), chunks);
    bytes = bytes.subspan(chunks * chunk_bytes);
  }
  if (bytes.empty()) return;
  fill_chunk(bytes);
  join(chunks_done_);
}

void Blake3::finish(std::span<std::byte, digest_bytes> digest) {
  std::array<std::byte, block_bytes> block{};
  Block last{};
  Chaining chaining = chunk_;
  std::size_t waiting = stack_size_;
  if (chunk_size() > 0 || stack_size_ == 0) {
    block = block_;
    std::fill(block.begin() + static_cast<std::ptrdiff_t>(block_size_), block.end(), std::byte{});
    const std::uint32_t flags = (blocks_done_ == 0 ? std::uint32_t{chunk_start} : 0) | chunk_end;
    last = {.bytes = block.data(), .size = block_size_, .counter = chunks_done_, .flags = flags};
  } else {
    // The input ended with a subtree, of which two halves wait.
    waiting -= 2;
    block = parent_block(stack_[waiting], stack_[waiting + 1]);
    last = {.bytes = block.data(), .flags = parent};
    chaining = start;
  }
  while (waiting > 0) {
    const Chaining right = compress(chaining, last);
    block = parent_block(stack_[--waiting], right);
    last = {.bytes = block.data(), .flags = parent};
    chaining = start;
  }
  last.flags |= root;
  last.counter = 0;
  store_words(compress(chaining, last), digest.data());
}

// Adds to the open chunk; returns what does not belong to it any more. Its last block stays as it
// is, since it is computed differently.
Bytes Blake3::fill_chunk(Bytes bytes) {
  while (!bytes.empty() && chunk_size() < chunk_bytes) {
    if (block_size_ == block_bytes) {
      const std::uint32_t flags = blocks_done_ == 0 ? std::uint32_t{chunk_start} : 0;
      chunk_ = compress(chunk_, {.bytes = block_.data(), .counter = chunks_done_, .flags = flags});
      ++blocks_done_;
      block_size_ = 0;
    }
    const std::size_t count = std::min(bytes.size(), block_bytes - block_size_);
    std::memcpy(block_.data() + block_size_, bytes.data(), count);
    block_size_ += count;
    bytes = bytes.subspan(count);
  }
  return bytes;
}

// REQUIRES: the chunk is complete.
void Blake3::end_chunk() {
  const Chaining value =
      compress(chunk_, {.bytes = block_.data(), .counter = chunks_done_, .flags = chunk_end});
  push(value, chunks_done_);
  ++chunks_done_;
  chunk_ = start;
  block_size_ = 0;
  blocks_done_ = 0;
}

// The largest subtree that can begin here, of at most `size` bytes.
std::size_t Blake3::subtree_chunks(std::size_t size) const {
  std::size_t chunks = std::bit_floor(std::min(size / chunk_bytes, subtree_chunks_max));
  while ((chunks_done_ & (chunks - 1)) != 0) chunks /= 2;
  return chunks;
}

void Blake3::hash_subtree(const std::byte* bytes, std::size_t chunks) {
  std::array<std::byte, subtree_chunks_max * digest_bytes> values;
  hash_many({.first = reinterpret_cast<const unsigned char*>(bytes),
             .blocks = chunk_bytes / block_bytes,
             .counter = chunks_done_,
             .counter_step = 1,
             .flags = 0,
             .first_flags = chunk_start,
             .last_flags = chunk_end},
            chunks, values.data());
  // Up to the two halves: whether their parent is the root shows only later.
  std::size_t count = chunks;
  for (; count > 2; count /= 2) {
    std::array<std::byte, subtree_chunks_max / 2 * digest_bytes> parents;
    hash_many({.first = reinterpret_cast<const unsigned char*>(values.data()),
               .blocks = 1,
               .counter = 0,
               .counter_step = 0,
               .flags = parent,
               .first_flags = 0,
               .last_flags = 0},
              count / 2, parents.data());
    std::copy_n(parents.begin(), count / 2 * digest_bytes, values.begin());
  }
  push(load_chaining(values.data()), chunks_done_);
  if (count == 2) push(load_chaining(values.data() + digest_bytes), chunks_done_ + chunks / 2);
  chunks_done_ += chunks;
}

void Blake3::push(const Chaining& value, std::uint64_t chunks_before) {
  join(chunks_before);
  stack_[stack_size_++] = value;
}

// Joins the waiting subtrees as far as `chunks` chunks allow. REQUIRES: more input follows them.
void Blake3::join(std::uint64_t chunks) {
  const auto wanted = static_cast<std::size_t>(std::popcount(chunks));
  while (stack_size_ > wanted) {
    const auto block = parent_block(stack_[stack_size_ - 2], stack_[stack_size_ - 1]);
    stack_[stack_size_ - 2] = compress(start, {.bytes = block.data(), .flags = parent});
    --stack_size_;
  }
}

}  // namespace cinch::blake3
