// Tests of characters with the wide vectors of newer processors. See nix32_runs.hh, store_path.cc.
#pragma once

#include <cstddef>

#if defined(CINCH_X86_KERNELS)
#define CINCH_HAS_AVX2() __builtin_cpu_supports("avx2")
#else
#define CINCH_HAS_AVX2() false
#endif

namespace cinch::avx2 {

// All of these: REQUIRES: CINCH_HAS_AVX2().

// As nix32_runs::find_block(), but may stop in front of a stride that is not whole.
std::size_t find_nix32_block(const std::byte* data, std::size_t size, std::size_t block);

// Whether 32 nix32 characters stand here, then characters of names up to `size`.
// REQUIRES: size > 32.
bool is_base_name(const std::byte* text, std::size_t size);

}  // namespace cinch::avx2
