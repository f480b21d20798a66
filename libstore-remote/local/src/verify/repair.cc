#include "repair.hh"

#include "../optimise/file_linker.hh"
#include "../tree_walk.hh"

#include <cinch/core/cancellation.hh>
#include <cinch/core/error.hh>
#include <cinch/core/hash.hh>

#include <optional>
#include <utility>
#include <vector>

#include <sys/stat.h>

namespace cinch::local {

namespace {

void check_source(const RepairPlace& place, const PathInfo& info, Store& source) {
  const std::optional<PathInfo> theirs = source.find({&info.path, 1}).front();
  const std::string shown = place.store_dir.print(info.path);
  if (!theirs) {
    throw Error(Code::not_found, "the store '" + source.url() + "' does not have it either")
        .about(shown);
  }
  if (theirs->nar_hash == info.nar_hash) return;
  throw Error(Code::hash_mismatch, "the store '" + source.url() +
                                       "' has another object at this path, with the hash " +
                                       theirs->nar_hash.to_string(HashFormat::nix32))
      .about(shown)
      .hint("a build may give something else each time; take it from where this one came from");
}

// A NAR on its way to the disk, hashed, and no longer than it should be.
class CheckedNar final : public Sink {
 public:
  CheckedNar(NarVisitor& tree, const PathInfo& info, const std::stop_token& stop)
      : parser_(tree), info_(info), stop_(stop) {}
  ~CheckedNar() override = default;

  void write(Bytes bytes) override {
    check_cancelled(stop_);
    hasher_.write(bytes);
    // Very old entries have no size.
    if (info_.nar_size != 0 && hasher_.size_bytes() > info_.nar_size) throw_mismatch("is longer");
    parser_.write(bytes);
  }
  void finish() {
    parser_.finish();
    if (hasher_.finish() != info_.nar_hash) throw_mismatch("has another hash");
  }

 private:
  [[noreturn]] static void throw_mismatch(const std::string& what) {
    throw Error(Code::hash_mismatch, "what the other store sends " + what + " than it should");
  }

  NarParserSink parser_;
  Hasher hasher_{HashAlgorithm::sha256};
  const PathInfo& info_;
  const std::stop_token& stop_;
};

}  // namespace

void remove_damaged_links(const Directory& objects, const Directory& parent,
                          const std::string& name, const std::stop_token& stop) {
  if (!objects.stat(links_name)) return;
  const Directory links = objects.open_directory(links_name);
  std::vector<std::byte> buffer(stream_buffer_bytes);
  const auto check = [&](const TreeEntry& entry) {
    if (S_ISDIR(entry.status.st_mode)) return;
    const auto link_name = name_in_links(*entry.parent, entry.name, buffer, stop);
    if (!link_name || !links.stat(*link_name)) return;
    if (name_in_links(links, *link_name, buffer, stop) == link_name) return;
    (void)remove_link(links, *link_name);
  };
  walk_tree(parent, name, check, stop);
}

void replace_object(const RepairPlace& place, const PathInfo& info, Store& source,
                    const std::stop_token& stop) {
  check_source(place, info, source);
  const StagingDirectory staged(place.staging);
  TreeWriter tree(staged.directory(), staged.object_name, place.write_options);
  CheckedNar nar(tree, info, stop);
  source.read_nar(info.path, nar, stop);
  nar.finish();
  tree.finish();
  remove_damaged_links(place.objects, staged.directory(), staged.object_name, stop);
  staged.replace(info.path);
}

}  // namespace cinch::local
