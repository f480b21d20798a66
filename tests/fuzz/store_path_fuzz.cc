// Store paths and store directories: short texts with one spelling.
#include "fuzz.hh"

#include <cinch/core/store_path.hh>

using namespace cinch;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const StoreDir store_dir;
  const std::string_view input = fuzz::as_input(data, size);
  fuzz::refusals_are_fine([&] { fuzz::require(StorePath::parse(input).base_name() == input); });
  fuzz::refusals_are_fine([&] { fuzz::require(store_dir.print(store_dir.parse(input)) == input); });
  fuzz::refusals_are_fine([&] {
    const StoreDir other(input);
    const StorePath path = StorePath::parse("g1w7hy3qg1w7hy3qg1w7hy3qg1w7hy3q-foo");
    fuzz::require(other.parse(other.print(path)) == path);
  });
  return 0;
}
