// What is accepted prints to a fixed point: printing and parsing again gives the same value.
#include "fuzz.hh"

#include <cinch/core/derivation_aterm.hh>

using namespace cinch;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const StoreDir store_dir;
  fuzz::refusals_are_fine([&] {
    const Derivation first = parse_derivation(fuzz::as_input(data, size), "fuzz", store_dir);
    const std::string text = print_derivation(first, store_dir);
    fuzz::require(parse_derivation(text, "fuzz", store_dir) == first);
  });
  return 0;
}
