// Realisations in both forms, and their keys: what is printed is read as the same again.
#include "fuzz.hh"

#include <cinch/core/realisation.hh>

using namespace cinch;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const StoreDir store_dir;
  const std::string_view input = fuzz::as_input(data, size);
  fuzz::refusals_are_fine([&] {
    fuzz::require(RealisationKey::parse(input, store_dir).to_string(store_dir) == input);
  });
  fuzz::refusals_are_fine([&] {
    const HashedRealisationKey key = HashedRealisationKey::parse(input);
    fuzz::require(HashedRealisationKey::parse(key.to_string()) == key);
  });
  fuzz::refusals_are_fine([&] {
    const Realisation realisation = parse_realisation_json(input);
    fuzz::require(parse_realisation_json(print_realisation_json(realisation)) == realisation);
    fuzz::require(!realisation.fingerprint().empty());
  });
  fuzz::refusals_are_fine([&] {
    const RealisationKey key{StorePath::parse("g1w7hy3qg1w7hy3qg1w7hy3qg1w7hy3q-foo.drv"), "out"};
    const Realisation realisation = parse_realisation_value_json(input, key);
    const std::string text = print_realisation_value_json(realisation);
    fuzz::require(parse_realisation_value_json(text, key) == realisation);
  });
  fuzz::refusals_are_fine([&] {
    const HashedRealisation realisation = parse_hashed_realisation_json(input);
    for (const auto form : {SignatureJson::text, SignatureJson::object}) {
      const std::string text = print_hashed_realisation_json(realisation, form);
      fuzz::require(parse_hashed_realisation_json(text) == realisation);
    }
  });
  return 0;
}
