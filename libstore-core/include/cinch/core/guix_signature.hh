// Guix's signatures: s-expressions of libgcrypt that hold what was signed, the signature and the
// key. They sign the SHA-256 of a text: of a narinfo above its line `Signature:`, or of an item of
// an archive. Keys lie on the curve Ed25519; the algorithm is ECDSA (what Guix makes), or EdDSA.
// They are read and verified, not made. Format: docs/formats/guix-signature.md.
#pragma once

#include <cinch/core/export.hh>
#include <cinch/core/hash.hh>
#include <cinch/core/signature.hh>

#include <array>
#include <compare>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace cinch {

struct CINCH_CORE_API GuixPublicKey {
  std::array<std::byte, public_key_bytes> point;  // as Ed25519 encodes points

  // A file like /etc/guix/signing-key.pub: `(public-key (ecc (curve Ed25519) (q #...#)))`. Throws
  // Code::malformed; Code::not_supported for other curves and for RSA.
  static GuixPublicKey parse(std::string_view text);
  friend auto operator<=>(const GuixPublicKey&, const GuixPublicKey&) = default;
};

enum class GuixSignatureAlgorithm : std::uint8_t { ecdsa, eddsa };

struct CINCH_CORE_API GuixSignature {
  Hash signed_hash;  // sha256
  GuixSignatureAlgorithm algorithm;
  std::array<std::byte, signature_bytes> bytes;  // r and s, 32 bytes each: big endian for ECDSA
  GuixPublicKey public_key;

  // `(signature (data ...) (sig-val ...) (public-key ...))`. Throws as GuixPublicKey::parse, and
  // Code::not_supported for other hashes than sha256.
  static GuixSignature parse(std::string_view text);
  // Whether the key that it names has signed the hash that it names.
  bool is_valid() const;
};

enum class GuixVerdict : std::uint8_t {
  valid,
  hash_mismatch,     // it is over another text
  invalid,           // the key that it names has not made it
  unauthorised_key,  // that key is not among the trusted ones
};

CINCH_CORE_API GuixVerdict verify_guix_signature(const GuixSignature& signature,
                                                 std::string_view message,
                                                 std::span<const GuixPublicKey> trusted);

// The keys of an access list like /etc/guix/acl, `(acl (entry <key> (tag (guix import))) ...)`.
// Keys of kinds that are not supported, and entries for other things, are left out. Throws
// Code::malformed.
CINCH_CORE_API std::vector<GuixPublicKey> parse_guix_acl(std::string_view text);

}  // namespace cinch
