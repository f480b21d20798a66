// Store paths, deriving paths, content addresses, hashes, signatures: short texts with one
// spelling.
#include "fuzz.hh"

#include <cinch/core/content_address.hh>
#include <cinch/core/deriving_path.hh>
#include <cinch/core/signature.hh>
#include <cinch/core/store_path.hh>

using namespace cinch;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const StoreDir store_dir;
  const std::string_view input = fuzz::as_input(data, size);
  fuzz::refusals_are_fine([&] { fuzz::require(StorePath::parse(input).base_name() == input); });
  fuzz::refusals_are_fine([&] { fuzz::require(store_dir.print(store_dir.parse(input)) == input); });
  fuzz::refusals_are_fine([&] {
    const DerivingPath path = parse_deriving_path(input, store_dir);
    fuzz::require(parse_deriving_path(print_deriving_path(path, store_dir), store_dir) == path);
  });
  fuzz::refusals_are_fine([&] {
    const ContentAddress address = ContentAddress::parse(input);
    fuzz::require(ContentAddress::parse(address.to_string()) == address);
  });
  fuzz::refusals_are_fine([&] {
    const Hash hash = Hash::parse(input);
    fuzz::require(Hash::parse(hash.to_string(HashFormat::sri)) == hash);
  });
  fuzz::refusals_are_fine([&] {
    const Signature signature = Signature::parse(input);
    fuzz::require(Signature::parse(signature.to_string()) == signature);
  });
  return 0;
}
