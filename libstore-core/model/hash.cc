#include "decode_to.hh"
#include "refusal.hh"

#include <cinch/core/encoding.hh>
#include <cinch/core/error.hh>
#include <cinch/core/hash.hh>

#include <algorithm>
#include <new>
#include <utility>

#include <openssl/evp.h>

namespace cinch {

namespace {

constexpr std::size_t base64_length(std::size_t byte_count) { return (byte_count + 2) / 3 * 4; }

void decode_digest(std::string_view text, HashAlgorithm algorithm, std::span<std::byte> out) {
  if (text.size() == 2 * out.size()) return base16_decode_to(text, out);
  if (text.size() == nix32_length(out.size())) return nix32_decode_to(text, out);
  if (text.size() == base64_length(out.size())) return base64_decode_to(text, out);
  throw Error(Code::malformed, "a " + std::string(to_string(algorithm)) + " digest cannot have " +
                                   std::to_string(text.size()) + " characters")
      .about(excerpt(text))
      .hint("write it in base16 (" + std::to_string(2 * out.size()) + " characters), nix32 (" +
            std::to_string(nix32_length(out.size())) + ") or base64 (" +
            std::to_string(base64_length(out.size())) + ")");
}

Hash parse_sri_digest(std::string_view digest, HashAlgorithm algorithm) {
  if (const std::size_t option = digest.find('?'); option != std::string_view::npos) {
    throw Error(Code::malformed, "options after an SRI hash are not supported").at(option);
  }
  std::array<std::byte, hash_bytes_max> bytes;
  const std::span<std::byte> out(bytes.data(), digest_bytes(algorithm));
  base64_decode_to(digest, out);
  return Hash(algorithm, out);
}

void check_expected(std::string_view text, HashAlgorithm algorithm,
                    std::optional<HashAlgorithm> expected) {
  if (!expected || *expected == algorithm) return;
  throw Error(Code::malformed, "the hash is of type " + std::string(to_string(algorithm)) +
                                   ", but " + std::string(to_string(*expected)) + " is expected")
      .about(excerpt(text))
      .at(0);
}

// To look an implementation up costs more than to hash a short text, so each is looked up once and
// kept for the life of the process. Null if the system forbids the algorithm.
const EVP_MD* digest_method(HashAlgorithm algorithm) {
  switch (algorithm) {
    case HashAlgorithm::md5: {
      static const EVP_MD* const method = EVP_MD_fetch(nullptr, "MD5", nullptr);
      return method;
    }
    case HashAlgorithm::sha1: {
      static const EVP_MD* const method = EVP_MD_fetch(nullptr, "SHA1", nullptr);
      return method;
    }
    case HashAlgorithm::sha256: {
      static const EVP_MD* const method = EVP_MD_fetch(nullptr, "SHA256", nullptr);
      return method;
    }
    case HashAlgorithm::sha512: {
      static const EVP_MD* const method = EVP_MD_fetch(nullptr, "SHA512", nullptr);
      return method;
    }
  }
  return nullptr;
}

}  // namespace

std::string_view to_string(HashAlgorithm algorithm) {
  switch (algorithm) {
    case HashAlgorithm::md5:
      return "md5";
    case HashAlgorithm::sha1:
      return "sha1";
    case HashAlgorithm::sha256:
      return "sha256";
    case HashAlgorithm::sha512:
      return "sha512";
  }
  return "unknown";
}

std::size_t digest_bytes(HashAlgorithm algorithm) {
  switch (algorithm) {
    case HashAlgorithm::md5:
      return 16;
    case HashAlgorithm::sha1:
      return 20;
    case HashAlgorithm::sha256:
      return 32;
    case HashAlgorithm::sha512:
      return 64;
  }
  return 0;
}

HashAlgorithm parse_hash_algorithm(std::string_view name) {
  for (const auto algorithm :
       {HashAlgorithm::sha256, HashAlgorithm::sha512, HashAlgorithm::sha1, HashAlgorithm::md5}) {
    if (name == to_string(algorithm)) return algorithm;
  }
  throw Error(Code::malformed, "unknown hash algorithm '" + excerpt(name) + "'")
      .at(0)
      .hint("use md5, sha1, sha256 or sha512");
}

Hash::Hash(HashAlgorithm algorithm, Bytes digest) : algorithm_(algorithm) {
  if (digest.size() != digest_bytes(algorithm)) {
    throw Error(Code::invalid_argument, "a " + std::string(cinch::to_string(algorithm)) +
                                            " digest has " +
                                            std::to_string(digest_bytes(algorithm)) +
                                            " bytes, not " + std::to_string(digest.size()));
  }
  std::copy(digest.begin(), digest.end(), digest_.begin());
}

Hash Hash::parse(std::string_view text, std::optional<HashAlgorithm> expected) {
  // Neither ':' nor '-' occurs in a digest, whatever its encoding.
  const std::size_t separator = text.find_first_of(":-");
  if (separator == std::string_view::npos) {
    if (expected) return parse_digest(text, *expected);
    throw Error(Code::malformed, "the hash does not say which algorithm it is of")
        .about(excerpt(text))
        .at(0)
        .hint("write <algorithm>:<digest> or <algorithm>-<base64>");
  }
  const HashAlgorithm algorithm =
      parse_part(text, 0, [&] { return parse_hash_algorithm(text.substr(0, separator)); });
  check_expected(text, algorithm, expected);
  const std::string_view digest = text.substr(separator + 1);
  return parse_part(text, separator + 1, [&] {
    return text[separator] == '-' ? parse_sri_digest(digest, algorithm)
                                  : parse_digest(digest, algorithm);
  });
}

Hash Hash::parse_digest(std::string_view digest, HashAlgorithm algorithm) {
  std::array<std::byte, hash_bytes_max> bytes;
  const std::span<std::byte> out(bytes.data(), digest_bytes(algorithm));
  parse_part(digest, 0, [&] { decode_digest(digest, algorithm, out); });
  return Hash(algorithm, out);
}

std::string Hash::to_string(HashFormat format) const {
  std::string text(cinch::to_string(algorithm_));
  if (format == HashFormat::sri) return text + '-' + digest_text(HashFormat::base64);
  return text + ':' + digest_text(format);
}

std::string Hash::digest_text(HashFormat format) const {
  switch (format) {
    case HashFormat::base16:
      return base16_encode(digest());
    case HashFormat::nix32:
      return nix32_encode(digest());
    case HashFormat::base64:
      return base64_encode(digest());
    case HashFormat::sri:
      break;
  }
  throw Error(Code::invalid_argument, "an SRI hash cannot be printed without its algorithm");
}

struct Hasher::State {
  State() : context(EVP_MD_CTX_new()) {
    if (context == nullptr) throw std::bad_alloc();
  }
  State(const State&) = delete;
  State& operator=(const State&) = delete;
  ~State() { EVP_MD_CTX_free(context); }

  EVP_MD_CTX* context;
  HashAlgorithm algorithm{};
};

Hasher::Hasher(HashAlgorithm algorithm) : state_(std::make_unique<State>()) {
  state_->algorithm = algorithm;
  const EVP_MD* method = digest_method(algorithm);
  if (method == nullptr || EVP_DigestInit_ex(state_->context, method, nullptr) != 1) {
    throw Error(Code::not_supported, "the crypto library of this system refuses to compute " +
                                         std::string(to_string(algorithm)) + " hashes");
  }
}

Hasher::Hasher(Hasher&&) noexcept = default;
Hasher::~Hasher() = default;

void Hasher::write(Bytes bytes) {
  if (EVP_DigestUpdate(state_->context, bytes.data(), bytes.size()) != 1) {
    throw Error(Code::internal, "the crypto library failed to hash");
  }
  size_bytes_ += bytes.size();
}

Hash Hasher::finish() {
  std::array<std::byte, EVP_MAX_MD_SIZE> digest;
  auto* out = reinterpret_cast<unsigned char*>(digest.data());
  if (EVP_DigestFinal_ex(state_->context, out, nullptr) != 1) {
    throw Error(Code::internal, "the crypto library failed to finish a hash");
  }
  return Hash(state_->algorithm, Bytes(digest).first(digest_bytes(state_->algorithm)));
}

Hash hash_bytes(HashAlgorithm algorithm, Bytes bytes) {
  Hasher hasher(algorithm);
  hasher.write(bytes);
  return hasher.finish();
}

}  // namespace cinch
