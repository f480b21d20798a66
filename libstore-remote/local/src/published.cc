#include "published.hh"

#include <cinch/core/error.hh>
#include <cinch/files/file_tree.hh>

#include <cerrno>
#include <string>
#include <utility>

#include <fcntl.h>

namespace cinch::local {

namespace {

constexpr mode_t file_mode = 0444;

Descriptor create_file(const Directory& objects, const std::string& name) {
  const int flags = O_WRONLY | O_CREAT | O_EXCL;
  Descriptor file(::openat(objects.get(), name.c_str(), flags | O_CLOEXEC | O_NOFOLLOW, file_mode));
  if (file || errno != EEXIST) return file;
  objects.remove_tree(name);
  return objects.open_file(name, flags, file_mode);
}

}  // namespace

Published::~Published() {
  for (const StorePath& path : paths_) {
    try {
      objects_.remove_tree(path.base_name());
    } catch (const Error&) {
      // Not registered, so it is garbage that the next one to make this path removes.
    }
  }
}

void Published::write_file(const StorePath& path, std::string_view contents, bool fsync) {
  const std::string full_name = objects_.name_of(path.base_name());
  add(path);
  Descriptor file = create_file(objects_, path.base_name());
  if (!file) throw system_error(errno, "cannot create", full_name);
  DescriptorSink(file.get(), full_name).write(as_bytes(contents));
  finish_canonical_file(std::move(file), full_name, false, fsync);
}

}  // namespace cinch::local
