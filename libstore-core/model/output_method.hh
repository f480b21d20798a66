// Private to the library: how ATerms and older JSON write a method with an algorithm: "sha256",
// "r:sha256", "text:sha256", "git:sha1".
#pragma once

#include <cinch/core/content_address.hh>
#include <cinch/core/hash.hh>

#include <string>
#include <string_view>

namespace cinch {

struct OutputMethod {
  ContentAddressMethod method;
  HashAlgorithm algorithm;
};

// Throws Code::malformed.
OutputMethod parse_output_method(std::string_view text);
std::string print_output_method(ContentAddressMethod method, HashAlgorithm algorithm);

}  // namespace cinch
