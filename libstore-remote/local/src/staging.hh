// Objects that are being written: each in a directory of its own inside the store directory, so
// that publishing one is a rename. The directory is locked for as long as it is in use; whoever
// collects garbage leaves locked ones alone and removes the rest.
#pragma once

#include <cinch/core/nar.hh>
#include <cinch/core/store.hh>
#include <cinch/files/file_tree.hh>

#include <atomic>
#include <cstdint>
#include <string>

namespace cinch::local {

class StagingArea;

// `tmp-<pid>-<n>` in the store directory; removed with its contents when destroyed.
class StagingDirectory {
 public:
  StagingDirectory(StagingArea& area);
  StagingDirectory(const StagingDirectory&) = delete;
  StagingDirectory& operator=(const StagingDirectory&) = delete;
  ~StagingDirectory();

  const Directory& directory() const { return *directory_; }
  // Moves the object to its place; what lay there is removed. REQUIRES: the path is locked and not
  // valid.
  void publish(const StorePath& path) const;

  static constexpr const char* object_name = "x";

 private:
  const Directory& objects_;
  std::string name_;
  std::optional<Directory> directory_;
};

class StagingArea {
 public:
  // `objects` must outlive it.
  explicit StagingArea(const Directory& objects) : objects_(objects) {}

 private:
  friend class StagingDirectory;
  const Directory& objects_;
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

 private:
  StorePath path_;
  StagingDirectory staging_;
  TreeWriter writer_;
  NarParserSink parser_;
};

}  // namespace cinch::local
