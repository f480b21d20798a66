// S-expressions: the canonical spelling is read as the same again. Signatures, keys and access
// lists made of them are values or refusals, whatever they say.
#include "fuzz.hh"

#include <cinch/core/guix_signature.hh>
#include <cinch/core/sexp.hh>

using namespace cinch;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input = fuzz::as_input(data, size);
  fuzz::refusals_are_fine([&] {
    const Sexp expression = Sexp::parse(input);
    const std::string canonical = expression.to_canonical();
    fuzz::require(Sexp::parse(canonical) == expression);
    fuzz::require(Sexp::parse(canonical).to_canonical() == canonical);
  });
  fuzz::refusals_are_fine([&] { parse_guix_acl(input); });
  fuzz::refusals_are_fine([&] { GuixPublicKey::parse(input); });
  fuzz::refusals_are_fine([&] {
    const GuixSignature signature = GuixSignature::parse(input);
    GuixSignature changed = signature;
    changed.bytes[0] ^= std::byte{1};
    fuzz::require(!(signature.is_valid() && changed.is_valid()));
  });
  return 0;
}
