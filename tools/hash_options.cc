#include "hash_options.hh"

#include <cinch/core/error.hh>

namespace cinch::cli {

HashAlgorithm chosen_algorithm(const Context& context) {
  for (const std::string_view key : {"--algo", "--type", "--hash-algo"}) {
    if (const auto name = context.arguments.value(key)) return parse_hash_algorithm(*name);
  }
  return HashAlgorithm::sha256;
}

HashFormat chosen_format(const Context& context) {
  if (const auto name = context.arguments.value("--format")) return parse_hash_format(*name);
  if (context.has("--base16")) return HashFormat::base16;
  if (context.has("--base32")) return HashFormat::nix32;
  if (context.has("--base64")) return HashFormat::base64;
  return HashFormat::sri;
}

HashFormat parse_hash_format(std::string_view name) {
  if (name == "base16") return HashFormat::base16;
  if (name == "nix32" || name == "base32") return HashFormat::nix32;
  if (name == "base64") return HashFormat::base64;
  if (name == "sri") return HashFormat::sri;
  throw Error(Code::invalid_argument, "unknown hash format '" + std::string(name) + "'")
      .hint("use base16, nix32, base64 or sri");
}

std::string formatted(const Hash& hash, HashFormat format) {
  return format == HashFormat::sri ? hash.to_string(format) : hash.digest_text(format);
}

}  // namespace cinch::cli
