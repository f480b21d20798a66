#include "staging.hh"

#include "canonical.hh"

#include <cinch/core/error.hh>

#include <array>
#include <cerrno>
#include <cstdio>
#include <optional>
#include <utility>

#include <fcntl.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

namespace cinch::local {

namespace {

StorePath random_path() {
  std::array<std::byte, store_path_digest_bytes> digest{};
  if (::getrandom(digest.data(), digest.size(), 0) != static_cast<ssize_t>(digest.size())) {
    throw system_error(errno, "cannot get random bytes", "getrandom");
  }
  return StorePath::from_parts(digest, "staging");
}

// Moving a directory to another one writes its "..", which its owner must be allowed to do.
// Empty if it is none.
std::optional<Directory> open_to_move(const Directory& parent, const std::string& name) {
  const std::optional<struct stat> status = parent.stat(name);
  if (!status || !S_ISDIR(status->st_mode)) return std::nullopt;
  set_mode(parent, name, 0755);
  return parent.open_directory(name);
}

// Makes a directory that has been moved an object again.
void settle(const Directory& object, const std::string& full_name) {
  if (::fchmod(object.get(), 0555) != 0 || ::futimens(object.get(), canonical_times.data()) != 0) {
    throw system_error(errno, "cannot set mode and time", full_name);
  }
}

void flush(const Directory& objects) {
  if (::syncfs(objects.get()) != 0) {
    throw system_error(errno, "cannot flush the file system", objects.name());
  }
}

}  // namespace

StagingArea::StagingArea(const Directory& objects, TemporaryRoots& roots)
    : objects_(objects), roots_(roots), root_(random_path()) {}

std::string StagingArea::next_name() {
  roots_.add({&root_, 1});
  return root_.base_name() + "-" + std::to_string(next_number_++);
}

StagingDirectory::StagingDirectory(StagingArea& area)
    : objects_(area.objects_),
      name_(area.next_name()),
      directory_(objects_.make_directory(name_, 0700)) {}

StagingDirectory::~StagingDirectory() {
  try {
    objects_.remove_tree(name_);
  } catch (const Error&) {
    // A destructor cannot report it; the garbage collector removes what is left.
  }
}

void StagingDirectory::publish(const StorePath& path) const {
  objects_.remove_tree(path.base_name());
  const std::optional<Directory> object = open_to_move(directory_, object_name);
  directory_.rename(object_name, objects_, path.base_name());
  if (object) settle(*object, objects_.name_of(path.base_name()));
}

void StagingDirectory::replace(const StorePath& path) const {
  const std::string& name = path.base_name();
  // A path whose row is on disk already is not looked at again after a power failure.
  flush(objects_);
  if (!objects_.stat(name)) {
    publish(path);
  } else {
    const std::optional<Directory> object = open_to_move(directory_, object_name);
    const std::optional<Directory> old_object = open_to_move(objects_, name);
    if (::renameat2(directory_.get(), object_name, objects_.get(), name.c_str(), RENAME_EXCHANGE) !=
        0) {
      replace_without_exchange(name, errno);
    }
    if (object) settle(*object, objects_.name_of(name));
  }
  if (::fsync(objects_.get()) != 0) throw system_error(errno, "cannot flush", objects_.name());
}

void StagingDirectory::replace_without_exchange(const std::string& name, int error) const {
  switch (error) {
    case EINVAL:
    case ENOSYS:
      break;  // a file system that cannot exchange names
    case EXDEV:
      // A directory in the lower layer of an overlay, which cannot be moved, but removed.
      objects_.remove_tree(name);
      return directory_.rename(object_name, objects_, name);
    default:
      throw system_error(error, "cannot replace", objects_.name_of(name));
  }
  objects_.rename(name, directory_, old_object_name);
  try {
    directory_.rename(object_name, objects_, name);
  } catch (const Error&) {
    directory_.rename(old_object_name, objects_, name);
    throw;
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
