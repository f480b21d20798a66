// What is accepted prints to a fixed point, if it can be printed (values need not be UTF-8).
#include "fuzz.hh"

#include <cinch/core/derivation_json.hh>

using namespace cinch;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const StoreDir store_dir;
  const std::string_view input = fuzz::as_input(data, size);
  fuzz::refusals_are_fine([&] {
    const Derivation first = parse_derivation_json(input, store_dir);
    const std::string text = print_derivation_json(first, store_dir);
    fuzz::require(parse_derivation_json(text, store_dir) == first);
  });
  fuzz::refusals_are_fine([&] { parse_derivations_json(input, store_dir); });
  return 0;
}
