#include "tree_reader.hh"

#include <cinch/core/cancellation.hh>
#include <cinch/core/error.hh>
#include <cinch/files/copy_tree.hh>

#include <algorithm>
#include <memory>
#include <vector>

#include <dirent.h>

namespace cinch {

namespace {

// Fits into the cache of a core: what was read is hashed and written while it is there. Larger
// writes make the kernel look for larger pieces of free memory, which costs more than they save.
constexpr std::size_t piece_bytes = std::size_t{64} << 10;

struct Level {
  Directory directory;
  std::vector<DirectoryEntry> entries;
  std::size_t next = 0;
};

class TreeCopier {
 public:
  TreeCopier(TreeWriter& writer, NarVisitor& nar, const CopyTreeOptions& options)
      : writer_(writer), nar_(nar), options_(options), piece_(new std::byte[piece_bytes]) {}

  void copy(const Directory& parent, std::string_view name) {
    const std::optional<struct stat> status = parent.stat(name);
    if (!status) {
      throw Error(Code::not_found, "there is no such file").about(parent.name_of(name));
    }
    begin(parent, name, static_cast<unsigned char>(IFTODT(status->st_mode)));
    while (!levels_.empty()) step();
    writer_.finish();
  }

 private:
  void step() {
    check_cancelled(options_.stop);
    Level& level = levels_.back();
    if (level.next == level.entries.size()) {
      nar_.leave();
      writer_.leave();
      levels_.pop_back();
      return;
    }
    const DirectoryEntry& entry = level.entries[level.next++];
    nar_.entry(entry.name);
    writer_.entry(entry.name);
    begin(level.directory, entry.name, entry.type);
  }

  void begin(const Directory& parent, std::string_view name, unsigned char type) {
    switch (type) {
      case DT_DIR: {
        Directory directory = parent.open_directory(name);
        std::vector<DirectoryEntry> entries = directory.list();
        nar_.directory();
        writer_.directory();
        levels_.push_back({std::move(directory), std::move(entries)});
        return;
      }
      case DT_REG:
        return copy_file(open_regular_file(parent, name));
      case DT_LNK: {
        const std::string target = parent.read_symlink(name);
        nar_.symlink(target);
        return writer_.symlink(target);
      }
      default:
        throw_not_in_a_store(parent, name, type);
    }
  }

  void copy_file(const RegularFile& file) {
    nar_.file(file.size_bytes, file.executable);
    writer_.file(file.size_bytes, file.executable);
    int from = file.descriptor.get();
    bool cloned = false;
    if (can_clone_ && file.size_bytes > 0) {
      const int clone = writer_.clone_contents(from);
      cloned = clone >= 0;
      can_clone_ = cloned;
      // What counts is what the clone holds, even if the original changes now.
      if (cloned) from = clone;
    }
    DescriptorSource source(from, file.full_name);
    for (std::uint64_t left = file.size_bytes; left > 0;) {
      check_cancelled(options_.stop);
      const auto wanted = static_cast<std::size_t>(std::min<std::uint64_t>(piece_bytes, left));
      const std::size_t count = source.read(std::span(piece_.get(), wanted));
      if (count == 0) throw_size_changed(file.full_name);
      const Bytes piece(piece_.get(), count);
      nar_.contents(piece);
      if (!cloned) writer_.contents(piece);
      left -= count;
      if (options_.on_contents) options_.on_contents(count);
    }
    nar_.leave();
    writer_.leave();
  }

  TreeWriter& writer_;
  NarVisitor& nar_;
  const CopyTreeOptions& options_;
  const std::unique_ptr<std::byte[]> piece_;
  std::vector<Level> levels_;
  bool can_clone_ = true;  // until the file system says no
};

}  // namespace

void copy_tree(const Directory& from, std::string_view name, TreeWriter& to, NarVisitor& nar,
               const CopyTreeOptions& options) {
  TreeCopier(to, nar, options).copy(from, name);
}

}  // namespace cinch
