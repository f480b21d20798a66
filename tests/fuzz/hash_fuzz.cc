// Encodings, hashes in every spelling, and content addresses: what has one spelling is printed in
// it, the rest is read as the same again.
#include "fuzz.hh"

#include <cinch/core/content_address.hh>
#include <cinch/core/encoding.hh>
#include <cinch/core/hash.hh>

#include <algorithm>

using namespace cinch;

namespace {

void check_encodings(std::string_view input) {
  fuzz::refusals_are_fine([&] {
    const std::string text = base16_encode(as_bytes(base16_decode(input)));
    const auto lower = [](char c) { return c >= 'A' && c <= 'F' ? static_cast<char>(c + 32) : c; };
    fuzz::require(std::ranges::equal(text, input, {}, {}, lower));
  });
  fuzz::refusals_are_fine(
      [&] { fuzz::require(nix32_encode(as_bytes(nix32_decode(input))) == input); });
  fuzz::refusals_are_fine(
      [&] { fuzz::require(base64_encode(as_bytes(base64_decode(input))) == input); });
  fuzz::require(base16_decode(base16_encode(as_bytes(input))) == input);
  fuzz::require(nix32_decode(nix32_encode(as_bytes(input))) == input);
  fuzz::require(base64_decode(base64_encode(as_bytes(input))) == input);
}

void check_every_spelling(const Hash& hash) {
  for (const auto format :
       {HashFormat::base16, HashFormat::nix32, HashFormat::base64, HashFormat::sri}) {
    fuzz::require(Hash::parse(hash.to_string(format)) == hash);
    if (format == HashFormat::sri) continue;
    fuzz::require(Hash::parse_digest(hash.digest_text(format), hash.algorithm()) == hash);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input = fuzz::as_input(data, size);
  check_encodings(input);
  fuzz::refusals_are_fine([&] { check_every_spelling(Hash::parse(input)); });
  for (const HashAlgorithm algorithm : hash_algorithms) {
    fuzz::refusals_are_fine([&] {
      const Hash hash = Hash::parse(input, algorithm);
      fuzz::require(hash.algorithm() == algorithm);
      check_every_spelling(hash);
    });
  }
  fuzz::refusals_are_fine([&] {
    const ContentAddress address = ContentAddress::parse(input);
    fuzz::require(ContentAddress::parse(address.to_string()) == address);
  });
  return 0;
}
