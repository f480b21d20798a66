#include "decode_to.hh"

#include <cinch/core/content_address.hh>
#include <cinch/core/encoding.hh>
#include <cinch/core/error.hh>
#include <cinch/core/placeholder.hh>

#include <array>

namespace cinch {

Placeholder::Placeholder(std::string_view clear_text)
    : hash_(hash_bytes(HashAlgorithm::sha256, as_bytes(clear_text))) {}

Placeholder Placeholder::own_output(std::string_view output) {
  return Placeholder("nix-output:" + std::string(output));
}

Placeholder Placeholder::input_output(const StorePath& derivation, std::string_view output) {
  if (!derivation.is_derivation()) {
    throw Error(Code::invalid_argument, "only a derivation has outputs")
        .about(derivation.base_name());
  }
  std::string text = "nix-upstream-output:";
  text += derivation.hash_part();
  text += ':';
  text += output_path_name(derivation.derivation_name(), output);
  return Placeholder(text);
}

Placeholder Placeholder::output_of_this(std::string_view output) const {
  // Folded as the digest of a store path is.
  std::array<std::byte, store_path_digest_bytes> folded{};
  const Bytes digest = hash_.digest();
  for (std::size_t i = 0; i < digest.size(); ++i) folded[i % folded.size()] ^= digest[i];
  return Placeholder("nix-computed-output:" + nix32_encode(folded) + ":" + std::string(output));
}

std::string Placeholder::text() const { return "/" + hash_.digest_text(HashFormat::nix32); }

std::string replace_placeholders(std::string_view text, const PlaceholderTexts& replacements) {
  std::string result;
  if (replacements.empty()) return std::string(text);
  std::size_t run = 0;
  std::size_t at = text.find('/');
  while (at != std::string_view::npos && at + Placeholder::length <= text.size()) {
    const std::string_view candidate = text.substr(at, Placeholder::length);
    const auto found =
        is_nix32(candidate.substr(1)) ? replacements.find(candidate) : replacements.end();
    if (found == replacements.end()) {
      at = text.find('/', at + 1);
      continue;
    }
    result.append(text, run, at - run);
    result += found->second;
    run = at + Placeholder::length;
    at = text.find('/', run);
  }
  result.append(text, run);
  return result;
}

}  // namespace cinch
