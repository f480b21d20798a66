// nix-hash.
#include "../context.hh"
#include "../file_content.hh"
#include "../hash_options.hh"
#include "programs.hh"

#include <cinch/core/encoding.hh>
#include <cinch/core/error.hh>

#include <filesystem>
#include <optional>

namespace cinch::cli {

namespace {

struct HashCall {
  HashAlgorithm algorithm = HashAlgorithm::md5;
  HashFormat format = HashFormat::base16;
  bool flat = false;
  bool truncate = false;
  bool convert = false;
  std::vector<std::string> arguments;
};

std::optional<HashFormat> format_of(std::string_view flag, std::string_view prefix) {
  if (!flag.starts_with(prefix)) return std::nullopt;
  flag.remove_prefix(prefix.size());
  for (const std::string_view name : {"base16", "base32", "base64", "sri"}) {
    if (flag == name) return parse_hash_format(name);
  }
  return std::nullopt;
}

HashCall parse(const Context& context) {
  HashCall call;
  for (const LegacyWord& word : legacy_words(context.verb, context.arguments)) {
    if (word.text == "--flat") {
      call.flat = true;
    } else if (word.text == "--truncate") {
      call.truncate = true;
    } else if (word.text == "--type") {
      call.algorithm = parse_hash_algorithm(word.value);
    } else if (const auto wanted = format_of(word.text, "--to-")) {
      call.convert = true;
      call.format = *wanted;
    } else if (const auto printed = format_of(word.text, "--")) {
      call.format = *printed;
    } else if (word.is_flag()) {
      context.refuse("unrecognised flag '" + word.text + "'");
    } else {
      call.arguments.push_back(word.text);
    }
  }
  return call;
}

// A digest that is longer than that of a store path, folded to its length.
std::string truncated(const Hash& hash, HashFormat format) {
  std::vector<std::byte> folded(store_path_digest_bytes);
  const Bytes digest = hash.digest();
  for (std::size_t at = 0; at < digest.size(); ++at) folded[at % folded.size()] ^= digest[at];
  switch (format) {
    case HashFormat::base16:
      return base16_encode(folded);
    case HashFormat::nix32:
      return nix32_encode(folded);
    case HashFormat::base64:
      return base64_encode(folded);
    case HashFormat::sri:
      break;
  }
  return std::string(to_string(hash.algorithm())) + "-" + base64_encode(folded);
}

Hash hash_of(const HashCall& call, const std::string& file) {
  if (!call.flat) return hash_content(file, ContentAddressMethod::nar, call.algorithm);
  // The bytes of a file, wherever a link leads.
  std::error_code error;
  const std::filesystem::path real = std::filesystem::canonical(file, error);
  return hash_content(error ? file : real.string(), ContentAddressMethod::flat, call.algorithm);
}

int run_nix_hash(Context& context) {
  const HashCall call = parse(context);
  for (const std::string& argument : call.arguments) {
    if (call.convert) {
      context.output.line(formatted(Hash::parse(argument, call.algorithm), call.format));
      continue;
    }
    const Hash hash = hash_of(call, argument);
    const bool shortened = call.truncate && hash.digest().size() > store_path_digest_bytes;
    context.output.line(shortened ? truncated(hash, call.format) : formatted(hash, call.format));
  }
  return 0;
}

constexpr Option options[] = {
    {"--flat", "", "hash the bytes of files, not NARs"},
    {"--type", "ALGORITHM", "md5 (the default), sha1, sha256, sha512 or blake3"},
    {"--truncate", "", "fold what is longer than 20 bytes to this length"},
    {"--base16", "", "print in base 16 (the default)"},
    {"--base32", "", "print in Nix's base 32"},
    {"--base64", "", "print in base 64"},
    {"--sri", "", "print as SRI"},
    {"--to-base16", "", "take hashes, not files, and print them in base 16"},
    {"--to-base32", "", "the same, in Nix's base 32"},
    {"--to-base64", "", "the same, in base 64"},
    {"--to-sri", "", "the same, as SRI"},
};

}  // namespace

constinit const Verb nix_hash_program = {
    "nix-hash",
    "Hash files as Nix's program of this name does",
    "PATH...|HASH...",
    0,
    any_number,
    "Prints one hash a line. 'cinch hash' has newer names and defaults for the same.",
    "nix-hash --type sha256 --base32 ./src\nnix-hash --type sha1 --to-base32 e4fd8ba5f7b...",
    options,
    run_nix_hash};

}  // namespace cinch::cli
