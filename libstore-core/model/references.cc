// A hash part is 32 characters of nix32, and most bytes of most files are none. Any 32 bytes in a
// row hold a whole block of 16 that begins at a multiple of 16; so the scanner looks for such
// blocks that hold nix32 characters only, first by a test that two SSE2 instructions do for most,
// then exactly. Around a block that passes it finds the run of nix32 characters, and looks up every
// 32 of them. Each byte is read at most a few times, whatever the data.

#include <cinch/core/encoding.hh>
#include <cinch/core/references.hh>

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <vector>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace cinch {

namespace {

constexpr std::size_t hash_length = store_path_hash_part_length;
constexpr std::size_t tail_max = hash_length - 1;
constexpr std::size_t block_bytes = 16;
constexpr std::uint32_t full_mask = 0xffff;
static_assert(hash_length >= 2 * block_bytes - 1);

constexpr std::array<bool, 256> nix32_characters() {
  std::array<bool, 256> table{};
  for (const char c : nix32_alphabet) table[static_cast<unsigned char>(c)] = true;
  return table;
}

constexpr std::array<bool, 256> is_nix32_character = nix32_characters();

bool is_nix32(std::byte byte) { return is_nix32_character[std::to_integer<unsigned>(byte)]; }

#if defined(__SSE2__)

__m128i load_block(const std::byte* block) {
  return _mm_loadu_si128(reinterpret_cast<const __m128i*>(block));
}

// 0xff for each byte that is from `first` to `first + count - 1`.
__m128i in_range(__m128i bytes, char first, char count) {
  const __m128i distance = _mm_sub_epi8(bytes, _mm_set1_epi8(first));
  const __m128i within = _mm_min_epu8(distance, _mm_set1_epi8(static_cast<char>(count - 1)));
  return _mm_cmpeq_epi8(within, distance);
}

// Bit 16 says whether a block may hold nix32 characters only: here, nothing below '0' or above
// 0x7f.
std::uint32_t may_be_nix32(const std::byte* block) {
  const __m128i high = _mm_cmpgt_epi8(load_block(block), _mm_set1_epi8('0' - 1));
  return static_cast<std::uint32_t>(_mm_movemask_epi8(high)) + 1;
}

// A bit for each byte of the block, the lowest for the first: whether it is a nix32 character.
std::uint32_t mask_of(const std::byte* block) {
  const __m128i bytes = load_block(block);
  const __m128i wide = _mm_or_si128(in_range(bytes, '0', 10), in_range(bytes, 'a', 26));
  const __m128i e_or_o = _mm_or_si128(in_range(bytes, 'e', 1), in_range(bytes, 'o', 1));
  const __m128i other = _mm_or_si128(e_or_o, in_range(bytes, 't', 2));
  return static_cast<std::uint32_t>(_mm_movemask_epi8(_mm_andnot_si128(other, wide)));
}

#else

std::uint32_t mask_of(const std::byte* block) {
  std::uint32_t mask = 0;
  for (std::size_t i = 0; i < block_bytes; ++i) mask |= std::uint32_t{is_nix32(block[i])} << i;
  return mask;
}

std::uint32_t may_be_nix32(const std::byte* block) {
  for (std::size_t i = block_bytes; i-- > 0;) {
    if (!is_nix32(block[i])) return 0;
  }
  return full_mask + 1;
}

#endif

// The first block from `block` on that holds nix32 characters only; if there is none, one that is
// not whole.
std::size_t find_block(const std::byte* data, std::size_t size, std::size_t block) {
  constexpr std::size_t stride = 4 * block_bytes;
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
std::size_t run_before(const std::byte* data, std::size_t block) {
  if (block == 0) return 0;
  return static_cast<std::size_t>(std::countl_one(mask_of(data + block - block_bytes) << 16));
}

// Where the run of nix32 characters ends that holds the whole of the block at `block`.
std::size_t end_of_run(const std::byte* data, std::size_t size, std::size_t block) {
  for (std::size_t at = block + block_bytes;; at += block_bytes) {
    if (size - at < block_bytes) {
      while (at < size && is_nix32(data[at])) ++at;
      return at;
    }
    const std::uint32_t mask = mask_of(data + at);
    if (mask != full_mask) return at + static_cast<std::size_t>(std::countr_one(mask));
  }
}

std::uint64_t load(const std::byte* bytes) {
  std::uint64_t value;
  std::memcpy(&value, bytes, sizeof value);
  return value;
}

// Of the first 16 characters: 80 bits of the digest.
std::uint64_t hash_of(const std::byte* window) {
  constexpr std::uint64_t odd = 0x9e3779b97f4a7c15;
  return (std::rotl(load(window) * odd, 32) ^ load(window + 8)) * odd;
}

}  // namespace

struct ReferenceScanner::State {
  explicit State(const StorePathSet& paths);

  void scan(const std::byte* data, std::size_t size);
  void look_up_run(const std::byte* data, std::size_t size);
  void look_up(const std::byte* window, std::uint64_t hash);
  std::vector<StorePath> candidates;
  std::vector<bool> found;
  std::size_t missing;  // candidates that were not found yet

  // One bit for each value of the high bits of a hash: whether any candidate has it. Nearly all
  // lookups end here, in the first cache.
  std::vector<std::uint64_t> filter;
  unsigned filter_shift = 0;

  // Open addressing: the high bits of a hash choose the slot where its search begins, the low bits
  // are kept there, so that a slot that is taken by another is passed without a look at its text.
  // At most half of the slots is taken.
  struct Slot {
    std::uint32_t mark = 0;
    std::uint32_t candidate = 0;  // its index plus 1; 0 in a free slot
  };
  std::vector<Slot> slots;
  unsigned shift = 0;

  // The nix32 characters that ended the bytes so far, at most 31.
  std::array<std::byte, tail_max> tail;
  std::size_t tail_size = 0;
};

ReferenceScanner::ReferenceScanner(const StorePathSet& candidates)
    : state_(std::make_unique<State>(candidates)) {}
ReferenceScanner::ReferenceScanner(ReferenceScanner&&) noexcept = default;
ReferenceScanner::~ReferenceScanner() = default;

void ReferenceScanner::write(Bytes bytes) {
  State& state = *state_;
  if (state.missing == 0 || bytes.empty()) return;

  // What straddles the border between the bytes so far and these.
  const std::size_t head_size = std::min(bytes.size(), tail_max);
  if (state.tail_size != 0 && is_nix32(bytes.front())) {
    std::array<std::byte, 2 * tail_max> border;
    std::copy_n(state.tail.data(), state.tail_size, border.data());
    std::copy_n(bytes.data(), head_size, border.data() + state.tail_size);
    state.scan(border.data(), state.tail_size + head_size);
  }
  state.scan(bytes.data(), bytes.size());

  std::size_t run = 0;
  while (run < head_size && is_nix32(bytes[bytes.size() - 1 - run])) ++run;
  const std::size_t kept = run == bytes.size() ? std::min(state.tail_size, tail_max - run) : 0;
  std::copy_n(state.tail.data() + state.tail_size - kept, kept, state.tail.data());
  std::copy_n(bytes.data() + bytes.size() - run, run, state.tail.data() + kept);
  state.tail_size = kept + run;
}

StorePathSet ReferenceScanner::found() const {
  StorePathSet paths;
  for (std::size_t i = 0; i < state_->candidates.size(); ++i) {
    if (state_->found[i]) paths.insert(paths.end(), state_->candidates[i]);
  }
  return paths;
}

ReferenceScanner::State::State(const StorePathSet& paths)
    : candidates(paths.begin(), paths.end()), found(paths.size()), missing(paths.size()) {
  constexpr std::size_t filter_bits_each = 16;
  const std::size_t slot_count = std::bit_ceil(std::max<std::size_t>(64, 2 * paths.size()));
  const std::size_t filter_bits = slot_count * filter_bits_each;
  slots.resize(slot_count);
  filter.resize(filter_bits / 64);
  shift = 64 - static_cast<unsigned>(std::countr_zero(slot_count));
  filter_shift = 64 - static_cast<unsigned>(std::countr_zero(filter_bits));
  for (std::size_t i = 0; i < candidates.size(); ++i) {
    const std::uint64_t hash = hash_of(as_bytes(candidates[i].hash_part()).data());
    filter[hash >> filter_shift >> 6] |= std::uint64_t{1} << (hash >> filter_shift & 63);
    std::size_t slot = hash >> shift;
    while (slots[slot].candidate != 0) slot = (slot + 1) & (slot_count - 1);
    slots[slot] = {static_cast<std::uint32_t>(hash), static_cast<std::uint32_t>(i + 1)};
  }
}

void ReferenceScanner::State::scan(const std::byte* data, std::size_t size) {
  for (std::size_t block = 0;;) {
    block = find_block(data, size, block);
    if (size - block < block_bytes) return;
    const std::size_t begin = block - run_before(data, block);
    const std::size_t end = end_of_run(data, size, block);
    look_up_run(data + begin, end - begin);
    // The byte at `end` is not nix32, so the block that holds it needs no look.
    block = end / block_bytes * block_bytes + block_bytes;
    if (block > size) return;
  }
}

// REQUIRES: only nix32 characters.
void ReferenceScanner::State::look_up_run(const std::byte* data, std::size_t size) {
  const std::uint64_t* const bits = filter.data();
  const unsigned bits_shift = filter_shift;
  for (std::size_t i = 0; i + hash_length <= size; ++i) {
    const std::uint64_t hash = hash_of(data + i);
    const std::uint64_t bit = hash >> bits_shift;
    if ((bits[bit >> 6] >> (bit & 63) & 1) != 0) look_up(data + i, hash);
  }
}

void ReferenceScanner::State::look_up(const std::byte* window, std::uint64_t hash) {
  std::size_t slot = hash >> shift;
  // Two candidates may share their hash part: all that match are found.
  for (; slots[slot].candidate != 0; slot = (slot + 1) & (slots.size() - 1)) {
    if (slots[slot].mark != static_cast<std::uint32_t>(hash)) continue;
    const std::size_t index = slots[slot].candidate - 1;
    const std::string_view hash_part = candidates[index].hash_part();
    if (std::memcmp(window, hash_part.data(), hash_length) != 0 || found[index]) continue;
    found[index] = true;
    --missing;
  }
}

}  // namespace cinch
