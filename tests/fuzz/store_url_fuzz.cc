// Store URLs: what is printed is read as the same again.
#include "fuzz.hh"

#include <cinch/core/store_url.hh>

using namespace cinch;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::refusals_are_fine([&] {
    const StoreUrl url = parse_store_url(fuzz::as_input(data, size));
    const std::string text = print_store_url(url);
    fuzz::require(parse_store_url(text) == url);
    fuzz::require(print_store_url(parse_store_url(text)) == text);
  });
  return 0;
}
