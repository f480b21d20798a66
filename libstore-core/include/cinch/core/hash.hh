// A Hash is a digest together with its algorithm: a value, at most 64 bytes, no allocation.
#pragma once

#include <cinch/core/export.hh>
#include <cinch/core/stream.hh>

#include <array>
#include <compare>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace cinch {

enum class HashAlgorithm : std::uint8_t { md5 = 1, sha1 = 2, sha256 = 3, sha512 = 4 };

constexpr std::size_t hash_bytes_max = 64;

// "md5", "sha1", "sha256", "sha512".
CINCH_CORE_API std::string_view to_string(HashAlgorithm algorithm);
CINCH_CORE_API std::size_t digest_bytes(HashAlgorithm algorithm);
// Throws Code::malformed for a name that is none of the four.
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

// Hashes a stream. After finish() the object is used up.
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

CINCH_CORE_API Hash hash_bytes(HashAlgorithm algorithm, Bytes bytes);

}  // namespace cinch
