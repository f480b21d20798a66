// Finds blocks of nix32 characters with the wide vectors of newer processors. See nix32_runs.hh.
#pragma once

#include <cstddef>

namespace cinch::nix32_runs {

// As find_block(), but may stop in front of a stride that is not whole.
// REQUIRES: the processor has AVX2.
std::size_t find_block_avx2(const std::byte* data, std::size_t size, std::size_t block);

}  // namespace cinch::nix32_runs
