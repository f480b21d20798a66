#include "object_hash.hh"

#include <cinch/core/nar.hh>
#include <cinch/files/file_tree.hh>

#include <utility>

namespace cinch::local {

namespace {

constexpr std::uint64_t piece_bytes = std::uint64_t{1} << 20;

class WatchedHasher final : public Sink {
 public:
  explicit WatchedHasher(const std::function<void(std::uint64_t)>& watch) : watch_(watch) {}
  ~WatchedHasher() override = default;

  void write(Bytes bytes) override {
    hasher_.write(bytes);
    unseen_bytes_ += bytes.size();
    if (unseen_bytes_ >= piece_bytes) tell();
  }
  NarDigest finish() {
    tell();
    const std::uint64_t size_bytes = hasher_.size_bytes();
    return {hasher_.finish(), size_bytes};
  }

 private:
  void tell() {
    if (watch_) watch_(unseen_bytes_);
    unseen_bytes_ = 0;
  }

  Hasher hasher_{HashAlgorithm::sha256};
  const std::function<void(std::uint64_t)>& watch_;
  std::uint64_t unseen_bytes_ = 0;
};

}  // namespace

NarDigest hash_tree(const Directory& parent, std::string_view name,
                    const HashTreeOptions& options) {
  WatchedHasher hasher(options.watch);
  NarWriter writer(hasher);
  read_tree(parent, name, writer, {.on_this_thread = options.one_of_several, .stop = options.stop});
  writer.finish();
  return hasher.finish();
}

}  // namespace cinch::local
