// Removes whole trees, also hostile ones: whatever a builder left behind, however deep.
//
// - Every step is one name below an open descriptor; no symlink is ever followed.
// - No recursion, and at most `depth_max` descriptors: a directory below that depth is first moved
//   up into the directory that is being removed.
#include <cinch/core/error.hh>
#include <cinch/files/directory.hh>

#include <cerrno>
#include <optional>
#include <string>
#include <vector>

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace cinch {

namespace {

constexpr std::size_t depth_max = 64;
constexpr std::uint64_t block_bytes = 512;

// chmod of exactly the inode behind an O_PATH descriptor. The link in /proc leads to the open
// inode itself, so nothing is looked up again; fchmodat2 (452 on every architecture) is for places
// without /proc and needs Linux 6.6.
bool change_mode_by_path_descriptor(int descriptor, mode_t mode) {
  const std::string link = "/proc/self/fd/" + std::to_string(descriptor);
  if (::chmod(link.c_str(), mode) == 0) return true;
  constexpr long fchmodat2_number = 452;
  return ::syscall(fchmodat2_number, descriptor, "", mode, AT_EMPTY_PATH) == 0;
}

// Opens a directory even if its owner may not read it at present. Empty if somebody else has
// removed it meanwhile.
std::optional<Directory> open_and_permit(const Directory& parent, const std::string& name) {
  const int flags = O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
  Descriptor opened(::openat(parent.get(), name.c_str(), O_RDONLY | flags));
  struct stat status;
  if (!opened && errno == EACCES) {
    const Descriptor path(::openat(parent.get(), name.c_str(), O_PATH | flags));
    if (path && ::fstat(path.get(), &status) == 0 &&
        change_mode_by_path_descriptor(path.get(), (status.st_mode & 07777) | S_IRWXU)) {
      opened = Descriptor(::openat(path.get(), ".", O_RDONLY | flags));
    }
  }
  if (!opened && errno == ENOENT) return std::nullopt;
  if (!opened) throw system_error(errno, "cannot open directory", parent.name_of(name));
  if (::fstat(opened.get(), &status) != 0) {
    throw system_error(errno, "cannot get status", parent.name_of(name));
  }
  // If this fails (not the owner), the removal of an entry will say so.
  if ((status.st_mode & S_IRWXU) != S_IRWXU) {
    (void)::fchmod(opened.get(), (status.st_mode & 07777) | S_IRWXU);
  }
  return Directory(std::move(opened), parent.name_of(name));
}

class TreeRemover {
 public:
  explicit TreeRemover(const Directory& parent) : parent_(parent) {}

  RemovedTree remove(const std::string& name) {
    if (!remove_or_enter(parent_, name)) {
      while (!levels_.empty()) step();
    }
    return removed_;
  }

 private:
  struct Level {
    std::string name;  // in the level above
    Directory directory;
    std::vector<std::string> rest;
  };

  void step() {
    Level& level = levels_.back();
    if (level.rest.empty()) {
      const std::string name = std::move(level.name);
      levels_.pop_back();
      const Directory& above = levels_.empty() ? parent_ : levels_.back().directory;
      if (::unlinkat(above.get(), name.c_str(), AT_REMOVEDIR) != 0 && errno != ENOENT) {
        throw system_error(errno, "cannot remove directory", above.name_of(name));
      }
      return;
    }
    const std::string name = std::move(level.rest.back());
    level.rest.pop_back();
    remove_or_enter(level.directory, name);
  }

  // Removes a file, symlink or empty directory now and returns true; or makes the directory the
  // innermost level.
  bool remove_or_enter(const Directory& directory, const std::string& name) {
    const std::optional<struct stat> status = directory.stat(name);
    if (!status) return true;
    if (!S_ISDIR(status->st_mode)) {
      if (::unlinkat(directory.get(), name.c_str(), 0) != 0 && errno != ENOENT) {
        throw system_error(errno, "cannot remove", directory.name_of(name));
      }
      ++removed_.entries;
      if (status->st_nlink == 1) {
        removed_.bytes += static_cast<std::uint64_t>(status->st_blocks) * block_bytes;
      }
      return true;
    }
    std::optional<Directory> inner = open_and_permit(directory, name);
    if (!inner) return true;
    if (levels_.size() >= depth_max) {
      move_up(directory, name);
      return true;
    }
    ++removed_.entries;
    removed_.bytes += static_cast<std::uint64_t>(status->st_blocks) * block_bytes;
    std::vector<std::string> rest;
    for (DirectoryEntry& entry : inner->list()) rest.push_back(std::move(entry.name));
    levels_.push_back({name, *std::move(inner), std::move(rest)});
    return false;
  }

  void move_up(const Directory& directory, const std::string& name) {
    Level& top = levels_.front();
    for (;;) {
      std::string free_name = ".removing-" + std::to_string(moved_++);
      if (::renameat2(directory.get(), name.c_str(), top.directory.get(), free_name.c_str(),
                      RENAME_NOREPLACE) == 0) {
        top.rest.push_back(std::move(free_name));
        return;
      }
      if (errno != EEXIST) {
        throw system_error(errno, "cannot move for removal", directory.name_of(name));
      }
    }
  }

  const Directory& parent_;
  std::vector<Level> levels_;
  RemovedTree removed_;
  std::uint64_t moved_ = 0;
};

}  // namespace

RemovedTree Directory::remove_tree(std::string_view name) const {
  check_component(name);
  return TreeRemover(*this).remove(std::string(name));
}

}  // namespace cinch
