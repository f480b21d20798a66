#include "signature_list.hh"

#include <cinch/core/error.hh>

#include <optional>
#include <utility>

namespace cinch::local {

namespace {

// What is no signature says nothing; anybody may have given it to a daemon of Nix, which looks at
// none of them.
std::optional<Signature> parse_signature(std::string_view word) {
  try {
    return word.empty() ? std::nullopt : std::optional(Signature::parse(word));
  } catch (const Error&) {
    return std::nullopt;
  }
}

}  // namespace

std::string join_signatures(const std::set<Signature>& signatures) {
  std::string text;
  for (const Signature& signature : signatures) {
    if (!text.empty()) text += ' ';
    text += signature.to_string();
  }
  return text;
}

std::set<Signature> split_signatures(std::string_view text) {
  std::set<Signature> signatures;
  while (!text.empty()) {
    const std::size_t space = text.find(' ');
    const std::string_view word = text.substr(0, space);
    if (auto signature = parse_signature(word)) signatures.insert(*std::move(signature));
    text = space == text.npos ? std::string_view() : text.substr(space + 1);
  }
  return signatures;
}

}  // namespace cinch::local
