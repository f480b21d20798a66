// Objects that are being written: each in a directory of its own inside the store directory, so
// that publishing one is a rename.
//
// The directories of one store are named like objects with one random hash part, which is a
// temporary root: garbage collectors of every version of Nix spare them while the store is open,
// and remove what a killed process left. (A name like "tmp-1-2" with a lock, as newer Nix uses, is
// deleted by the collector of older versions in the middle of the work.)
#pragma once

#include "temporary_roots.hh"

#include <cinch/core/nar.hh>
#include <cinch/core/store.hh>
#include <cinch/files/file_tree.hh>

#include <atomic>
#include <cstdint>
#include <string>
#include <string_view>

namespace cinch::local {

class StagingArea;

// Removed with its contents when destroyed.
class StagingDirectory {
 public:
  explicit StagingDirectory(StagingArea& area);
  StagingDirectory(const StagingDirectory&) = delete;
  StagingDirectory& operator=(const StagingDirectory&) = delete;
  ~StagingDirectory();

  const Directory& directory() const { return directory_; }
  // Moves the object to its place; what lay there is removed. REQUIRES: the path is locked and not
  // valid.
  void publish(const StorePath& path) const;
  // As publish(), in one step: at each moment there is the old object or the new one. What it puts
  // there is on disk first. The old one goes when this is destroyed. (In two steps where the file
  // system cannot exchange names: whoever is killed in between leaves the path without an object.)
  void replace(const StorePath& path) const;

  static constexpr const char* object_name = "x";
  static constexpr const char* old_object_name = "old";

 private:
  void replace_without_exchange(const std::string& name, int error) const;

  const Directory& objects_;
  std::string name_;
  Directory directory_;
};

// Safe for several threads at once.
class StagingArea {
 public:
  // Both must outlive it.
  StagingArea(const Directory& objects, TemporaryRoots& roots);

 private:
  friend class StagingDirectory;
  // A name that is protected from collection.
  std::string next_name();

  const Directory& objects_;
  TemporaryRoots& roots_;
  StorePath root_;
  std::atomic<std::uint64_t> next_number_ = 0;
};

// What stage() hands out.
class StagedTree final : public StagedObject {
 public:
  StagedTree(StagingArea& area, StorePath path, const WriteTreeOptions& options);
  ~StagedTree() override;
  Sink& nar() override { return parser_; }

  const StorePath& path() const { return path_; }
  // Throws unless one whole NAR was written.
  void finish();
  void publish() const { staging_.publish(path_); }
  void replace() const { staging_.replace(path_); }
  // Where it lies until then, as StagingDirectory::object_name.
  const Directory& directory() const { return staging_.directory(); }

 private:
  StorePath path_;
  StagingDirectory staging_;
  TreeWriter writer_;
  NarParserSink parser_;
};

}  // namespace cinch::local
