#include "convert.hh"

#include <cinch/core/guix_signature.hh>
#include <cinch/core/sexp.hh>
#include <cinch/core/signature.hh>

using cinch::GuixPublicKey;
using cinch::GuixVerdict;
using cinch::PublicKey;
using cinch::SecretKey;
using cinch::Signature;
using cinch::capi::deref;
using cinch::capi::guarded;
using cinch::capi::view;

struct cinch_secret_key {
  SecretKey key;
};

struct cinch_public_keys {
  std::vector<PublicKey> keys;
  std::vector<std::string> texts;
};

struct cinch_guix_keys {
  std::vector<GuixPublicKey> keys;
};

namespace {

static_assert(CINCH_GUIX_VALID == static_cast<int>(GuixVerdict::valid));
static_assert(CINCH_GUIX_HASH_MISMATCH == static_cast<int>(GuixVerdict::hash_mismatch));
static_assert(CINCH_GUIX_INVALID == static_cast<int>(GuixVerdict::invalid));
static_assert(CINCH_GUIX_UNAUTHORISED_KEY == static_cast<int>(GuixVerdict::unauthorised_key));

}  // namespace

extern "C" {

cinch_error* cinch_secret_key_generate(cinch_str name, cinch_secret_key** key_out) noexcept {
  return guarded([&] {
    cinch_secret_key*& out = deref(key_out, "key_out");
    out = new cinch_secret_key{SecretKey::generate(view(name))};
  });
}

cinch_error* cinch_secret_key_parse(cinch_str text, cinch_secret_key** key_out) noexcept {
  return guarded([&] {
    cinch_secret_key*& out = deref(key_out, "key_out");
    out = new cinch_secret_key{cinch::parse_secret_key_file(view(text))};
  });
}

cinch_error* cinch_secret_key_print(const cinch_secret_key* key, cinch_text** text_out) noexcept {
  return guarded([&] {
    cinch_text*& out = deref(text_out, "text_out");
    out = new cinch_text{deref(key, "key").key.to_string()};
  });
}

cinch_error* cinch_secret_key_public_key(const cinch_secret_key* key,
                                         cinch_text** text_out) noexcept {
  return guarded([&] {
    cinch_text*& out = deref(text_out, "text_out");
    out = new cinch_text{deref(key, "key").key.public_key().to_string()};
  });
}

cinch_error* cinch_secret_key_sign(const cinch_secret_key* key, cinch_str message,
                                   cinch_text** signature_out) noexcept {
  return guarded([&] {
    cinch_text*& out = deref(signature_out, "signature_out");
    out = new cinch_text{deref(key, "key").key.sign(view(message)).to_string()};
  });
}

void cinch_secret_key_free(cinch_secret_key* key) noexcept { delete key; }

cinch_error* cinch_public_keys_parse(cinch_str text, cinch_public_keys** keys_out) noexcept {
  return guarded([&] {
    cinch_public_keys*& out = deref(keys_out, "keys_out");
    auto keys = std::make_unique<cinch_public_keys>();
    keys->keys = cinch::parse_public_keys(view(text));
    for (const PublicKey& key : keys->keys) keys->texts.push_back(key.to_string());
    out = keys.release();
  });
}

size_t cinch_public_keys_count(const cinch_public_keys* keys) noexcept { return keys->keys.size(); }

cinch_str cinch_public_keys_at(const cinch_public_keys* keys, size_t index) noexcept {
  return cinch::capi::lend_at(keys->texts, index);
}

cinch_error* cinch_public_keys_verify(const cinch_public_keys* keys, cinch_str message,
                                      const cinch_str* signatures, size_t signatures_count,
                                      size_t* valid_count_out) noexcept {
  return guarded([&] {
    size_t& out = deref(valid_count_out, "valid_count_out");
    const cinch_public_keys& trusted = deref(keys, "keys");
    if (signatures_count > 0) deref(signatures, "signatures");
    std::vector<Signature> given;
    for (size_t i = 0; i < signatures_count; ++i) {
      given.push_back(Signature::parse(view(signatures[i])));
    }
    out = cinch::count_valid_signatures(trusted.keys, view(message), given);
  });
}

void cinch_public_keys_free(cinch_public_keys* keys) noexcept { delete keys; }

cinch_error* cinch_guix_keys_parse(cinch_str text, cinch_guix_keys** keys_out) noexcept {
  return guarded([&] {
    cinch_guix_keys*& out = deref(keys_out, "keys_out");
    const std::string_view given = view(text);
    const bool is_list = cinch::Sexp::parse(given).is("acl");
    out = new cinch_guix_keys{is_list ? cinch::parse_guix_acl(given)
                                      : std::vector{GuixPublicKey::parse(given)}};
  });
}

size_t cinch_guix_keys_count(const cinch_guix_keys* keys) noexcept { return keys->keys.size(); }

cinch_error* cinch_guix_keys_verify(const cinch_guix_keys* keys, cinch_str message,
                                    cinch_str signature, uint32_t* verdict_out) noexcept {
  return guarded([&] {
    uint32_t& out = deref(verdict_out, "verdict_out");
    const cinch_guix_keys& trusted = deref(keys, "keys");
    const auto parsed = cinch::GuixSignature::parse(view(signature));
    out = static_cast<uint32_t>(cinch::verify_guix_signature(parsed, view(message), trusted.keys));
  });
}

void cinch_guix_keys_free(cinch_guix_keys* keys) noexcept { delete keys; }

}  // extern "C"
