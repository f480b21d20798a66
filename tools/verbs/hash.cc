// hash path, hash file, hash convert, hash to-*.
#include "../context.hh"
#include "../file_content.hh"
#include "../hash_options.hh"
#include "../parallel_hashes.hh"
#include "../verbs.hh"

#include <cinch/core/content_address_hasher.hh>
#include <cinch/core/error.hh>

namespace cinch::cli {

namespace {

int hash_files(Context& context, ContentAddressMethod method) {
  const HashAlgorithm algorithm = chosen_algorithm(context);
  const HashFormat format = chosen_format(context);
  const auto& given = context.arguments.positional();
  const std::vector<std::string> files(given.begin(), given.end());
  ParallelHashes hashes(files, method, algorithm);
  for (std::size_t i = 0; i < files.size(); ++i) {
    context.output.line(formatted(hashes.at(i), format));
  }
  return 0;
}

// The hashes of objects as if they did not mention this hash part: --modulo.
int hash_modulo(Context& context, ContentAddressMethod method, const std::string& hash_part) {
  if (method == ContentAddressMethod::git) context.refuse("--modulo is for the modes nar and flat");
  for (const std::string& file : context.arguments.positional()) {
    ModuloHasher hasher(chosen_algorithm(context), hash_part);
    write_content(file, method, hasher);
    context.output.line(formatted(hasher.finish(), chosen_format(context)));
  }
  return 0;
}

int run_path(Context& context) {
  const ContentAddressMethod method =
      parse_content_address_method(context.arguments.value("--mode").value_or("nar"));
  if (const auto part = context.arguments.value("--modulo")) {
    return hash_modulo(context, method, *part);
  }
  return hash_files(context, method);
}

int run_file(Context& context) { return hash_files(context, ContentAddressMethod::flat); }

// The text of a hash, which may lack its algorithm if the options name it.
Hash parse_given(const Context& context, const std::string& text) {
  const bool named = context.has("--hash-algo") || context.has("--type");
  const Hash hash = named ? Hash::parse(text, chosen_algorithm(context)) : Hash::parse(text);
  const auto from = context.arguments.value("--from");
  if (!from) return hash;
  const HashFormat format = parse_hash_format(*from);
  std::string digest = text;
  if (format != HashFormat::sri) {
    if (const std::size_t colon = digest.find(':'); colon != std::string::npos) {
      digest.erase(0, colon + 1);
    }
  }
  if (formatted(hash, format) != digest) {
    throw Error(Code::malformed, "'" + text + "' is not a hash in " + *from);
  }
  return hash;
}

int convert(Context& context, HashFormat format) {
  for (const std::string& text : context.arguments.positional()) {
    context.output.line(formatted(parse_given(context, text), format));
  }
  return 0;
}

int run_convert(Context& context) {
  return convert(context, parse_hash_format(context.arguments.value("--to").value_or("sri")));
}
int run_to_base16(Context& context) { return convert(context, HashFormat::base16); }
int run_to_base32(Context& context) { return convert(context, HashFormat::nix32); }
int run_to_base64(Context& context) { return convert(context, HashFormat::base64); }
int run_to_sri(Context& context) { return convert(context, HashFormat::sri); }

constexpr Option algo = {"--algo", "ALGORITHM",
                         "md5, sha1, sha256 (the default), sha512, blake3, sha3-256, sha3-512 "
                         "or blake2s-256"};
constexpr Option type = {"--type", "ALGORITHM", "an older name of --algo"};
constexpr Option format = {"--format", "FORMAT", "base16, nix32, base64 or sri (the default)"};
constexpr Option base16 = {"--base16", "", "the same as --format base16"};
constexpr Option base32 = {"--base32", "", "the same as --format nix32"};
constexpr Option base64 = {"--base64", "", "the same as --format base64"};
constexpr Option sri = {"--sri", "", "the same as --format sri"};

constexpr Option path_options[] = {
    algo,
    type,
    {"--mode", "MODE", "nar (the default), git, or flat for the bytes of one file"},
    {"--modulo", "HASHPART", "as if the content did not mention this hash part of a store path"},
    format,
    base16,
    base32,
    base64,
    sri};
constexpr Option file_options[] = {algo, type, format, base16, base32, base64, sri};
constexpr Option convert_options[] = {
    {"--hash-algo", "ALGORITHM", "the algorithm, if the hash does not name it"},
    {"--from", "FORMAT", "refuse hashes that are not in this format"},
    {"--to", "FORMAT", "base16, nix32, base64 or sri (the default)"}};
constexpr Option to_options[] = {
    {"--type", "ALGORITHM", "the algorithm, if the hash does not name it"}};

constexpr std::string_view to_example =
    "cinch hash to-sri --type sha1 55ca6286e3e4f4fba5d0448333fa99fc5a404a73";

constexpr Verb table[] = {
    {"hash path", "Hash the NAR of files and directories", "PATH...", 1, any_number,
     "Prints one hash a line. This is the hash that a store keeps of an object.",
     "cinch hash path ./src", path_options, run_path},
    {"hash file", "Hash the bytes of files", "FILE...", 1, any_number,
     "Prints one hash a line; gives what sha256sum gives, in another format.",
     "cinch hash file --base16 hello-2.10.tar.gz", file_options, run_file},
    {"hash convert", "Print hashes in another format", "HASH...", 1, any_number, "",
     "cinch hash convert --to nix32 sha256-mOpuTyFvL7S2n/+bOkSELDhobKaF8/VdxIxdP7EQe+Q=",
     convert_options, run_convert},
    {"hash to-base16", "Print hashes in base 16", "HASH...", 1, any_number, "", to_example,
     to_options, run_to_base16},
    {"hash to-base32", "Print hashes in Nix's base 32", "HASH...", 1, any_number, "", to_example,
     to_options, run_to_base32},
    {"hash to-base64", "Print hashes in base 64", "HASH...", 1, any_number, "", to_example,
     to_options, run_to_base64},
    {"hash to-sri", "Print hashes as SRI", "HASH...", 1, any_number, "", to_example, to_options,
     run_to_sri},
};

}  // namespace

constinit const std::span<const Verb> hash_verbs = table;

}  // namespace cinch::cli
