// Trees on disk, to and from NAR events.
#pragma once

#include <cinch/core/export.hh>
#include <cinch/core/hash.hh>
#include <cinch/core/nar.hh>
#include <cinch/files/directory.hh>

#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <string_view>

namespace cinch {

struct ReadTreeOptions {
  // Whether to include an entry; gets the path below the root ("a/b"). Empty: everything. It may
  // be called from another thread, never from two at once.
  std::function<bool(std::string_view path)> filter;
  // Also gets all events, now from this thread and now from another if the tree is large, but never
  // from two at once: one pass over a tree copies and hashes it at the same time. If it throws, so
  // does read_tree(). Null: none.
  NarVisitor* beside = nullptr;
  // Starts no threads: for who reads several trees at once.
  bool on_this_thread = false;
  std::stop_token stop;
};

// Calls the visitor for the file, directory or symlink `name` in `parent`, in NAR order. Reads each
// regular file once, in large pieces; those of a large tree on a second thread, which keeps a few
// buffers ahead of the visitor. Throws Code::not_supported, with the name, for sockets, devices and
// pipes; Code::io if a file changes its size meanwhile; Code::limit_exceeded for too deep trees.
CINCH_FILES_API void read_tree(const Directory& parent, std::string_view name, NarVisitor& visitor,
                               const ReadTreeOptions& options = {});
// The same for a full name that the user gave; the last component is not followed if it is a
// symlink.
CINCH_FILES_API void read_tree(const std::string& full_name, NarVisitor& visitor,
                               const ReadTreeOptions& options = {});

// Writes the NAR of a tree; a convenience over read_tree and NarWriter.
CINCH_FILES_API void dump_tree(const std::string& full_name, Sink& sink,
                               const ReadTreeOptions& options = {});

struct WriteTreeOptions {
  // Canonical store metadata: directories 0555, files 0444 or 0555, modification time 1 everywhere.
  // Otherwise 0777 and 0666 (0777) less the umask, and the present time.
  bool canonical = false;
  bool fsync = false;  // flush file contents before finish() returns
};

// Creates a tree from events: the object is called `name` in `parent` and must not exist. Never
// follows a symlink, never writes outside. Throws Code::not_supported, with both names, where the
// file system takes two names of the tree for one (because it folds case, say). If it is destroyed
// before finish(), it removes what it made.
class CINCH_FILES_API TreeWriter final : public NarVisitor {
 public:
  // `parent` must outlive it.
  TreeWriter(const Directory& parent, std::string name, const WriteTreeOptions& options = {});
  TreeWriter(Directory&&, std::string, const WriteTreeOptions& = {}) = delete;
  ~TreeWriter() override;

  void directory() override;
  void entry(std::string_view name) override;
  void file(std::uint64_t size_bytes, bool executable) override;
  void contents(Bytes bytes) override;
  void symlink(std::string_view target) override;
  void leave() override;
  void finish();

  // In place of contents(), right after file(): gives the file the contents of another one, which
  // is open for reading, such that both share their blocks. Returns a descriptor to read them from,
  // open until leave(); -1, and nothing has happened, if the file system cannot do that. Throws
  // Code::io if the size is not the announced one.
  int clone_contents(int source);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// Gives a file that was written by other means the metadata of a canonical tree, and closes it;
// throws what a delayed write reports.
CINCH_FILES_API void finish_canonical_file(Descriptor file, const std::string& full_name,
                                           bool executable, bool fsync);

}  // namespace cinch
