#include "ingest.hh"

#include <cinch/core/cancellation.hh>
#include <cinch/core/error.hh>

#include <algorithm>
#include <vector>

namespace cinch::local {

namespace {

// Content that has no address of this method differs from any that has one.
template <class Work>
auto as_mismatch(const ContentAddress& address, Work work) {
  try {
    return work();
  } catch (const Error& error) {
    if (error.code() != Code::invalid_argument) throw;
    throw Error(Code::hash_mismatch,
                error.message() + "; its content address is '" + address.to_string() + "'");
  }
}

void check_trust(const PathInfo& info, const StoreDir& store_dir,
                 std::span<const PublicKey> trusted_keys) {
  // Content that proves itself needs no signature.
  if (info.content_address) return;
  const std::vector<Signature> signatures(info.signatures.begin(), info.signatures.end());
  if (count_valid_signatures(trusted_keys, info.fingerprint(store_dir), signatures) > 0) return;
  throw Error(Code::not_trusted, info.signatures.empty()
                                     ? "the object is not signed"
                                     : "the object is not signed by a trusted key")
      .about(store_dir.print(info.path))
      .hint("add the signer's key to trusted-public-keys, or sign the object with a trusted key");
}

}  // namespace

void check_info(const PathInfo& info, const StoreDir& store_dir) {
  if (info.nar_hash.algorithm() != HashAlgorithm::sha256) {
    throw Error(Code::invalid_argument, "the NAR hash of an object must be sha256")
        .about(store_dir.print(info.path));
  }
  if (info.content_address && !info.is_content_addressed(store_dir)) {
    throw Error(Code::hash_mismatch, "the path does not follow from its content address '" +
                                         info.content_address->to_string() + "'")
        .about(store_dir.print(info.path));
  }
}

void check_claim(const PathInfo& info, const StoreDir& store_dir, SignaturePolicy policy,
                 const LocalStoreOptions& options) {
  check_info(info, store_dir);
  if (policy == SignaturePolicy::require_trusted && options.require_signatures) {
    check_trust(info, store_dir, options.trusted_keys);
  }
}

void check_hash(const PathInfo& info, const Hash& hash, std::uint64_t size_bytes) {
  if (size_bytes != info.nar_size) {
    throw Error(Code::hash_mismatch, "the NAR has " + std::to_string(size_bytes) +
                                         " bytes, but its info says " +
                                         std::to_string(info.nar_size));
  }
  if (hash != info.nar_hash) {
    throw Error(Code::hash_mismatch, "the NAR has the hash " + hash.to_string(HashFormat::nix32) +
                                         ", but its info says " +
                                         info.nar_hash.to_string(HashFormat::nix32));
  }
}

bool needs_content_check(const PathInfo& info) {
  if (!info.content_address) return false;
  const ContentAddress& address = *info.content_address;
  // Then the address is the NAR hash itself, which is compared anyway.
  const bool is_nar_hash = address.method == ContentAddressMethod::nar &&
                           address.hash == info.nar_hash && !info.references.contains(info.path);
  return !is_nar_hash;
}

WatchedSource::~WatchedSource() = default;
ConcatenatedSource::~ConcatenatedSource() = default;
IgnoreTree::~IgnoreTree() = default;

std::size_t WatchedSource::read(std::span<std::byte> buffer) {
  check_cancelled(stop_);
  const std::size_t count = source_.read(buffer);
  if (count > left_bytes_) {
    throw Error(Code::hash_mismatch, "the NAR is longer than its info says");
  }
  left_bytes_ -= count;
  if (count > 0) watch_(buffer.first(count));
  return count;
}

std::size_t ConcatenatedSource::read(std::span<std::byte> buffer) {
  if (const std::size_t count = head_.read(buffer)) return count;
  return tail_.read(buffer);
}

Ingested ingest_nar(Source& nar, const ContentAddressHashing& how, NarVisitor& tree,
                    const std::stop_token& stop) {
  Hasher nar_hasher(HashAlgorithm::sha256);
  std::optional<ContentAddressHasher> other;
  if (how.method != ContentAddressMethod::nar || how.algorithm != HashAlgorithm::sha256) {
    other.emplace(how);
  }
  NarParserSink parser(tree);
  std::vector<std::byte> buffer(stream_buffer_bytes);
  while (const std::size_t count = nar.read(buffer)) {
    check_cancelled(stop);
    const Bytes bytes = std::span(buffer).first(count);
    nar_hasher.write(bytes);
    if (other) other->write(bytes);
    parser.write(bytes);
  }
  parser.finish();
  const std::uint64_t nar_size = nar_hasher.size_bytes();
  const Hash nar_hash = nar_hasher.finish();
  return {nar_hash, nar_size, other ? other->finish().hash : nar_hash};
}

Ingested ingest_file(std::string_view content, HashAlgorithm algorithm, NarVisitor& tree) {
  Hasher nar_hasher(HashAlgorithm::sha256);
  NarWriter nar(nar_hasher);
  for (NarVisitor* visitor : {static_cast<NarVisitor*>(&nar), &tree}) {
    visitor->file(content.size(), false);
    if (!content.empty()) visitor->contents(as_bytes(content));
    visitor->leave();
  }
  nar.finish();
  const std::uint64_t nar_size = nar_hasher.size_bytes();
  return {nar_hasher.finish(), nar_size, hash_bytes(algorithm, as_bytes(content))};
}

ContentAddressCheck::ContentAddressCheck(const ContentAddress& address, const StorePath& path,
                                         bool self)
    : address_(address),
      hasher_({.method = address.method,
               .algorithm = address.hash.algorithm(),
               .self = self ? std::optional(std::string(path.hash_part())) : std::nullopt}) {}

ContentAddressCheck::~ContentAddressCheck() = default;

void ContentAddressCheck::write(Bytes nar) {
  as_mismatch(address_, [&] { hasher_.write(nar); });
}

void ContentAddressCheck::finish() {
  const ContentAddress found = as_mismatch(address_, [&] { return hasher_.finish(); });
  if (found == address_) return;
  throw Error(Code::hash_mismatch,
              "the content has the hash " + found.hash.to_string(HashFormat::nix32) +
                  ", but its content address is '" + address_.to_string() + "'");
}

}  // namespace cinch::local
