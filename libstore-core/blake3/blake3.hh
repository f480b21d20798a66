// BLAKE3, unkeyed, with a digest of 32 bytes: hashes a stream. A value of about 2 KB; copying it
// copies the state of the stream. Chunks are hashed 16 at once where the processor has AVX-512,
// else 8 with AVX2, else 4 with SSE4.1, else one after the other.
//
// The bytes are cut into chunks of 1024, the leaves of a binary tree. The tree is built from the
// left: stack_ holds the chaining values of the complete subtrees that no later one was joined to,
// the largest first. Two are joined only when more input is certain to follow, as the last join of
// all, the root, is computed differently.
#pragma once

#include "constants.hh"

#include <cinch/core/stream.hh>

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace cinch::blake3 {

class Blake3 {
 public:
  Blake3();

  void write(Bytes bytes);
  void finish(std::span<std::byte, digest_bytes> digest);

 private:
  using Chaining = std::array<std::uint32_t, chaining_words>;

  Bytes fill_chunk(Bytes bytes);
  std::size_t subtree_chunks(std::size_t size) const;
  void hash_subtree(const std::byte* bytes, std::size_t chunks);
  void end_chunk();
  void push(const Chaining& value, std::uint64_t chunks_before);
  void join(std::uint64_t chunks);
  std::size_t chunk_size() const { return blocks_done_ * block_bytes + block_size_; }

  // Of the chunk that is not complete, or complete but perhaps the last.
  Chaining chunk_;
  std::array<std::byte, block_bytes> block_{};
  std::size_t block_size_ = 0;
  std::size_t blocks_done_ = 0;

  std::uint64_t chunks_done_ = 0;
  std::size_t stack_size_ = 0;
  std::array<Chaining, 55> stack_;  // 2^54 chunks of 2^10 bytes are 2^64
};

}  // namespace cinch::blake3
