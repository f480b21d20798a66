// A directory, held open. Every change to the file system below the tools goes through one of these
// and a single name: no function here takes a name with a slash, follows a symlink in the last
// component, or can be led out of the directory.
//
// Const functions may be called from several threads at once. Errors are Error with the full name,
// as far as it is known, as the subject.
#pragma once

#include <cinch/core/export.hh>
#include <cinch/core/stream.hh>
#include <cinch/files/descriptor.hh>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <sys/stat.h>

namespace cinch {

// Throws Code::invalid_argument for "", ".", "..", and names with a slash or NUL.
CINCH_FILES_API void check_component(std::string_view name);

struct DirectoryEntry {
  std::string name;
  unsigned char type;  // DT_REG, DT_DIR, DT_LNK, ...; never DT_UNKNOWN
};

struct RemovedTree {
  std::uint64_t entries = 0;  // files, symlinks and directories
  std::uint64_t bytes = 0;    // on disk: of directories, and of files with no other link
};

// A new file under a name that nobody else uses, to be renamed when it is complete.
struct TemporaryFile {
  std::string name;
  Descriptor descriptor;  // for writing
};

class CINCH_FILES_API Directory {
 public:
  // Opens a directory by its full name, following symlinks: for names that the user gave.
  static Directory open(const std::string& full_name);
  // As above, creating what is missing with this mode.
  static Directory create(const std::string& full_name, mode_t mode);
  Directory(Descriptor descriptor, std::string name);

  int get() const { return descriptor_.get(); }
  const std::string& name() const { return name_; }  // for messages
  std::string name_of(std::string_view entry) const;

  Directory open_directory(std::string_view name) const;
  Directory make_directory(std::string_view name, mode_t mode) const;  // must not exist
  // `flags` as for open(2); O_CLOEXEC and O_NOFOLLOW are added.
  Descriptor open_file(std::string_view name, int flags, mode_t mode = 0) const;
  TemporaryFile create_temporary_file(mode_t mode) const;
  void make_symlink(const std::string& target, std::string_view name) const;
  std::string read_symlink(std::string_view name) const;
  std::optional<struct stat> stat(std::string_view name) const;  // of the entry itself (lstat)
  // Sorted bytewise.
  std::vector<DirectoryEntry> list() const;
  void rename(std::string_view from, const Directory& to_directory, std::string_view to) const;
  void unlink(std::string_view name) const;
  // Removes a file or a whole tree, making directories writable where it must; fine if there is
  // none.
  RemovedTree remove_tree(std::string_view name) const;
  // A whole small file; throws Code::limit_exceeded above the limit. Empty if it does not exist.
  std::optional<std::string> read_file(std::string_view name, std::uint64_t size_bytes_max) const;
  // Replaces the file atomically; its contents are on disk before the name is.
  void write_file(std::string_view name, std::string_view contents, mode_t mode) const;

 private:
  Descriptor descriptor_;
  std::string name_;
};

// Sinks and sources over descriptors; errors name `subject`. They do not own the descriptor.
class CINCH_FILES_API DescriptorSource final : public Source {
 public:
  DescriptorSource(int descriptor, std::string subject)
      : descriptor_(descriptor), subject_(std::move(subject)) {}
  ~DescriptorSource() override;
  std::size_t read(std::span<std::byte> buffer) override;

 private:
  int descriptor_;
  std::string subject_;
};

class CINCH_FILES_API DescriptorSink final : public Sink {
 public:
  DescriptorSink(int descriptor, std::string subject)
      : descriptor_(descriptor), subject_(std::move(subject)) {}
  ~DescriptorSink() override;
  void write(Bytes bytes) override;

 private:
  int descriptor_;
  std::string subject_;
};

}  // namespace cinch
