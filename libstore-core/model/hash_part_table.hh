// Which of some hash parts stands at this place? Hardly slower for many than for a few.
#pragma once

#include "nix32_runs.hh"

#include <algorithm>
#include <cstring>
#include <string_view>
#include <vector>

namespace cinch {

// REQUIRES: what the views refer to outlives the table.
class HashPartTable {
 public:
  explicit HashPartTable(std::vector<std::string_view> hash_parts);

  // Calls `found` with the index of each hash part that stands at `window`; several may be equal.
  // REQUIRES: 32 bytes.
  template <class Found>
  void find(const std::byte* window, Found found) const {
    const std::uint64_t bit = filter_bit_of(window);
    if ((filter_[bit >> 6] >> (bit & 63) & 1) != 0) look_up(window, found);
  }

 private:
  static std::uint64_t load(const std::byte* bytes) {
    std::uint64_t value;
    std::memcpy(&value, bytes, sizeof value);
    return value;
  }
  static constexpr std::uint64_t odd = 0x9e3779b97f4a7c15;
  // Of the first 8 characters, 40 bits of the digest: enough to rule out nearly all places.
  std::uint64_t filter_bit_of(const std::byte* window) const {
    return (load(window) * odd) >> filter_shift_;
  }
  // Of the first 16 characters: 80 bits of the digest.
  static std::uint64_t hash_of(const std::byte* window) {
    return (std::rotl(load(window) * odd, 32) ^ load(window + 8)) * odd;
  }

  template <class Found>
  void look_up(const std::byte* window, Found& found) const {
    const std::uint64_t hash = hash_of(window);
    std::size_t slot = hash >> shift_;
    for (; slots_[slot].number != 0; slot = (slot + 1) & (slots_.size() - 1)) {
      if (slots_[slot].mark != static_cast<std::uint32_t>(hash)) continue;
      const std::size_t index = slots_[slot].number - 1;
      const std::string_view hash_part = hash_parts_[index];
      if (std::memcmp(window, hash_part.data(), hash_part.size()) == 0) found(index);
    }
  }

  std::vector<std::string_view> hash_parts_;

  // One bit for each value of filter_bit_of(): whether any hash part has it. Nearly all lookups end
  // here, in the first cache.
  std::vector<std::uint64_t> filter_;
  unsigned filter_shift_ = 0;

  // Open addressing: the high bits of a hash choose the slot where its search begins, the low bits
  // are kept there, so that a slot that is taken by another is passed without a look at its text.
  // At most half of the slots is taken.
  struct Slot {
    std::uint32_t mark = 0;
    std::uint32_t number = 0;  // the index plus 1; 0 in a free slot
  };
  std::vector<Slot> slots_;
  unsigned shift_ = 0;
};

}  // namespace cinch
