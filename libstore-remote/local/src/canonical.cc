#include "canonical.hh"

#include "tree_walk.hh"

#include <cinch/core/error.hh>

#include <array>
#include <cerrno>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace cinch::local {

const std::array<struct timespec, 2> canonical_times = {
    {{.tv_sec = 0, .tv_nsec = UTIME_OMIT}, {.tv_sec = 1, .tv_nsec = 0}}};

void set_mode(const Directory& parent, const std::string& name, mode_t mode) {
  const Descriptor file = parent.open_file(name, O_PATH);
  const std::string link = "/proc/self/fd/" + std::to_string(file.get());
  if (::chmod(link.c_str(), mode) != 0) {
    throw system_error(errno, "cannot set mode", parent.name_of(name));
  }
}

namespace {

constexpr mode_t mode_bits = 07777;

mode_t canonical_mode(const struct stat& status) {
  if (S_ISDIR(status.st_mode)) return 0555;
  return (status.st_mode & S_IXUSR) != 0 ? 0555 : 0444;
}

bool has_wrong_mode(const struct stat& status) {
  return !S_ISLNK(status.st_mode) && (status.st_mode & mode_bits) != canonical_mode(status);
}

bool has_wrong_time(const struct stat& status) {
  return status.st_mtim.tv_sec != 1 || status.st_mtim.tv_nsec != 0;
}

std::string octal(mode_t mode) {
  constexpr unsigned shift_first = 9;
  std::string text;
  for (int shift = shift_first; shift >= 0; shift -= 3) {
    text += static_cast<char>('0' + ((mode >> static_cast<unsigned>(shift)) & 7U));
  }
  return text;
}

void canonicalise(const TreeEntry& entry) {
  const struct stat& status = entry.status;
  const std::string full_name = entry.parent->name_of(entry.name);
  if (!S_ISREG(status.st_mode) && !S_ISDIR(status.st_mode) && !S_ISLNK(status.st_mode)) {
    throw Error(Code::not_supported,
                "a store object holds only regular files, directories and symlinks")
        .about(full_name);
  }
  if (status.st_uid != ::geteuid() &&
      ::fchownat(entry.parent->get(), entry.name.c_str(), ::geteuid(), ::getegid(),
                 AT_SYMLINK_NOFOLLOW) != 0) {
    throw system_error(errno, "cannot change the owner", full_name);
  }
  if (has_wrong_mode(status)) set_mode(*entry.parent, entry.name, canonical_mode(status));
  if (!has_wrong_time(status)) return;
  if (::utimensat(entry.parent->get(), entry.name.c_str(), canonical_times.data(),
                  AT_SYMLINK_NOFOLLOW) != 0) {
    throw system_error(errno, "cannot set the time", full_name);
  }
}

bool all_entries(const Directory& parent, const std::string& name, const std::stop_token& stop,
                 const std::function<bool(const struct stat&)>& are_so) {
  bool all = true;
  walk_tree(
      parent, name, [&](const TreeEntry& entry) { all = all && are_so(entry.status); }, stop);
  return all;
}

}  // namespace

std::optional<std::string> find_wrong_mode(const Directory& parent, const std::string& name,
                                           const std::stop_token& stop) {
  std::optional<std::string> found;
  walk_tree(
      parent, name,
      [&](const TreeEntry& entry) {
        if (found || !has_wrong_mode(entry.status)) return;
        found = "the permissions of '" + entry.parent->name_of(entry.name) + "' are " +
                octal(entry.status.st_mode & mode_bits) + ", and should be " +
                octal(canonical_mode(entry.status));
      },
      stop);
  return found;
}

bool is_canonical_tree(const Directory& parent, const std::string& name,
                       const std::stop_token& stop) {
  return all_entries(parent, name, stop, [](const struct stat& status) {
    return !has_wrong_mode(status) && !has_wrong_time(status);
  });
}

bool may_canonicalise(const Directory& parent, const std::string& name,
                      const std::stop_token& stop) {
  const uid_t user = ::geteuid();
  if (user == 0) return true;
  return all_entries(parent, name, stop,
                     [&](const struct stat& status) { return status.st_uid == user; });
}

void canonicalise_tree(const Directory& parent, const std::string& name,
                       const std::stop_token& stop) {
  walk_tree(parent, name, canonicalise, stop);
}

}  // namespace cinch::local
