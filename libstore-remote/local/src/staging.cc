#include "staging.hh"

#include "file_lock.hh"

#include <cinch/core/error.hh>

#include <cerrno>
#include <utility>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace cinch::local {

StagingDirectory::StagingDirectory(StagingArea& area) : objects_(area.objects_) {
  const std::string prefix = "tmp-" + std::to_string(::getpid()) + "-";
  for (;;) {
    name_ = prefix + std::to_string(area.next_number_++);
    if (::mkdirat(objects_.get(), name_.c_str(), 0700) != 0) {
      if (errno == EEXIST) continue;
      throw system_error(errno, "cannot create directory", objects_.name_of(name_));
    }
    Descriptor made(
        ::openat(objects_.get(), name_.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    // Until it is locked, a garbage collector may take it for an old one.
    if (!made && errno == ENOENT) continue;
    if (!made) throw system_error(errno, "cannot open directory", objects_.name_of(name_));
    struct stat status;
    if (try_lock(made.get(), LockKind::exclusive, objects_.name_of(name_)) &&
        ::fstat(made.get(), &status) == 0 && status.st_nlink != 0) {
      directory_.emplace(std::move(made), objects_.name_of(name_));
      return;
    }
  }
}

StagingDirectory::~StagingDirectory() {
  try {
    objects_.remove_tree(name_);
  } catch (const Error&) {
    // A destructor cannot report it; the garbage collector removes what is left.
  }
}

void StagingDirectory::publish(const StorePath& path) const {
  objects_.remove_tree(path.base_name());
  const std::optional<struct stat> status = directory_->stat(object_name);
  if (!status || !S_ISDIR(status->st_mode)) {
    return directory_->rename(object_name, objects_, path.base_name());
  }
  // Moving a directory to another one writes its "..", which its owner must be allowed to do.
  const Directory object = directory_->open_directory(object_name);
  const std::string full_name = objects_.name_of(path.base_name());
  if (::fchmod(object.get(), 0755) != 0) throw system_error(errno, "cannot set mode", full_name);
  directory_->rename(object_name, objects_, path.base_name());
  constexpr struct timespec times[2] = {{.tv_sec = 0, .tv_nsec = UTIME_OMIT},
                                        {.tv_sec = 1, .tv_nsec = 0}};
  if (::fchmod(object.get(), 0555) != 0 || ::futimens(object.get(), times) != 0) {
    throw system_error(errno, "cannot set mode and time", full_name);
  }
}

StagedTree::StagedTree(StagingArea& area, StorePath path, const WriteTreeOptions& options)
    : path_(std::move(path)),
      staging_(area),
      writer_(staging_.directory(), StagingDirectory::object_name, options),
      parser_(writer_) {}

StagedTree::~StagedTree() = default;

void StagedTree::finish() {
  parser_.finish();
  writer_.finish();
}

}  // namespace cinch::local
