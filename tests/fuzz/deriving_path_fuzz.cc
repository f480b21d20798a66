// Deriving paths of any depth and specs of outputs: what is printed is read as the same again; and
// the two parsers agree on what both of them can say.
#include "fuzz.hh"

#include <cinch/core/dynamic_path.hh>

using namespace cinch;

namespace {

void check_paths(std::string_view input, const StoreDir& store_dir, char separator) {
  fuzz::refusals_are_fine([&] {
    const DerivingPath path = parse_deriving_path(input, store_dir, separator);
    const std::string text = print_deriving_path(path, store_dir, separator);
    fuzz::require(parse_deriving_path(text, store_dir, separator) == path);
    const DynamicPath same = parse_dynamic_path(input, store_dir, separator);
    fuzz::require(same.start.outputs.empty());
    fuzz::require(print_dynamic_path(same, store_dir, separator) == text);
  });
  fuzz::refusals_are_fine([&] {
    const SinglePath path = parse_single_path(input, store_dir, separator);
    fuzz::require(print_single_path(path, store_dir, separator) == input);
  });
  fuzz::refusals_are_fine([&] {
    const DynamicPath path = parse_dynamic_path(input, store_dir, separator);
    const std::string text = print_dynamic_path(path, store_dir, separator);
    fuzz::require(parse_dynamic_path(text, store_dir, separator) == path);
  });
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input = fuzz::as_input(data, size);
  check_paths(input, StoreDir(), '^');
  check_paths(input, StoreDir("/a^b/c!d"), '!');
  fuzz::refusals_are_fine([&] {
    const OutputSpec spec = parse_output_spec(input);
    fuzz::require(parse_output_spec(print_output_spec(spec)) == spec);
  });
  return 0;
}
