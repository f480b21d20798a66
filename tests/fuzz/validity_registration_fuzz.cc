// Validity registrations: what is printed is read as the same again.
#include "fuzz.hh"

#include <cinch/core/validity_registration.hh>

using namespace cinch;

namespace {

std::vector<ValidityRegistration> read(std::string_view text, RegistrationHashes hashes) {
  StringSource source(text);
  RegistrationReader reader(source, StoreDir(), hashes);
  std::vector<ValidityRegistration> all;
  while (auto registration = reader.next()) all.push_back(*std::move(registration));
  return all;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input = fuzz::as_input(data, size);
  for (const RegistrationHashes hashes : {RegistrationHashes::absent, RegistrationHashes::given}) {
    fuzz::refusals_are_fine([&] {
      const std::vector<ValidityRegistration> all = read(input, hashes);
      std::string text;
      for (const ValidityRegistration& one : all) text += print_registration(one, StoreDir());
      fuzz::require(read(text, hashes) == all);
    });
  }
  return 0;
}
