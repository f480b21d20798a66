#include "output_method.hh"

#include "refusal.hh"

#include <cinch/core/error.hh>

namespace cinch {

OutputMethod parse_output_method(std::string_view text) {
  const std::size_t colon = text.find(':');
  if (colon == std::string_view::npos) {
    return {ContentAddressMethod::flat, parse_hash_algorithm(text)};
  }
  const std::string_view prefix = text.substr(0, colon + 1);
  for (const auto method :
       {ContentAddressMethod::nar, ContentAddressMethod::text, ContentAddressMethod::git}) {
    if (prefix == method_prefix(method)) {
      return {method, parse_hash_algorithm(text.substr(colon + 1))};
    }
  }
  throw Error(Code::malformed, "unknown content-addressing method '" + excerpt(prefix) + "'").at(0);
}

std::string print_output_method(ContentAddressMethod method, HashAlgorithm algorithm) {
  std::string text(method_prefix(method));
  text += to_string(algorithm);
  return text;
}

}  // namespace cinch
