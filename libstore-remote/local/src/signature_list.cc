#include "signature_list.hh"

namespace cinch::local {

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
    if (!word.empty()) signatures.insert(Signature::parse(word));
    text = space == text.npos ? std::string_view() : text.substr(space + 1);
  }
  return signatures;
}

}  // namespace cinch::local
