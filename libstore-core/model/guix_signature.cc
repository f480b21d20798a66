// Format: docs/formats/guix-signature.md.
#include "edwards_point.hh"
#include "refusal.hh"

#include <cinch/core/error.hh>
#include <cinch/core/guix_signature.hh>
#include <cinch/core/sexp.hh>

#include <algorithm>
#include <utility>

#include <sodium.h>

namespace cinch {

namespace {

constexpr std::size_t scalar_bytes = crypto_core_ed25519_SCALARBYTES;
static_assert(signature_bytes == 2 * scalar_bytes);

constexpr std::string_view curve_name = "Ed25519";
constexpr char compressed_prefix = 0x40;

[[noreturn]] void malformed(const Sexp& where, std::string message) {
  throw Error(Code::malformed, std::move(message)).at(where.offset);
}
[[noreturn]] void not_supported(const Sexp& where, std::string message) {
  throw Error(Code::not_supported, std::move(message)).at(where.offset);
}

// --- reading ---

const Sexp& require(const Sexp& list, std::string_view name) {
  const Sexp* found = list.find(name);
  if (found == nullptr) malformed(list, "expected one list '(" + std::string(name) + " ...)'");
  return *found;
}

// The single byte string after the name.
const std::string& value_of(const Sexp& list) {
  if (list.items.size() != 2 || list.items[1].is_list) {
    malformed(list, "expected one value after '" + list.items.front().bytes + "'");
  }
  return list.items[1].bytes;
}

bool has_flag(const Sexp& list, std::string_view flag) {
  const Sexp* flags = list.find("flags");
  return flags != nullptr && std::ranges::any_of(flags->items, [&](const Sexp& item) {
           return !item.is_list && item.bytes == flag;
         });
}

GuixPublicKey read_key(const Sexp& expression) {
  if (!expression.is("public-key")) malformed(expression, "expected a list '(public-key ...)'");
  const Sexp* key = expression.find("ecc");
  if (key == nullptr) key = expression.find("ecdsa");
  if (key == nullptr) {
    if (expression.find("rsa") != nullptr || expression.find("dsa") != nullptr) {
      not_supported(expression, "only keys on the curve Ed25519 are supported, not RSA or DSA");
    }
    malformed(expression, "expected one list '(ecc ...)'");
  }
  const std::string& curve = value_of(require(*key, "curve"));
  if (curve != curve_name)
    not_supported(*key, "keys on the curve '" + excerpt(curve) + "' are not supported");
  std::string_view point = value_of(require(*key, "q"));
  if (point.size() == public_key_bytes + 1 && point.front() == compressed_prefix) {
    point.remove_prefix(1);
  }
  if (point.size() != public_key_bytes)
    malformed(*key, "a key on the curve Ed25519 must have 32 bytes");
  GuixPublicKey result;
  std::ranges::copy(as_bytes(point), result.point.begin());
  return result;
}

Hash read_sha256(const Sexp& where, std::string_view algorithm, std::string_view digest) {
  if (algorithm != to_string(HashAlgorithm::sha256)) {
    not_supported(where, "signatures of '" + excerpt(algorithm) + "' hashes are not supported");
  }
  if (digest.size() != digest_bytes(HashAlgorithm::sha256)) {
    malformed(where, "a sha256 hash must have 32 bytes");
  }
  return Hash(HashAlgorithm::sha256, as_bytes(digest));
}

// `(flags rfc6979) (hash sha256 #...#)`, or for EdDSA `(flags eddsa) (hash-algo sha512)
// (value #...#)`, where the value is the hash that the text has.
Hash read_signed_hash(const Sexp& data) {
  if (has_flag(data, "eddsa")) {
    if (value_of(require(data, "hash-algo")) != to_string(HashAlgorithm::sha512)) {
      not_supported(data, "EdDSA with another inner hash than sha512 is not supported");
    }
    return read_sha256(data, to_string(HashAlgorithm::sha256), value_of(require(data, "value")));
  }
  if (!has_flag(data, "rfc6979"))
    not_supported(data, "only data with the flag 'rfc6979' or 'eddsa' is supported");
  const Sexp& hash = require(data, "hash");
  if (hash.items.size() != 3 || hash.items[1].is_list || hash.items[2].is_list) {
    malformed(hash, "expected '(hash <algorithm> <digest>)'");
  }
  return read_sha256(hash, hash.items[1].bytes, hash.items[2].bytes);
}

// libgcrypt drops leading zero bytes of numbers, and adds one where the first bit is set.
void read_number(const Sexp& list, std::string_view name, std::span<std::byte> out) {
  std::string_view number = value_of(require(list, name));
  while (!number.empty() && number.front() == '\0') number.remove_prefix(1);
  if (number.size() > out.size()) {
    malformed(list, "the number '" + std::string(name) + "' of a signature is too large");
  }
  std::ranges::fill(out, std::byte{0});
  std::ranges::copy(as_bytes(number), out.last(number.size()).begin());
}

void read_value(const Sexp& value, GuixSignature& signature) {
  const std::span<std::byte> bytes(signature.bytes);
  const bool eddsa = signature.algorithm == GuixSignatureAlgorithm::eddsa;
  const Sexp& numbers = require(value, eddsa ? "eddsa" : "ecdsa");
  if (eddsa) {
    const std::string& r = value_of(require(numbers, "r"));
    const std::string& s = value_of(require(numbers, "s"));
    if (r.size() != scalar_bytes || s.size() != scalar_bytes) {
      malformed(numbers, "the parts of an EdDSA signature must have 32 bytes each");
    }
    std::ranges::copy(as_bytes(r), bytes.begin());
    std::ranges::copy(as_bytes(s), bytes.last(scalar_bytes).begin());
  } else {
    read_number(numbers, "r", bytes.first(scalar_bytes));
    read_number(numbers, "s", bytes.last(scalar_bytes));
  }
}

// What is thrown while the expression is taken apart says where; the text is its subject.
template <class Read>
auto read_text(std::string_view text, Read read) {
  const Sexp expression = Sexp::parse(text);
  try {
    return read(expression);
  } catch (Error& error) {
    error.set_subject_if_empty(excerpt(text));
    throw;
  }
}

// --- verifying ---

using Scalar = std::array<unsigned char, scalar_bytes>;  // little endian
using Point = std::array<unsigned char, crypto_core_ed25519_BYTES>;

// Any number of 32 bytes, modulo the order of the curve's base point.
Scalar reduce(const Scalar& number) {
  std::array<unsigned char, crypto_core_ed25519_NONREDUCEDSCALARBYTES> wide{};
  std::ranges::copy(number, wide.begin());
  Scalar result;
  crypto_core_ed25519_scalar_reduce(result.data(), wide.data());
  return result;
}

Scalar from_big_endian(Bytes number) {
  Scalar scalar;
  std::ranges::transform(number, scalar.rbegin(),
                         [](std::byte byte) { return std::to_integer<unsigned char>(byte); });
  return scalar;
}

// The first 253 bits of a hash, as many as the order has.
Scalar hash_scalar(const Hash& hash) {
  Scalar number = from_big_endian(hash.digest());
  for (std::size_t i = 0; i < number.size(); ++i) {
    const unsigned next = i + 1 < number.size() ? number[i + 1] : 0;
    number[i] = static_cast<unsigned char>((number[i] | next << 8) >> 3);
  }
  return reduce(number);
}

bool is_scalar(const Scalar& number) {
  return reduce(number) == number && sodium_is_zero(number.data(), number.size()) == 0;
}

// ECDSA (FIPS 186-4, 6.4) on the curve as Edwards wrote it: r must be the x coordinate of
// (hash / s) * base + (r / s) * key, modulo the order.
bool verify_ecdsa(const GuixSignature& signature) {
  const Bytes bytes(signature.bytes);
  const Scalar r = from_big_endian(bytes.first(scalar_bytes));
  const Scalar s = from_big_endian(bytes.last(scalar_bytes));
  if (!is_scalar(r) || !is_scalar(s)) return false;
  Scalar inverse;
  if (crypto_core_ed25519_scalar_invert(inverse.data(), s.data()) != 0) return false;
  const Scalar hash = hash_scalar(signature.signed_hash);
  Scalar base_factor;
  Scalar key_factor;
  crypto_core_ed25519_scalar_mul(base_factor.data(), hash.data(), inverse.data());
  crypto_core_ed25519_scalar_mul(key_factor.data(), r.data(), inverse.data());
  const auto* key = reinterpret_cast<const unsigned char*>(signature.public_key.point.data());
  Point first;
  Point second;
  Point sum;
  if (crypto_scalarmult_ed25519_base_noclamp(first.data(), base_factor.data()) != 0 ||
      crypto_scalarmult_ed25519_noclamp(second.data(), key_factor.data(), key) != 0 ||
      crypto_core_ed25519_add(sum.data(), first.data(), second.data()) != 0) {
    return false;
  }
  const std::optional<Scalar> x = ed25519_x_coordinate(sum);
  return x && reduce(*x) == r;
}

bool verify_eddsa(const GuixSignature& signature) {
  const Bytes message = signature.signed_hash.digest();
  return crypto_sign_verify_detached(
             reinterpret_cast<const unsigned char*>(signature.bytes.data()),
             reinterpret_cast<const unsigned char*>(message.data()), message.size(),
             reinterpret_cast<const unsigned char*>(signature.public_key.point.data())) == 0;
}

}  // namespace

GuixPublicKey GuixPublicKey::parse(std::string_view text) { return read_text(text, read_key); }

GuixSignature GuixSignature::parse(std::string_view text) {
  return read_text(text, [](const Sexp& expression) {
    if (!expression.is("signature")) malformed(expression, "expected a list '(signature ...)'");
    // The key comes first: what is on another curve has other numbers, too.
    const GuixPublicKey key = read_key(require(expression, "public-key"));
    const Sexp& data = require(expression, "data");
    GuixSignature signature{.signed_hash = read_signed_hash(data),
                            .algorithm = has_flag(data, "eddsa") ? GuixSignatureAlgorithm::eddsa
                                                                 : GuixSignatureAlgorithm::ecdsa,
                            .bytes = {},
                            .public_key = key};
    read_value(require(expression, "sig-val"), signature);
    return signature;
  });
}

bool GuixSignature::is_valid() const {
  if (sodium_init() < 0) throw Error(Code::internal, "libsodium cannot be initialised");
  return algorithm == GuixSignatureAlgorithm::ecdsa ? verify_ecdsa(*this) : verify_eddsa(*this);
}

GuixVerdict verify_guix_signature(const GuixSignature& signature, std::string_view message,
                                  std::span<const GuixPublicKey> trusted) {
  if (hash_bytes(HashAlgorithm::sha256, as_bytes(message)) != signature.signed_hash) {
    return GuixVerdict::hash_mismatch;
  }
  if (!signature.is_valid()) return GuixVerdict::invalid;
  const bool known = std::ranges::find(trusted, signature.public_key) != trusted.end();
  return known ? GuixVerdict::valid : GuixVerdict::unauthorised_key;
}

std::vector<GuixPublicKey> parse_guix_acl(std::string_view text) {
  return read_text(text, [](const Sexp& expression) {
    if (!expression.is("acl")) malformed(expression, "expected a list '(acl ...)'");
    std::vector<GuixPublicKey> keys;
    for (const Sexp& entry : std::span(expression.items).subspan(1)) {
      if (!entry.is("entry")) malformed(entry, "an access list holds lists '(entry ...)'");
      const Sexp* import = require(entry, "tag").find("guix");
      if (import == nullptr || value_of(*import) != "import") continue;
      try {
        keys.push_back(read_key(require(entry, "public-key")));
      } catch (const Error& error) {
        if (error.code() != Code::not_supported) throw;
      }
    }
    return keys;
  });
}

}  // namespace cinch
