// key generate-secret, key convert-secret-to-public.
#include "../context.hh"
#include "../file_content.hh"
#include "../verbs.hh"

#include <cinch/core/signature.hh>

namespace cinch::cli {

namespace {

constexpr std::uint64_t key_bytes_max = 4096;

int run_generate(Context& context) {
  const auto name = context.arguments.value("--key-name");
  if (!name) context.refuse("a key needs a name: --key-name NAME");
  context.output.print(SecretKey::generate(*name).to_string());
  return 0;
}

int run_convert(Context& context) {
  const SecretKey key = parse_secret_key_file(read_whole_file("-", key_bytes_max));
  context.output.print(key.public_key().to_string());
  return 0;
}

constexpr Option generate_options[] = {
    {"--key-name", "NAME", "what signatures and public key are called, e.g. cache.example.org-1"}};

constexpr Verb table[] = {
    {"key generate-secret", "Make a secret key for signing store objects", "", 0, 0,
     "Prints the key, which nobody else may read, without a newline, as Nix does.",
     "cinch key generate-secret --key-name example-1 > secret.key", generate_options, run_generate},
    {"key convert-secret-to-public",
     "Print the public key of a secret key",
     "",
     0,
     0,
     "Reads the secret key from standard input. The result goes into trusted-public-keys.",
     "cinch key convert-secret-to-public < secret.key",
     {},
     run_convert},
};

}  // namespace

constinit const std::span<const Verb> key_verbs = table;

}  // namespace cinch::cli
