// A hash part is 32 characters of nix32, and most bytes of most files are none. Any 32 bytes in a
// row hold a whole block of 16 that begins at a multiple of 16; so the scanner looks only for such
// blocks that hold nothing but digits and small letters, which SSE2 tells in a few instructions.
// Around such a block it finds the run of nix32 characters, and looks up every 32 of them in a hash
// table. Each byte is read at most three times, whatever the data.

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
static_assert(hash_length >= 2 * block_bytes - 1);

constexpr std::array<bool, 256> nix32_characters() {
  std::array<bool, 256> table{};
  for (const char c : nix32_alphabet) table[static_cast<unsigned char>(c)] = true;
  return table;
}

constexpr std::array<bool, 256> is_nix32_character = nix32_characters();

bool is_candidate(std::byte byte) { return is_nix32_character[std::to_integer<unsigned>(byte)]; }

// Whether a block may hold nix32 characters only. A few letters too many are let through.
#if defined(__SSE2__)
bool may_be_nix32(const std::byte* block) {
  const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(block));
  const __m128i from_zero = _mm_sub_epi8(bytes, _mm_set1_epi8('0'));
  const __m128i from_a = _mm_sub_epi8(bytes, _mm_set1_epi8('a'));
  const __m128i is_digit = _mm_cmpeq_epi8(_mm_min_epu8(from_zero, _mm_set1_epi8(9)), from_zero);
  const __m128i is_letter = _mm_cmpeq_epi8(_mm_min_epu8(from_a, _mm_set1_epi8(25)), from_a);
  return _mm_movemask_epi8(_mm_or_si128(is_digit, is_letter)) == 0xffff;
}
#else
bool may_be_nix32(const std::byte* block) {
  for (std::size_t i = block_bytes; i-- > 0;) {
    if (!is_candidate(block[i])) return false;
  }
  return true;
}
#endif

std::uint64_t load(const std::byte* bytes) {
  std::uint64_t value;
  std::memcpy(&value, bytes, sizeof value);
  return value;
}

}  // namespace

struct ReferenceScanner::State {
  explicit State(const StorePathSet& paths);

  void scan(const std::byte* data, std::size_t size);
  void look_up_run(const std::byte* data, std::size_t size);
  void look_up(const std::byte* window);
  std::size_t slot_of(const std::byte* window) const;

  std::vector<StorePath> candidates;
  std::vector<bool> found;
  std::size_t missing;  // candidates that were not found yet

  // Open addressing: a slot holds an index into the candidates plus 1, or 0. At most a quarter of
  // the slots is taken.
  std::vector<std::uint32_t> slots;
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
  if (state.tail_size != 0 && is_candidate(bytes.front())) {
    std::array<std::byte, 2 * tail_max> border;
    std::copy_n(state.tail.data(), state.tail_size, border.data());
    std::copy_n(bytes.data(), head_size, border.data() + state.tail_size);
    state.scan(border.data(), state.tail_size + head_size);
  }
  state.scan(bytes.data(), bytes.size());

  std::size_t run = 0;
  while (run < head_size && is_candidate(bytes[bytes.size() - 1 - run])) ++run;
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
  const std::size_t slot_count = std::bit_ceil(std::max<std::size_t>(256, 4 * paths.size()));
  slots.resize(slot_count);
  shift = 64 - static_cast<unsigned>(std::countr_zero(slot_count));
  for (std::size_t i = 0; i < candidates.size(); ++i) {
    std::size_t slot = slot_of(as_bytes(candidates[i].hash_part()).data());
    while (slots[slot] != 0) slot = (slot + 1) & (slot_count - 1);
    slots[slot] = static_cast<std::uint32_t>(i + 1);
  }
}

void ReferenceScanner::State::scan(const std::byte* data, std::size_t size) {
  std::size_t block = 0;
  while (size - block >= block_bytes) {
    if (!may_be_nix32(data + block)) {
      block += block_bytes;
      continue;
    }
    std::size_t begin = block;
    while (begin > 0 && is_candidate(data[begin - 1])) --begin;
    std::size_t end = block;
    while (end < size && is_candidate(data[end])) ++end;
    look_up_run(data + begin, end - begin);
    // The byte at `end` is none, so its whole block needs no look. The run may have ended in or
    // before the first block, which only seemed to be one.
    block = std::max(block, end / block_bytes * block_bytes) + block_bytes;
    if (block > size) return;
  }
}

// REQUIRES: only nix32 characters.
void ReferenceScanner::State::look_up_run(const std::byte* data, std::size_t size) {
  for (std::size_t i = 0; i + hash_length <= size; ++i) look_up(data + i);
}

void ReferenceScanner::State::look_up(const std::byte* window) {
  std::size_t slot = slot_of(window);
  // Two candidates may share their hash part: all that match are found.
  for (; slots[slot] != 0; slot = (slot + 1) & (slots.size() - 1)) {
    const std::size_t index = slots[slot] - 1;
    const std::string_view hash_part = candidates[index].hash_part();
    if (std::memcmp(window, hash_part.data(), hash_length) != 0 || found[index]) continue;
    found[index] = true;
    --missing;
  }
}

std::size_t ReferenceScanner::State::slot_of(const std::byte* window) const {
  std::uint64_t mixed = load(window) * 0x9e3779b97f4a7c15;
  mixed = (std::rotl(mixed, 32) ^ load(window + 8)) * 0x9e3779b97f4a7c15;
  return static_cast<std::size_t>(mixed >> shift);
}

}  // namespace cinch
