// From content to a tree and the hashes of it, in one pass.
#pragma once

#include <cinch/core/content_address.hh>
#include <cinch/core/content_address_hasher.hh>
#include <cinch/core/hash.hh>
#include <cinch/core/nar.hh>
#include <cinch/core/path_info.hh>
#include <cinch/core/stream.hh>
#include <cinch/local/local_store.hh>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>

namespace cinch::local {

struct Ingested {
  Hash nar_hash;  // sha256
  std::uint64_t nar_size;
  Hash content_hash;  // as the method and algorithm say
};

// What must hold of an info whatever the content is: a sha256 NAR hash, and a path that follows
// from the content address, if there is one. Throws Code::invalid_argument or Code::hash_mismatch.
void check_info(const PathInfo& info, const StoreDir& store_dir);
// The same, and that somebody who is trusted has signed it, if the policy and the store require
// that; else Code::not_trusted.
void check_claim(const PathInfo& info, const StoreDir& store_dir, SignaturePolicy policy,
                 const LocalStoreOptions& options);
// What the content turned out to be must be what the info says; else Code::hash_mismatch.
void check_hash(const PathInfo& info, const Hash& hash, std::uint64_t size_bytes);
// Whether a right NAR hash leaves it open if the content address is right.
bool needs_content_check(const PathInfo& info);

// A source that shows what passes, refuses to go beyond a size, and asks the stop token.
class WatchedSource final : public Source {
 public:
  WatchedSource(Source& source, std::function<void(Bytes)> watch, std::uint64_t size_bytes_max,
                std::stop_token stop)
      : source_(source),
        watch_(std::move(watch)),
        left_bytes_(size_bytes_max),
        stop_(std::move(stop)) {}
  ~WatchedSource() override;
  std::size_t read(std::span<std::byte> buffer) override;

 private:
  Source& source_;
  std::function<void(Bytes)> watch_;
  std::uint64_t left_bytes_;
  std::stop_token stop_;
};

// What has been read already, then the rest.
class ConcatenatedSource final : public Source {
 public:
  ConcatenatedSource(std::string_view head, Source& tail) : head_(head), tail_(tail) {}
  ~ConcatenatedSource() override;
  std::size_t read(std::span<std::byte> buffer) override;

 private:
  StringSource head_;
  Source& tail_;
};

// Takes a tree and does nothing with it.
class IgnoreTree final : public NarVisitor {
 public:
  ~IgnoreTree() override;
  void directory() override {}
  void entry(std::string_view) override {}
  void file(std::uint64_t, bool) override {}
  void contents(Bytes) override {}
  void symlink(std::string_view) override {}
  void leave() override {}
};

// A NAR, to the end of the source; the content hash is that of the NAR, or of the git object in it.
Ingested ingest_nar(Source& nar, const ContentAddressHashing& how, NarVisitor& tree,
                    const std::stop_token& stop);
// One regular file; the content hash is that of its bytes.
Ingested ingest_file(std::string_view content, HashAlgorithm algorithm, NarVisitor& tree);

// Checks, while the NAR of an object is written to it, that the object is what its content address
// says. Refuses with Code::hash_mismatch, in write() too.
class ContentAddressCheck final : public Sink {
 public:
  // `self`: the object refers to its own path.
  ContentAddressCheck(const ContentAddress& address, const StorePath& path, bool self);
  ~ContentAddressCheck() override;

  void write(Bytes nar) override;
  void finish();

 private:
  ContentAddress address_;
  ContentAddressHasher hasher_;
};

}  // namespace cinch::local
