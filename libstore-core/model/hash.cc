#include "../blake3/blake3.hh"
#include "decode_to.hh"
#include "refusal.hh"

#include <cinch/core/encoding.hh>
#include <cinch/core/error.hh>
#include <cinch/core/hash.hh>

#include <algorithm>
#include <new>
#include <utility>
#include <variant>

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
      .at(text.size())
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
template <HashAlgorithm>
const EVP_MD* fetch_once(const char* name) {
  static const EVP_MD* const method = EVP_MD_fetch(nullptr, name, nullptr);
  return method;
}

const EVP_MD* digest_method(HashAlgorithm algorithm) {
  using enum HashAlgorithm;
  switch (algorithm) {
    case md5:
      return fetch_once<md5>("MD5");
    case sha1:
      return fetch_once<sha1>("SHA1");
    case sha256:
      return fetch_once<sha256>("SHA256");
    case sha512:
      return fetch_once<sha512>("SHA512");
    case sha3_256:
      return fetch_once<sha3_256>("SHA3-256");
    case sha3_512:
      return fetch_once<sha3_512>("SHA3-512");
    case blake2s_256:
      return fetch_once<blake2s_256>("BLAKE2S-256");
    case blake3:
      break;
  }
  return nullptr;
}

// Where the name of an SRI hash ends. Some names hold a '-' of their own; base64 holds none.
std::size_t sri_separator(std::string_view text) {
  for (const auto algorithm : hash_algorithms) {
    const std::string_view name = to_string(algorithm);
    if (text.starts_with(name) && text.substr(name.size()).starts_with('-')) return name.size();
  }
  return text.find('-');
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
    case HashAlgorithm::blake3:
      return "blake3";
    case HashAlgorithm::sha3_256:
      return "sha3-256";
    case HashAlgorithm::sha3_512:
      return "sha3-512";
    case HashAlgorithm::blake2s_256:
      return "blake2s-256";
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
    case HashAlgorithm::blake3:
    case HashAlgorithm::sha3_256:
    case HashAlgorithm::blake2s_256:
      return 32;
    case HashAlgorithm::sha512:
    case HashAlgorithm::sha3_512:
      return 64;
  }
  return 0;
}

HashAlgorithm parse_hash_algorithm(std::string_view name) {
  for (const auto algorithm : hash_algorithms) {
    if (name == to_string(algorithm)) return algorithm;
  }
  throw Error(Code::malformed, "unknown hash algorithm '" + excerpt(name) + "'")
      .at(0)
      .hint("use md5, sha1, sha256, sha512, blake3, sha3-256, sha3-512 or blake2s-256");
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
  std::size_t separator = text.find(':');
  if (separator == std::string_view::npos) separator = sri_separator(text);
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
  struct FreeContext {
    void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
  };
  using Context = std::unique_ptr<EVP_MD_CTX, FreeContext>;

  HashAlgorithm algorithm;
  std::variant<Context, blake3::Blake3> engine;
};

Hasher::Hasher(HashAlgorithm algorithm)
    : state_(std::make_unique<State>(State{algorithm, State::Context()})) {
  if (algorithm == HashAlgorithm::blake3) {
    state_->engine.emplace<blake3::Blake3>();
    return;
  }
  State::Context context(EVP_MD_CTX_new());
  if (context == nullptr) throw std::bad_alloc();
  const EVP_MD* method = digest_method(algorithm);
  if (method == nullptr || EVP_DigestInit_ex(context.get(), method, nullptr) != 1) {
    throw Error(Code::not_supported, "the crypto library of this system refuses to compute " +
                                         std::string(to_string(algorithm)) + " hashes");
  }
  state_->engine = std::move(context);
}

Hasher::Hasher(Hasher&&) noexcept = default;
Hasher::~Hasher() = default;

void Hasher::write(Bytes bytes) {
  if (auto* own = std::get_if<blake3::Blake3>(&state_->engine)) {
    own->write(bytes);
  } else if (EVP_DigestUpdate(std::get<State::Context>(state_->engine).get(), bytes.data(),
                              bytes.size()) != 1) {
    throw Error(Code::internal, "the crypto library failed to hash");
  }
  size_bytes_ += bytes.size();
}

Hash Hasher::finish() {
  std::array<std::byte, EVP_MAX_MD_SIZE> digest;
  if (auto* own = std::get_if<blake3::Blake3>(&state_->engine)) {
    own->finish(std::span(digest).first<blake3::digest_bytes>());
  } else if (EVP_DigestFinal_ex(std::get<State::Context>(state_->engine).get(),
                                reinterpret_cast<unsigned char*>(digest.data()), nullptr) != 1) {
    throw Error(Code::internal, "the crypto library failed to finish a hash");
  }
  return Hash(state_->algorithm, Bytes(digest).first(digest_bytes(state_->algorithm)));
}

MultiHasher::MultiHasher(std::span<const HashAlgorithm> algorithms) {
  hashers_.reserve(algorithms.size());
  for (const HashAlgorithm algorithm : algorithms) hashers_.emplace_back(algorithm);
}

MultiHasher::~MultiHasher() = default;

// Piece by piece, so that what the first hasher has read is still in the cache for the others.
void MultiHasher::write(Bytes bytes) {
  constexpr std::size_t piece_bytes = std::size_t{16} << 10;
  size_bytes_ += bytes.size();
  while (!bytes.empty()) {
    const Bytes piece = bytes.first(std::min(bytes.size(), piece_bytes));
    for (Hasher& hasher : hashers_) hasher.write(piece);
    bytes = bytes.subspan(piece.size());
  }
}

std::vector<Hash> MultiHasher::finish() {
  std::vector<Hash> hashes;
  hashes.reserve(hashers_.size());
  for (Hasher& hasher : hashers_) hashes.push_back(hasher.finish());
  return hashes;
}

Hash hash_bytes(HashAlgorithm algorithm, Bytes bytes) {
  Hasher hasher(algorithm);
  hasher.write(bytes);
  return hasher.finish();
}

}  // namespace cinch
