// Ed25519 signatures over fingerprints, as Nix makes and checks them. Text form of keys and
// signatures: `<key name>:<base64>`.
#pragma once

#include <cinch/core/export.hh>
#include <cinch/core/stream.hh>

#include <array>
#include <compare>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace cinch {

constexpr std::size_t signature_bytes = 64;
constexpr std::size_t public_key_bytes = 32;
constexpr std::size_t secret_key_bytes = 64;

struct CINCH_CORE_API Signature {
  std::string key_name;  // not empty, no colon
  std::array<std::byte, signature_bytes> bytes;

  // Throws Code::malformed.
  static Signature parse(std::string_view text);
  std::string to_string() const;
  friend auto operator<=>(const Signature&, const Signature&) = default;
};

struct CINCH_CORE_API PublicKey {
  std::string name;
  std::array<std::byte, public_key_bytes> bytes;

  static PublicKey parse(std::string_view text);
  std::string to_string() const;
  // Whether `signature` was made by this key (same name, valid Ed25519 signature) over `message`.
  bool verifies(std::string_view message, const Signature& signature) const;
  friend auto operator<=>(const PublicKey&, const PublicKey&) = default;
};

// Wiped from memory when destroyed; never printed by anything but to_string().
class CINCH_CORE_API SecretKey {
 public:
  // Throws Code::malformed, also if the two halves of the key do not belong together.
  static SecretKey parse(std::string_view text);
  // A new random key. Throws Code::invalid_argument for a name that is empty or has a colon.
  static SecretKey generate(std::string_view name);
  SecretKey(const SecretKey&) = delete;
  SecretKey& operator=(const SecretKey&) = delete;
  SecretKey(SecretKey&&) noexcept;
  ~SecretKey();

  const std::string& name() const { return name_; }
  std::string to_string() const;
  PublicKey public_key() const;
  Signature sign(std::string_view message) const;

 private:
  SecretKey() = default;
  std::string name_;
  std::array<std::byte, secret_key_bytes> bytes_{};
};

// The key of a file: its text, with nothing but blanks and newlines around it. Throws
// Code::malformed.
CINCH_CORE_API SecretKey parse_secret_key_file(std::string_view text);
// Public keys between blanks and newlines, as in files and `trusted-public-keys`, in their order.
// Throws Code::malformed.
CINCH_CORE_API std::vector<PublicKey> parse_public_keys(std::string_view text);

// How many different keys of `trusted` have signed `message`.
CINCH_CORE_API std::size_t count_valid_signatures(std::span<const PublicKey> trusted,
                                                  std::string_view message,
                                                  std::span<const Signature> signatures);

}  // namespace cinch
