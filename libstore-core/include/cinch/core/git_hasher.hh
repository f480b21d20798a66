// Hashes a file-system object as git does: files and symlinks are blobs, directories are trees. Fed
// in NAR order, so it hashes what a NAR holds, or a tree on disk, in one pass.
// Format: docs/formats/content-address.md.
#pragma once

#include <cinch/core/export.hh>
#include <cinch/core/hash.hh>
#include <cinch/core/nar.hh>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace cinch {

// What a tree says of an entry. The values are git's, as octal numbers: never change them.
enum class GitMode : std::uint32_t {
  directory = 040000,
  regular = 0100644,
  executable = 0100755,
  symlink = 0120000,
};

struct GitObject {
  GitMode mode;
  Hash hash;

  friend bool operator==(const GitObject&, const GitObject&) = default;
};

// REQUIRES: the events form one object, as a NarReader or NarParserSink gives them. Memory grows
// with the entries of the directories that are open, by about 100 bytes each.
class CINCH_CORE_API GitHasher final : public NarVisitor {
 public:
  // Throws Code::invalid_argument unless the algorithm is sha1 or sha256.
  explicit GitHasher(HashAlgorithm algorithm);
  ~GitHasher() override;

  void directory() override;
  void entry(std::string_view name) override;
  void file(std::uint64_t size_bytes, bool executable) override;
  void contents(Bytes bytes) override;
  void symlink(std::string_view target) override;
  void leave() override;

  // The root. Throws Code::invalid_argument unless the object is complete.
  GitObject finish() const;

 private:
  struct Entry {
    std::string name;
    std::optional<GitObject> object;
  };
  using Directory = std::vector<Entry>;

  void begin_blob(std::uint64_t size_bytes);
  void end_node(GitMode mode, const Hash& hash);
  Hash hash_tree(Directory entries) const;

  HashAlgorithm algorithm_;
  std::vector<Directory> open_;
  std::optional<Hasher> blob_;
  GitMode blob_mode_ = GitMode::regular;
  std::optional<GitObject> root_;
};

}  // namespace cinch
