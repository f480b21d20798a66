// Signatures and keys: each has one spelling, and a key signs what its other half verifies.
#include "fuzz.hh"

#include <cinch/core/signature.hh>

using namespace cinch;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input = fuzz::as_input(data, size);
  fuzz::refusals_are_fine([&] { fuzz::require(Signature::parse(input).to_string() == input); });
  fuzz::refusals_are_fine([&] { fuzz::require(PublicKey::parse(input).to_string() == input); });
  fuzz::refusals_are_fine([&] {
    const SecretKey key = SecretKey::parse(input);
    fuzz::require(key.to_string() == input);
    fuzz::require(key.public_key().verifies(input, key.sign(input)));
  });
  fuzz::refusals_are_fine([&] {
    const SecretKey key = parse_secret_key_file(input);
    fuzz::require(SecretKey::parse(key.to_string()).public_key() == key.public_key());
  });
  fuzz::refusals_are_fine([&] {
    std::string text;
    const std::vector<PublicKey> keys = parse_public_keys(input);
    for (const PublicKey& key : keys) text += key.to_string() + '\n';
    fuzz::require(parse_public_keys(text) == keys);
  });
  return 0;
}
