#include "decode_to.hh"
#include "refusal.hh"

#include <cinch/core/encoding.hh>
#include <cinch/core/error.hh>
#include <cinch/core/signature.hh>

#include <algorithm>
#include <set>
#include <utility>

#include <sodium.h>

namespace cinch {

static_assert(signature_bytes == crypto_sign_BYTES);
static_assert(public_key_bytes == crypto_sign_PUBLICKEYBYTES);
static_assert(secret_key_bytes == crypto_sign_SECRETKEYBYTES);

namespace {

constexpr std::string_view blanks = " \t\r\n";

// Must have run once before libsodium is used; it may be called from several threads.
void prepare_sodium() {
  if (sodium_init() < 0) throw Error(Code::internal, "libsodium cannot be initialised");
}

unsigned char* raw(std::byte* bytes) { return reinterpret_cast<unsigned char*>(bytes); }
const unsigned char* raw(const std::byte* bytes) {
  return reinterpret_cast<const unsigned char*>(bytes);
}
const unsigned char* raw(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

// Where there is a character that no key's name has, or the size. Signatures are kept and passed on
// in lists with blanks between them: a blank in a name would make the whole list unreadable.
std::size_t find_strange(std::string_view name) {
  return static_cast<std::size_t>(
      std::ranges::find_if(
          name, [](char c) { return static_cast<unsigned char>(c) <= ' ' || c == '\x7f'; }) -
      name.begin());
}

struct NamedText {
  std::string_view name;
  std::string_view base64;
};

// `<name>:<base64>`. The text may be secret: no error quotes it.
NamedText split(std::string_view text, std::string_view what) {
  const std::size_t colon = text.find(':');
  if (colon == std::string_view::npos || colon == 0) {
    throw Error(Code::malformed,
                "a " + std::string(what) + " must have the form '<key name>:<base64>'")
        .at(0);
  }
  const std::string_view name = text.substr(0, colon);
  if (const std::size_t strange = find_strange(name); strange < name.size()) {
    throw Error(Code::malformed, "the key name of a " + std::string(what) +
                                     " must not hold blanks or control characters")
        .at(strange);
  }
  return {name, text.substr(colon + 1)};
}

template <std::size_t size>
std::array<std::byte, size> decode(std::string_view text, const NamedText& parts,
                                   std::string_view what) {
  std::array<std::byte, size> bytes;
  try {
    base64_decode_to(parts.base64, bytes);
  } catch (const Error& error) {
    throw Error(Code::malformed, "a " + std::string(what) + " must have " + std::to_string(size) +
                                     " bytes in base64 after the key name: " + error.message())
        .about(excerpt(text))
        .at(parts.name.size() + 1 + error.offset().value_or(0));
  }
  return bytes;
}

std::string join(std::string_view name, Bytes bytes) {
  std::string text(name);
  text += ':';
  text += base64_encode(bytes);
  return text;
}

}  // namespace

Signature Signature::parse(std::string_view text) {
  const NamedText parts = split(text, "signature");
  return {std::string(parts.name), decode<signature_bytes>(text, parts, "signature")};
}

std::string Signature::to_string() const { return join(key_name, bytes); }

PublicKey PublicKey::parse(std::string_view text) {
  const NamedText parts = split(text, "public key");
  return {std::string(parts.name), decode<public_key_bytes>(text, parts, "public key")};
}

std::string PublicKey::to_string() const { return join(name, bytes); }

bool PublicKey::verifies(std::string_view message, const Signature& signature) const {
  prepare_sodium();
  return signature.key_name == name &&
         crypto_sign_verify_detached(raw(signature.bytes.data()), raw(message), message.size(),
                                     raw(bytes.data())) == 0;
}

SecretKey SecretKey::parse(std::string_view text) {
  prepare_sodium();
  const NamedText parts = split(text, "secret key");
  SecretKey key;
  key.name_ = parts.name;
  std::size_t size = 0;
  const char* end = nullptr;
  // libsodium's decoder takes some bytes above 0x7f for digits.
  const auto strange = std::ranges::find_if(
      parts.base64, [](char c) { return static_cast<unsigned char>(c) > 0x7f; });
  const int result =
      sodium_base642bin(raw(key.bytes_.data()), key.bytes_.size(), parts.base64.data(),
                        parts.base64.size(), nullptr, &size, &end, sodium_base64_VARIANT_ORIGINAL);
  const char* text_end = parts.base64.data() + parts.base64.size();
  if (strange != parts.base64.end() || result != 0 || size != key.bytes_.size() ||
      end != text_end) {
    throw Error(Code::malformed, "a secret key must have 64 bytes in base64 after the key name")
        .about(key.name_)
        .at(parts.name.size() + 1);
  }
  // The second half is the public key. Signing with a wrong one would give the secret away.
  std::array<std::byte, public_key_bytes> expected;
  std::array<std::byte, secret_key_bytes> derived;
  crypto_sign_seed_keypair(raw(expected.data()), raw(derived.data()), raw(key.bytes_.data()));
  const bool same = sodium_memcmp(derived.data(), key.bytes_.data(), derived.size()) == 0;
  sodium_memzero(derived.data(), derived.size());
  if (!same) {
    throw Error(Code::malformed, "the two halves of the secret key do not belong together")
        .about(key.name_)
        .at(parts.name.size() + 1);
  }
  return key;
}

SecretKey SecretKey::generate(std::string_view name) {
  prepare_sodium();
  if (name.empty() || name.find(':') != name.npos || find_strange(name) < name.size()) {
    throw Error(Code::invalid_argument,
                "the name of a key must not be empty, or hold a colon, blanks or control "
                "characters")
        .about(std::string(name));
  }
  SecretKey key;
  key.name_ = name;
  std::array<std::byte, public_key_bytes> public_half;
  crypto_sign_keypair(raw(public_half.data()), raw(key.bytes_.data()));
  return key;
}

SecretKey::SecretKey(SecretKey&& other) noexcept
    : name_(std::move(other.name_)), bytes_(other.bytes_) {
  sodium_memzero(other.bytes_.data(), other.bytes_.size());
}

SecretKey::~SecretKey() { sodium_memzero(bytes_.data(), bytes_.size()); }

std::string SecretKey::to_string() const { return join(name_, bytes_); }

PublicKey SecretKey::public_key() const {
  PublicKey key{name_, {}};
  std::copy(bytes_.end() - public_key_bytes, bytes_.end(), key.bytes.begin());
  return key;
}

Signature SecretKey::sign(std::string_view message) const {
  prepare_sodium();
  Signature signature{name_, {}};
  crypto_sign_detached(raw(signature.bytes.data()), nullptr, raw(message), message.size(),
                       raw(bytes_.data()));
  return signature;
}

SecretKey parse_secret_key_file(std::string_view text) {
  text.remove_prefix(std::min(text.find_first_not_of(blanks), text.size()));
  return SecretKey::parse(text.substr(0, text.find_last_not_of(blanks) + 1));
}

std::vector<PublicKey> parse_public_keys(std::string_view text) {
  std::vector<PublicKey> keys;
  std::size_t start = text.find_first_not_of(blanks);
  while (start < text.size()) {
    const std::size_t end = std::min(text.find_first_of(blanks, start), text.size());
    keys.push_back(
        parse_part(text, start, [&] { return PublicKey::parse(text.substr(start, end - start)); }));
    start = text.find_first_not_of(blanks, end);
  }
  return keys;
}

std::size_t count_valid_signatures(std::span<const PublicKey> trusted, std::string_view message,
                                   std::span<const Signature> signatures) {
  const std::set<PublicKey> keys(trusted.begin(), trusted.end());
  return static_cast<std::size_t>(std::ranges::count_if(keys, [&](const PublicKey& key) {
    return std::ranges::any_of(signatures,
                               [&](const Signature& one) { return key.verifies(message, one); });
  }));
}

}  // namespace cinch
