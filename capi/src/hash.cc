#include "convert.hh"
#include "model_handles.hh"

#include <algorithm>

using cinch::Code;
using cinch::Error;
using cinch::Hash;
using cinch::HashAlgorithm;
using cinch::HashFormat;
using cinch::capi::deref;
using cinch::capi::guarded;
using cinch::capi::hash_algorithm;
using cinch::capi::lend;
using cinch::capi::view;

namespace {

static_assert(CINCH_MD5 == static_cast<int>(HashAlgorithm::md5));
static_assert(CINCH_SHA1 == static_cast<int>(HashAlgorithm::sha1));
static_assert(CINCH_SHA256 == static_cast<int>(HashAlgorithm::sha256));
static_assert(CINCH_SHA512 == static_cast<int>(HashAlgorithm::sha512));
static_assert(CINCH_BLAKE3 == static_cast<int>(HashAlgorithm::blake3));
static_assert(CINCH_SHA3_256 == static_cast<int>(HashAlgorithm::sha3_256));
static_assert(CINCH_SHA3_512 == static_cast<int>(HashAlgorithm::sha3_512));
static_assert(CINCH_BLAKE2S_256 == static_cast<int>(HashAlgorithm::blake2s_256));

bool is_algorithm(std::uint32_t number) {
  return std::ranges::any_of(cinch::hash_algorithms, [&](HashAlgorithm algorithm) {
    return static_cast<std::uint32_t>(algorithm) == number;
  });
}

HashFormat hash_format(std::uint32_t encoding) {
  switch (encoding) {
    case CINCH_BASE16:
      return HashFormat::base16;
    case CINCH_NIX32:
      return HashFormat::nix32;
    case CINCH_BASE64:
      return HashFormat::base64;
    case CINCH_SRI:
      return HashFormat::sri;
    default:
      throw Error(Code::invalid_argument,
                  "there is no encoding with the number " + std::to_string(encoding));
  }
}

}  // namespace

namespace cinch::capi {

HashAlgorithm hash_algorithm(std::uint32_t number) {
  if (is_algorithm(number)) return static_cast<HashAlgorithm>(number);
  throw Error(Code::invalid_argument,
              "there is no hash algorithm with the number " + std::to_string(number));
}

}  // namespace cinch::capi

extern "C" {

cinch_error* cinch_hash_algorithm_parse(cinch_str name, uint32_t* algorithm_out) noexcept {
  return guarded([&] {
    uint32_t& out = deref(algorithm_out, "algorithm_out");
    out = static_cast<uint32_t>(cinch::parse_hash_algorithm(view(name)));
  });
}

cinch_str cinch_hash_algorithm_name(uint32_t algorithm) noexcept {
  if (!is_algorithm(algorithm)) return lend("unknown");
  return lend(cinch::to_string(static_cast<HashAlgorithm>(algorithm)));
}

size_t cinch_hash_algorithm_digest_bytes(uint32_t algorithm) noexcept {
  if (!is_algorithm(algorithm)) return 0;
  return cinch::digest_bytes(static_cast<HashAlgorithm>(algorithm));
}

cinch_error* cinch_hash_new(uint32_t algorithm, cinch_str digest, cinch_hash** hash_out) noexcept {
  return guarded([&] {
    cinch_hash*& out = deref(hash_out, "hash_out");
    const HashAlgorithm chosen = hash_algorithm(algorithm);
    const cinch::Bytes bytes = cinch::as_bytes(view(digest));
    if (bytes.size() != cinch::digest_bytes(chosen)) {
      throw Error(Code::invalid_argument, "a digest of " + std::string(cinch::to_string(chosen)) +
                                              " has " +
                                              std::to_string(cinch::digest_bytes(chosen)) +
                                              " bytes, not " + std::to_string(bytes.size()));
    }
    out = new cinch_hash{Hash(chosen, bytes)};
  });
}

cinch_error* cinch_hash_of(uint32_t algorithm, cinch_str bytes, cinch_hash** hash_out) noexcept {
  return guarded([&] {
    cinch_hash*& out = deref(hash_out, "hash_out");
    out =
        new cinch_hash{cinch::hash_bytes(hash_algorithm(algorithm), cinch::as_bytes(view(bytes)))};
  });
}

cinch_error* cinch_hash_parse(cinch_str text, uint32_t algorithm, cinch_hash** hash_out) noexcept {
  return guarded([&] {
    cinch_hash*& out = deref(hash_out, "hash_out");
    std::optional<HashAlgorithm> expected;
    if (algorithm != 0) expected = hash_algorithm(algorithm);
    out = new cinch_hash{Hash::parse(view(text), expected)};
  });
}

cinch_error* cinch_hash_print(const cinch_hash* hash, uint32_t encoding, bool with_algorithm,
                              cinch_text** text_out) noexcept {
  return guarded([&] {
    cinch_text*& out = deref(text_out, "text_out");
    const Hash& given = deref(hash, "hash").hash;
    const HashFormat format = hash_format(encoding);
    const bool prefixed = with_algorithm || format == HashFormat::sri;
    out = new cinch_text{prefixed ? given.to_string(format) : given.digest_text(format)};
  });
}

uint32_t cinch_hash_algorithm(const cinch_hash* hash) noexcept {
  return static_cast<uint32_t>(hash->hash.algorithm());
}

cinch_str cinch_hash_digest(const cinch_hash* hash) noexcept {
  return lend(cinch::as_text(hash->hash.digest()));
}

void cinch_hash_free(cinch_hash* hash) noexcept { delete hash; }

cinch_error* cinch_hasher_new(const uint32_t* algorithms, size_t algorithms_count,
                              cinch_hasher** hasher_out) noexcept {
  return guarded([&] {
    cinch_hasher*& out = deref(hasher_out, "hasher_out");
    if (algorithms_count > 0) deref(algorithms, "algorithms");
    std::vector<HashAlgorithm> chosen;
    for (size_t i = 0; i < algorithms_count; ++i) chosen.push_back(hash_algorithm(algorithms[i]));
    out = new cinch_hasher{
        cinch::capi::StreamHandle<cinch::MultiHasher>(std::in_place, chosen), 0, {}};
  });
}

cinch_error* cinch_hasher_write(cinch_hasher* hasher, cinch_str bytes) noexcept {
  return guarded([&] {
    cinch_hasher& handle = deref(hasher, "hasher");
    handle.stream.use([&](cinch::MultiHasher& stream) {
      stream.write(cinch::as_bytes(view(bytes)));
      handle.size_bytes = stream.size_bytes();
    });
  });
}

cinch_error* cinch_hasher_finish(cinch_hasher* hasher) noexcept {
  return guarded([&] {
    cinch_hasher& handle = deref(hasher, "hasher");
    handle.stream.finish([&](cinch::MultiHasher& stream) {
      for (const Hash& hash : stream.finish()) handle.hashes.push_back({hash});
    });
  });
}

uint64_t cinch_hasher_size_bytes(const cinch_hasher* hasher) noexcept { return hasher->size_bytes; }

const cinch_hash* cinch_hasher_hash_at(const cinch_hasher* hasher, size_t index) noexcept {
  return index < hasher->hashes.size() ? &hasher->hashes[index] : nullptr;
}

void cinch_hasher_free(cinch_hasher* hasher) noexcept { delete hasher; }

}  // extern "C"
