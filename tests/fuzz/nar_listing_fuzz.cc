// A listing, or a tree, that is accepted is printed and read again as the same; and what it points
// at in any bytes is refused, or lies in them.
#include "fuzz.hh"

#include <cinch/core/nar_listing.hh>

using namespace cinch;

namespace {

void look_up_files(const NarListing& object, Bytes nar) {
  if (const auto* file = object.regular()) {
    fuzz::refusals_are_fine([&] {
      const Bytes contents = contents_in_nar(nar, file->contents);
      fuzz::require(contents.size() == file->contents.size_bytes);
    });
  } else if (const auto* directory = object.directory()) {
    for (const auto& [name, entry] : directory->entries) look_up_files(entry, nar);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input = fuzz::as_input(data, size);
  fuzz::refusals_are_fine([&] {
    const NarListing listing = parse_nar_listing(input);
    look_up_files(listing, as_bytes(input));
    fuzz::require(parse_nar_listing(print_nar_listing(listing)) == listing);
  });
  fuzz::refusals_are_fine([&] {
    const MemoryTree tree = parse_tree_json(input, size);
    fuzz::require(parse_tree_json(print_tree_json(tree), 1 << 20) == tree);
  });
  return 0;
}
