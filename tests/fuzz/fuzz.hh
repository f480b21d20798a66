// What the fuzz targets share: a property that does not hold ends the run.
#pragma once

#include <cinch/core/error.hh>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace cinch::fuzz {

inline std::string_view as_input(const std::uint8_t* data, std::size_t size) {
  return {reinterpret_cast<const char*>(data), size};
}

inline void require(bool property) {
  if (!property) std::abort();
}

// Runs a parser. Refusing is fine; any other exception than Error is a bug and ends the run.
template <class Parse>
void refusals_are_fine(Parse&& parse) {
  try {
    parse();
  } catch (const Error& error) {
    require(error.code() != Code::internal);
  }
}

}  // namespace cinch::fuzz
