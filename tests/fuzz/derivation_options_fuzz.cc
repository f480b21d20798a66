// Any input as JSON of options, as structured attributes, and as attributes in the environment.
// What is accepted survives JSON; what a builder is told of it is JSON again.
#include "fuzz.hh"

#include <cinch/core/derivation_options.hh>
#include <cinch/core/structured_attributes.hh>

using namespace cinch;

namespace {

const StoreDir store_dir;
const StorePath input_path = StorePath::parse("c015dhfh5l0lp6wxyvdn7bmwhbbr6hr9-d.drv");

void survives_json(const DerivationOptions& options) {
  std::string text;
  try {
    text = print_derivation_options_json(options);
  } catch (const Error& error) {
    fuzz::require(error.code() == Code::invalid_argument);  // an environment need not be UTF-8
    return;
  }
  fuzz::require(parse_derivation_options_json(text) == options);
}

Derivation with(const std::string& variable, std::string_view value) {
  Derivation derivation;
  derivation.name = "x";
  derivation.outputs = {{"out", DeferredOutput{}}};
  derivation.input_derivations = {{input_path, {"out"}}};
  derivation.environment = {{variable, std::string(value)}};
  return derivation;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input = fuzz::as_input(data, size);
  fuzz::refusals_are_fine([&] { survives_json(parse_derivation_options_json(input)); });
  for (const char* variable : {"__json", "exportReferencesGraph", "allowedReferences"}) {
    fuzz::refusals_are_fine(
        [&] { survives_json(read_derivation_options(with(variable, input), store_dir)); });
  }
  fuzz::refusals_are_fine([&] {
    const Derivation derivation = with("__json", input);
    const auto files = print_structured_attributes(derivation, store_dir,
                                                   {.outputs = {{"out", "/o"}}, .graphs = {}});
    // The outputs are set: to do so again changes nothing.
    const auto again = print_structured_attributes(with("__json", files->json), store_dir,
                                                   {.outputs = {{"out", "/o"}}, .graphs = {}});
    fuzz::require(again->json == files->json && again->shell == files->shell);
  });
  return 0;
}
