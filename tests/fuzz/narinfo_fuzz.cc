// narinfo and nix-cache-info: what is printed is read as the same again.
#include "fuzz.hh"

#include <cinch/core/cache_info.hh>
#include <cinch/core/narinfo.hh>

using namespace cinch;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const StoreDir store_dir;
  const std::string_view input = fuzz::as_input(data, size);
  for (const NarInfoDialect dialect : {NarInfoDialect::nix, NarInfoDialect::guix}) {
    fuzz::refusals_are_fine([&] {
      const NarInfo narinfo = parse_narinfo(input, store_dir);
      const std::string text = print_narinfo(narinfo, store_dir, dialect);
      fuzz::require(parse_narinfo(text, store_dir) == narinfo);
      fuzz::require(print_narinfo(narinfo, store_dir, dialect) == text);
    });
  }
  fuzz::refusals_are_fine([&] {
    const CacheInfo info = parse_cache_info(input);
    fuzz::require(parse_cache_info(print_cache_info(info)) == info);
  });
  return 0;
}
