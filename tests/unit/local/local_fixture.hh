// A local store in a scratch directory, and objects to put into it.
#pragma once

#include "scratch.hh"

#include <cinch/core/hash.hh>
#include <cinch/core/nar.hh>
#include <cinch/core/stream.hh>
#include <cinch/files/file_tree.hh>
#include <cinch/local/local_store.hh>

#include <memory>
#include <string>
#include <string_view>

namespace cinch::test {

inline std::unique_ptr<LocalStore> open_in(const Scratch& scratch, LocalStoreOptions options = {}) {
  options.root = scratch.path("root");
  options.fsync_metadata = false;  // tests do not pull the plug
  return LocalStore::open(options);
}

// The NAR of a directory with a program, a plain file and a symlink.
inline std::string tree_nar(std::string_view text) {
  StringSink sink(std::uint64_t{64} << 20);
  NarWriter writer(sink);
  writer.directory();
  writer.entry("bin");
  writer.directory();
  writer.entry("run");
  writer.file(text.size(), true);
  if (!text.empty()) writer.contents(as_bytes(text));
  writer.leave();
  writer.leave();
  writer.entry("link");
  writer.symlink("bin/run");
  writer.leave();
  writer.finish();
  return sink.take();
}

inline PathInfo info_of(std::string_view nar, const std::string& base_name) {
  PathInfo info{.path = StorePath::parse(base_name),
                .nar_hash = hash_bytes(HashAlgorithm::sha256, as_bytes(nar))};
  info.nar_size = nar.size();
  return info;
}

inline PathInfo add_text(Store& store, const std::string& name, std::string_view text,
                         StorePathSet references = {}) {
  StringSource source(text);
  return store.add_content(
      {.name = name, .method = ContentAddressMethod::text, .references = std::move(references)},
      source);
}

inline std::string nar_of(Store& store, const StorePath& path) {
  StringSink sink(std::uint64_t{64} << 20);
  store.read_nar(path, sink);
  return sink.take();
}

// The names in the store directory: nothing may be left beside the objects.
inline std::string entries(const Scratch& scratch) {
  std::string names;
  for (const DirectoryEntry& entry : Directory::open(scratch.path("root/nix/store")).list()) {
    names += entry.name + "\n";
  }
  return names;
}

inline const std::string path_a = "00000000000000000000000000000000-a";
inline const std::string path_b = "11111111111111111111111111111111-b";
inline const std::string path_c = "22222222222222222222222222222222-c";

}  // namespace cinch::test
