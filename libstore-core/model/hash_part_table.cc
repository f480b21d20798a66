#include "hash_part_table.hh"

namespace cinch {

HashPartTable::HashPartTable(std::vector<std::string_view> hash_parts)
    : hash_parts_(std::move(hash_parts)) {
  constexpr std::size_t filter_bits_each = 16;
  const std::size_t slot_count = std::bit_ceil(std::max<std::size_t>(64, 2 * hash_parts_.size()));
  const std::size_t filter_bits = slot_count * filter_bits_each;
  slots_.resize(slot_count);
  filter_.resize(filter_bits / 64);
  shift_ = 64 - static_cast<unsigned>(std::countr_zero(slot_count));
  filter_shift_ = 64 - static_cast<unsigned>(std::countr_zero(filter_bits));
  for (std::size_t i = 0; i < hash_parts_.size(); ++i) {
    const std::byte* window = as_bytes(hash_parts_[i]).data();
    const std::uint64_t bit = filter_bit_of(window);
    filter_[bit >> 6] |= std::uint64_t{1} << (bit & 63);
    const std::uint64_t hash = hash_of(window);
    std::size_t slot = hash >> shift_;
    while (slots_[slot].number != 0) slot = (slot + 1) & (slot_count - 1);
    slots_[slot] = {static_cast<std::uint32_t>(hash), static_cast<std::uint32_t>(i + 1)};
  }
}

}  // namespace cinch
