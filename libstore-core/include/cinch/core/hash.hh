// A Hash is a digest together with its algorithm: a value, at most 64 bytes, no allocation. A
// Hasher makes one of a stream; a MultiHasher makes several of one stream, in one pass. Text forms:
// docs/formats/hash.md.
//
// Hashers share nothing, so that each of several threads may hash a stream of its own; one hasher
// belongs to one thread at a time.
#pragma once

#include <cinch/core/export.hh>
#include <cinch/core/stream.hh>

#include <array>
#include <compare>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace cinch {

// Nix knows the first five (the fifth as an experiment); the others are Guix's.
enum class HashAlgorithm : std::uint8_t {
  md5 = 1,
  sha1 = 2,
  sha256 = 3,
  sha512 = 4,
  blake3 = 5,
  sha3_256 = 6,
  sha3_512 = 7,
  blake2s_256 = 8,
};

// All of them, the most usual first.
inline constexpr std::array hash_algorithms = {HashAlgorithm::sha256,   HashAlgorithm::sha512,
                                               HashAlgorithm::sha1,     HashAlgorithm::md5,
                                               HashAlgorithm::blake3,   HashAlgorithm::sha3_256,
                                               HashAlgorithm::sha3_512, HashAlgorithm::blake2s_256};

constexpr std::size_t hash_bytes_max = 64;

// "md5", "sha1", "sha256", "sha512", "blake3", "sha3-256", "sha3-512", "blake2s-256".
CINCH_CORE_API std::string_view to_string(HashAlgorithm algorithm);
CINCH_CORE_API std::size_t digest_bytes(HashAlgorithm algorithm);
// Throws Code::malformed for a name that is none of these.
CINCH_CORE_API HashAlgorithm parse_hash_algorithm(std::string_view name);

enum class HashFormat : std::uint8_t { base16, nix32, base64, sri };

class CINCH_CORE_API Hash {
 public:
  // REQUIRES: digest.size() == digest_bytes(algorithm).
  Hash(HashAlgorithm algorithm, Bytes digest);

  // Any text form: `algo:<base16|nix32|base64>`, `algo-<base64>` (SRI), or, when `expected` is
  // given, the bare digest. The encoding follows from the length. Throws Code::malformed, also when
  // the text names another algorithm than `expected`.
  static Hash parse(std::string_view text, std::optional<HashAlgorithm> expected = std::nullopt);
  // The bare digest in base16, nix32 or base64.
  static Hash parse_digest(std::string_view digest, HashAlgorithm algorithm);

  HashAlgorithm algorithm() const { return algorithm_; }
  Bytes digest() const { return {digest_.data(), digest_bytes(algorithm_)}; }

  // With the prefix: "sha256:<digest>", or "sha256-<base64>" for sri.
  std::string to_string(HashFormat format) const;
  // Without the prefix. REQUIRES: format is not sri.
  std::string digest_text(HashFormat format) const;

  friend auto operator<=>(const Hash&, const Hash&) = default;

 private:
  HashAlgorithm algorithm_;
  std::array<std::byte, hash_bytes_max> digest_{};
};

// Hashes a stream. After finish() the object is used up. Throws Code::not_supported if the system
// forbids the algorithm, as some do with md5.
class CINCH_CORE_API Hasher final : public Sink {
 public:
  explicit Hasher(HashAlgorithm algorithm);
  Hasher(Hasher&&) noexcept;
  ~Hasher() override;

  void write(Bytes bytes) override;
  std::uint64_t size_bytes() const { return size_bytes_; }
  Hash finish();

 private:
  struct State;
  std::unique_ptr<State> state_;
  std::uint64_t size_bytes_ = 0;
};

// Hashes a stream by several algorithms, reading each byte from memory once.
class CINCH_CORE_API MultiHasher final : public Sink {
 public:
  explicit MultiHasher(std::span<const HashAlgorithm> algorithms);
  ~MultiHasher() override;

  void write(Bytes bytes) override;
  std::uint64_t size_bytes() const { return size_bytes_; }
  // In the order of the algorithms. The object is used up then.
  std::vector<Hash> finish();

 private:
  std::vector<Hasher> hashers_;
  std::uint64_t size_bytes_ = 0;
};

CINCH_CORE_API Hash hash_bytes(HashAlgorithm algorithm, Bytes bytes);

}  // namespace cinch
