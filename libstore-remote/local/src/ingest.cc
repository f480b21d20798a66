#include "ingest.hh"

#include <cinch/core/cancellation.hh>
#include <cinch/core/error.hh>

#include <algorithm>
#include <vector>

namespace cinch::local {

// Hashes a stream "modulo" a hash part: each occurrence counts as NUL bytes, and the offsets of all
// follow at the end, as "|<offset>". So an object that mentions its own path has a hash that does
// not depend on it.
class ContentAddressCheck::ModuloHasher {
 public:
  ModuloHasher(std::string_view hash_part, Sink& next) : hash_part_(hash_part), next_(next) {}

  void write(Bytes bytes) {
    pending_ += as_text(bytes);
    std::size_t from = 0;
    for (std::size_t at; (at = pending_.find(hash_part_, from)) != pending_.npos;) {
      offsets_.push_back(passed_ + at);
      std::fill_n(pending_.begin() + static_cast<std::ptrdiff_t>(at), hash_part_.size(), '\0');
      from = at + hash_part_.size();
    }
    // An occurrence may begin in the last bytes and end in the next write.
    const std::size_t kept = std::min(pending_.size(), hash_part_.size() - 1);
    pass(pending_.size() - kept);
  }

  void finish() {
    pass(pending_.size());
    for (const std::uint64_t offset : offsets_) {
      next_.write(as_bytes("|" + std::to_string(offset)));
    }
  }

 private:
  void pass(std::size_t count) {
    next_.write(as_bytes(pending_).first(count));
    passed_ += count;
    pending_.erase(0, count);
  }

  std::string hash_part_;
  Sink& next_;
  std::string pending_;
  std::uint64_t passed_ = 0;
  std::vector<std::uint64_t> offsets_;
};

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

Ingested ingest_nar(Source& nar, HashAlgorithm algorithm, NarVisitor& tree,
                    const std::stop_token& stop) {
  Hasher nar_hasher(HashAlgorithm::sha256);
  std::optional<Hasher> other;
  if (algorithm != HashAlgorithm::sha256) other.emplace(algorithm);
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
  return {nar_hash, nar_size, other ? other->finish() : nar_hash};
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
                                         bool self, NarVisitor& next)
    : address_(address), next_(next), hasher_(address.hash.algorithm()) {
  if (self) modulo_ = std::make_unique<ModuloHasher>(path.hash_part(), hasher_);
}

ContentAddressCheck::~ContentAddressCheck() = default;

void ContentAddressCheck::nar(Bytes bytes) {
  if (address_.method != ContentAddressMethod::nar) return;
  if (modulo_) {
    modulo_->write(bytes);
  } else {
    hasher_.write(bytes);
  }
}

void ContentAddressCheck::finish() {
  if (modulo_) modulo_->finish();
  const Hash hash = hasher_.finish();
  if (hash == address_.hash) return;
  throw Error(Code::hash_mismatch, "the content has the hash " + hash.to_string(HashFormat::nix32) +
                                       ", but its content address is '" + address_.to_string() +
                                       "'");
}

void ContentAddressCheck::refuse_unless_nar(const char* what) const {
  if (address_.method == ContentAddressMethod::nar) return;
  throw Error(Code::hash_mismatch, std::string("the content is ") + what +
                                       ", but its content address '" + address_.to_string() +
                                       "' stands for a plain file");
}

void ContentAddressCheck::directory() {
  refuse_unless_nar("a directory");
  next_.directory();
}
void ContentAddressCheck::entry(std::string_view name) { next_.entry(name); }
void ContentAddressCheck::file(std::uint64_t size_bytes, bool executable) {
  if (executable) refuse_unless_nar("executable");
  next_.file(size_bytes, executable);
}
void ContentAddressCheck::contents(Bytes bytes) {
  if (address_.method != ContentAddressMethod::nar) hasher_.write(bytes);
  next_.contents(bytes);
}
void ContentAddressCheck::symlink(std::string_view target) {
  refuse_unless_nar("a symlink");
  next_.symlink(target);
}
void ContentAddressCheck::leave() { next_.leave(); }

}  // namespace cinch::local
