#include "free_space.hh"

#include <cinch/core/error.hh>

#include <cerrno>

#include <sys/statvfs.h>
#include <unistd.h>

namespace cinch::local {

namespace {

// What is reserved, many times over: others may write meanwhile.
constexpr std::uint64_t room_bytes = std::uint64_t{256} << 20;

// A user may have a quota, of which the file system says nothing here; root has none.
bool has_room(const Directory& state) {
  return ::geteuid() == 0 && free_bytes(state) >= room_bytes;
}

}  // namespace

std::uint64_t free_bytes(const Directory& directory) {
  struct statvfs status;
  if (::fstatvfs(directory.get(), &status) != 0) {
    throw system_error(errno, "cannot ask for free space", directory.name());
  }
  return std::uint64_t{status.f_bavail} * status.f_frsize;
}

// Nix may remove it at the same time: it does so before it waits for the lock.
void make_room_to_collect(const Directory& state) {
  if (has_room(state)) return;
  state.open_directory("db").remove_tree("reserved");
}

}  // namespace cinch::local
