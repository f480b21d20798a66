// Reads a tree piece by piece: a TreeReader fills one TreeBatch after another with the events of
// the tree and the bytes of its files, and replay() hands a batch to a visitor. Batches are what
// travels between the two threads of read_tree(), so that they meet once for many small files.
#pragma once

#include <cinch/core/nar.hh>
#include <cinch/files/directory.hh>
#include <cinch/files/file_tree.hh>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace cinch {

// An opened regular file of a tree.
struct RegularFile {
  Descriptor descriptor;
  std::string full_name;
  std::uint64_t size_bytes;
  bool executable;
};
RegularFile open_regular_file(const Directory& parent, std::string_view name);
// For what is neither a regular file nor a directory nor a symlink.
[[noreturn]] void throw_not_in_a_store(const Directory& parent, std::string_view name,
                                       unsigned char type);
[[noreturn]] void throw_size_changed(const std::string& full_name);

class TreeBatch {
 public:
  TreeBatch();

  void clear();
  bool has_room() const;
  std::span<std::byte> room() { return std::span(bytes_.get() + used_, batch_bytes - used_); }

  void add_directory() { events_.push_back({Kind::directory, 0}); }
  void add_leave() { events_.push_back({Kind::leave, 0}); }
  void add_entry(std::string_view name) { add_text(Kind::entry, name); }
  void add_symlink(std::string_view target) { add_text(Kind::symlink, target); }
  void add_file(std::uint64_t size_bytes, bool executable);
  // Takes the first `count` bytes of room(), which the caller has filled.
  void add_contents(std::size_t count);

  void replay(NarVisitor& visitor) const;

 private:
  enum class Kind : std::uint8_t { directory, leave, entry, symlink, file, executable, contents };
  struct Event {
    Kind kind;
    std::uint64_t size_bytes;  // of the file, or of the bytes that belong to the event
  };
  static constexpr std::size_t batch_bytes = std::size_t{512} << 10;
  static constexpr std::size_t batch_events_max = 8192;

  void add_text(Kind kind, std::string_view text);

  std::vector<Event> events_;
  std::unique_ptr<std::byte[]> bytes_;
  std::size_t used_ = 0;
};

class TreeReader {
 public:
  // `parent` must outlive it.
  TreeReader(const Directory& parent, std::string_view name, const ReadTreeOptions& options);
  // The tree is the directory itself.
  TreeReader(Directory root, const ReadTreeOptions& options);

  // Appends to the batch until it is full or the tree ends; false: the tree has ended.
  bool fill(TreeBatch& batch);

 private:
  struct Level {
    Directory directory;
    std::vector<DirectoryEntry> entries;
    std::size_t next = 0;
    std::size_t path_length = 0;  // of path_, without this level's current entry
  };
  struct OpenFile {
    Descriptor descriptor;
    std::string full_name;
    std::uint64_t left_bytes;
  };

  bool step(TreeBatch& batch);
  void begin(TreeBatch& batch, const Directory& parent, std::string_view name, unsigned char type);
  void begin_directory(TreeBatch& batch, Directory directory);
  void begin_file(TreeBatch& batch, const Directory& parent, std::string_view name);
  void read_contents(TreeBatch& batch);
  bool wanted(const Level& level, std::string_view name);

  const ReadTreeOptions& options_;
  const Directory* parent_ = nullptr;  // until the root has begun
  std::string root_name_;
  std::optional<Directory> root_;
  std::vector<Level> levels_;
  std::optional<OpenFile> file_;
  std::string path_;  // of the current entry below the root, kept for the filter only
};

}  // namespace cinch
