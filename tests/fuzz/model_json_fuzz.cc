// The small JSON documents: what is printed is read as the same again. The first byte of the input
// says which kind of document the rest is.
#include "fuzz.hh"

#include <cinch/core/model_json.hh>

using namespace cinch;

namespace {

template <class Parse, class Print>
void check(std::string_view json, Parse parse, Print print) {
  const auto value = parse(json);
  const std::string text = print(value);
  fuzz::require(parse(text) == value);
  fuzz::require(print(parse(text)) == text);
}

void check_document(char kind, std::string_view json) {
  const auto parse_result = [](std::string_view text) {
    return parse_build_result_json(
        text, OpaquePath{StorePath::parse("g1w7hy3qg1w7hy3qg1w7hy3qg1w7hy3q-foo")});
  };
  switch (kind) {
    case 'p':
      return check(json, parse_store_path_json, print_store_path_json);
    case 'c':
      return check(json, parse_content_address_json, print_content_address_json);
    case 'o':
      return check(json, parse_output_spec_json, print_output_spec_json);
    case 's':
      return check(json, parse_single_path_json, print_single_path_json);
    case 'd':
      return check(json, parse_dynamic_path_json, print_dynamic_path_json);
    default:
      return check(json, parse_result, print_build_result_json);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view input = fuzz::as_input(data, size);
  fuzz::refusals_are_fine([&] { check_document(input[0], input.substr(1)); });
  return 0;
}
