// File-system objects as values: a regular file, a directory or a symlink, with all that is below
// it. A MemoryTree has the contents of its files; a NarListing has their sizes and where they stand
// in a NAR, and is how one file is read out of a NAR without the rest (nar_listing.hh).
//
// Values: copy and compare them freely. Const functions may be called from several threads at once.
#pragma once

#include <cinch/core/export.hh>
#include <cinch/core/nar.hh>
#include <cinch/core/stream.hh>

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <variant>

namespace cinch {

template <class Contents>
struct FileSystemObject {
  struct Regular {
    Contents contents;
    bool executable = false;
    friend bool operator==(const Regular&, const Regular&) = default;
  };
  struct Directory {
    std::map<std::string, FileSystemObject, std::less<>> entries;
    friend bool operator==(const Directory& a, const Directory& b) {
      return a.entries == b.entries;
    }
  };
  struct Symlink {
    std::string target;
    friend bool operator==(const Symlink&, const Symlink&) = default;
  };

  std::variant<Regular, Directory, Symlink> node;

  const Regular* regular() const { return std::get_if<Regular>(&node); }
  const Directory* directory() const { return std::get_if<Directory>(&node); }
  const Symlink* symlink() const { return std::get_if<Symlink>(&node); }

  // What is called `path` below this object: names with one slash between them; "" is the object
  // itself. Null if there is none. Symlinks are not followed.
  const FileSystemObject* find(std::string_view path) const {
    const FileSystemObject* object = this;
    while (object != nullptr && !path.empty()) {
      const std::string_view name = path.substr(0, path.find('/'));
      const Directory* inside = object->directory();
      if (inside == nullptr) return nullptr;
      const auto entry = inside->entries.find(name);
      object = entry == inside->entries.end() ? nullptr : &entry->second;
      path.remove_prefix(name.size());
      if (path.empty()) break;
      path.remove_prefix(1);
      if (path.empty()) return nullptr;  // a slash at the end
    }
    return object;
  }

  friend bool operator==(const FileSystemObject& a, const FileSystemObject& b) {
    return a.node == b.node;
  }
};

using MemoryTree = FileSystemObject<std::string>;

// Makes a MemoryTree of events. Throws Code::limit_exceeded when contents, names and targets come
// to more than `size_bytes_max`, before they are kept; each object counts for 64 bytes in addition.
class CINCH_CORE_API MemoryTreeBuilder final : public NarVisitor {
 public:
  explicit MemoryTreeBuilder(std::uint64_t size_bytes_max);
  MemoryTreeBuilder(const MemoryTreeBuilder&) = delete;
  MemoryTreeBuilder& operator=(const MemoryTreeBuilder&) = delete;
  ~MemoryTreeBuilder() override;

  void directory() override;
  void entry(std::string_view name) override;
  void file(std::uint64_t size_bytes, bool executable) override;
  void contents(Bytes bytes) override;
  void symlink(std::string_view target) override;
  void leave() override;

  // Throws Code::invalid_argument unless the object is complete. The builder is used up then.
  MemoryTree take();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// Gives the events of a tree. A visitor that is a NarWriter makes its NAR.
CINCH_CORE_API void visit_tree(const MemoryTree& tree, NarVisitor& visitor);

// Nix's JSON of a tree with the contents as text:
// {"type":"regular","contents":...,"executable":...}, {"type":"directory","entries":{...}},
// {"type":"symlink","target":...}. Throws Code::not_supported for contents or names that are not
// UTF-8, which JSON cannot hold.
CINCH_CORE_API std::string print_tree_json(const MemoryTree& tree);
// Throws Code::malformed, with the place as the subject, also for names and targets that a NAR
// cannot hold; Code::limit_exceeded above the limits of NARs, or if the text is longer than the
// limit.
CINCH_CORE_API MemoryTree parse_tree_json(std::string_view json, std::uint64_t size_bytes_max);

}  // namespace cinch
