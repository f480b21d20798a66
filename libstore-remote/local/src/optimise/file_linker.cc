#include "file_linker.hh"

#include "../canonical.hh"

#include <cinch/core/cancellation.hh>
#include <cinch/core/error.hh>
#include <cinch/core/hash.hh>
#include <cinch/core/nar.hh>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <utility>

#include <dirent.h>
#include <fcntl.h>
#include <sys/random.h>
#include <unistd.h>

namespace cinch::local {

namespace {

constexpr mode_t directory_mode = 0555;
// How often to begin anew when others remove or change what is being worked on.
constexpr int attempts_max = 8;

// The file stays as it is, which is no error: there can be no more links to the one file, there is
// no room for another name, or this file system, or its rules for this user, have no such links.
bool is_harmless(int error) {
  return error == EMLINK || error == ENOSPC || error == EDQUOT || error == EPERM ||
         error == EOPNOTSUPP;
}

// What its owner may write could change, with all the names that it would get.
bool can_link(const struct stat& status) {
  const mode_t mode = status.st_mode & 07777;
  return S_ISLNK(status.st_mode) || (S_ISREG(status.st_mode) && (mode == 0444 || mode == 0555));
}

Descriptor open_regular(const Directory& parent, const std::string& name,
                        const struct stat& status) {
  Descriptor file = parent.open_file(name, O_RDONLY | O_NONBLOCK | O_NOCTTY);
  struct stat opened;
  if (::fstat(file.get(), &opened) != 0) {
    throw system_error(errno, "cannot get status", parent.name_of(name));
  }
  if (opened.st_ino == status.st_ino && opened.st_size == status.st_size) return file;
  throw Error(Code::io, "the file was changed while it was read")
      .about(parent.name_of(name))
      .retryable();
}

std::string temporary_name() {
  std::uint32_t number = 0;
  if (::getrandom(&number, sizeof number, 0) != static_cast<ssize_t>(sizeof number)) {
    throw system_error(errno, "cannot get random bytes", "getrandom");
  }
  return std::string(temporary_link_prefix) + std::to_string(::getpid()) + "-" +
         std::to_string(number);
}

Directory open_links(const Directory& objects) {
  if (::mkdirat(objects.get(), links_name, 0755) != 0 && errno != EEXIST) {
    throw system_error(errno, "cannot create directory", objects.name_of(links_name));
  }
  return objects.open_directory(links_name);
}

bool same_contents(const Directory& a_parent, const std::string& a_name,
                   const struct stat& a_status, const Directory& b_parent,
                   const std::string& b_name, const struct stat& b_status,
                   const std::stop_token& stop) {
  if (S_ISLNK(a_status.st_mode)) {
    return a_parent.read_symlink(a_name) == b_parent.read_symlink(b_name);
  }
  const Descriptor a = open_regular(a_parent, a_name, a_status);
  const Descriptor b = open_regular(b_parent, b_name, b_status);
  constexpr std::size_t piece_bytes = std::size_t{128} << 10;
  std::vector<std::byte> pieces(2 * piece_bytes);
  const std::span<std::byte> a_piece = std::span(pieces).first(piece_bytes);
  const std::span<std::byte> b_piece = std::span(pieces).subspan(piece_bytes);
  DescriptorSource a_source(a.get(), a_parent.name_of(a_name));
  DescriptorSource b_source(b.get(), b_parent.name_of(b_name));
  for (;;) {
    check_cancelled(stop);
    const std::size_t a_count = a_source.read(a_piece);
    const std::size_t b_count = b_source.read(b_piece);
    if (a_count != b_count) return false;
    if (a_count == 0) return true;
    if (std::memcmp(a_piece.data(), b_piece.data(), a_count) != 0) return false;
  }
}

}  // namespace

bool remove_link(const Directory& links, const std::string& name) {
  if (::unlinkat(links.get(), name.c_str(), 0) == 0) return true;
  if (errno == ENOENT) return false;
  throw system_error(errno, "cannot remove", links.name_of(name));
}

std::string name_in_links(const Directory& parent, const std::string& name,
                          const struct stat& status, std::span<std::byte> buffer,
                          const std::stop_token& stop) {
  Hasher hasher(HashAlgorithm::sha256);
  NarWriter nar(hasher);
  if (S_ISLNK(status.st_mode)) {
    nar.symlink(parent.read_symlink(name));
  } else {
    const Descriptor file = open_regular(parent, name, status);
    nar.file(static_cast<std::uint64_t>(status.st_size), (status.st_mode & S_IXUSR) != 0);
    DescriptorSource source(file.get(), parent.name_of(name));
    auto left_bytes = static_cast<std::uint64_t>(status.st_size);
    while (left_bytes > 0) {
      check_cancelled(stop);
      const std::size_t count = source.read(buffer.first(
          static_cast<std::size_t>(std::min<std::uint64_t>(buffer.size(), left_bytes))));
      if (count == 0) {
        throw Error(Code::io, "the file was changed while it was read")
            .about(parent.name_of(name))
            .retryable();
      }
      nar.contents(buffer.first(count));
      left_bytes -= count;
    }
    nar.leave();
  }
  nar.finish();
  return hasher.finish().digest_text(HashFormat::nix32);
}

std::optional<std::string> name_in_links(const Directory& parent, const std::string& name,
                                         std::span<std::byte> buffer, const std::stop_token& stop) {
  const std::optional<struct stat> status = parent.stat(name);
  if (!status || !(S_ISREG(status->st_mode) || S_ISLNK(status->st_mode))) return std::nullopt;
  return name_in_links(parent, name, *status, buffer, stop);
}

ChangedDirectory::~ChangedDirectory() {
  if (!changed_ || is_store_directory_) return;
  // A destructor cannot report it. The contents are right; verifying finds the permissions.
  (void)::fchmod(directory_->get(), directory_mode);
  (void)::futimens(directory_->get(), canonical_times.data());
}

// Only its owner's not being root makes it necessary to change the mode; so it is changed when the
// directory turns out to be closed, and again if another process closed it meanwhile.
int ChangedDirectory::replace(const Directory& from, const std::string& from_name,
                              const std::string& name) {
  const std::lock_guard lock(mutex_);
  changed_ = true;
  for (int attempt = 0;; ++attempt) {
    if (::renameat(from.get(), from_name.c_str(), directory_->get(), name.c_str()) == 0) return 0;
    const int error = errno;
    if (error != EACCES || is_store_directory_ || attempt == attempts_max) return error;
    if (::fchmod(directory_->get(), directory_mode | S_IWUSR) != 0) return errno;
  }
}

FileLinker::FileLinker(const Directory& objects) : objects_(objects), links_(open_links(objects)) {}

void FileLinker::read_links() {
  // Straight from readdir(3): asking for the status of each would take longer than all the rest.
  Descriptor own = objects_.open_file(links_name, O_RDONLY | O_DIRECTORY);
  struct Close {
    void operator()(DIR* stream) const { ::closedir(stream); }
  };
  const std::unique_ptr<DIR, Close> stream(::fdopendir(own.get()));
  if (!stream) throw system_error(errno, "cannot read directory", links_.name());
  own.release();
  const std::lock_guard lock(mutex_);
  for (errno = 0; const struct dirent* entry = ::readdir(stream.get()); errno = 0) {
    if (entry->d_name[0] != '.') known_.insert(entry->d_ino);
  }
  if (errno != 0) throw system_error(errno, "cannot read directory", links_.name());
}

void FileLinker::link(ChangedDirectory& parent, const std::string& name, const struct stat& status,
                      std::span<std::byte> buffer, const std::stop_token& stop) {
  if (!can_link(status)) return;
  if (status.st_nlink > 1 && is_known(status.st_ino)) return;
  std::string link_name;
  for (int attempt = 0; attempt < attempts_max; ++attempt) {
    try {
      if (link_name.empty()) link_name = name_in_links(*parent, name, status, buffer, stop);
      if (try_link(parent, name, status, link_name, stop)) return;
    } catch (const Error& error) {
      // Another process has replaced the file, or the link: as a rule, by the same.
      if (!error.is_retryable()) throw;
      const std::optional<struct stat> now = parent->stat(name);
      if (!now || now->st_ino != status.st_ino) return;
    }
  }
  count_skipped();
}

// False: something has changed meanwhile, and all is to be looked at anew.
bool FileLinker::try_link(ChangedDirectory& parent, const std::string& name,
                          const struct stat& status, const std::string& link_name,
                          const std::stop_token& stop) {
  switch (look_up(link_name, *parent, name, status, stop)) {
    case Found::nothing:
      return add_link(*parent, name, status, link_name);
    case Found::same_content:
      return replace_by_link(parent, name, status, link_name);
    case Found::damaged:
      remove_damaged(link_name);
      return false;
    case Found::same_file:
      remember(status.st_ino);
      return true;
    case Found::unusable:
      count_skipped();
      return true;
  }
  return true;
}

OptimiseReport FileLinker::take_report() {
  const std::lock_guard lock(mutex_);
  return std::exchange(report_, {});
}

bool FileLinker::is_known(ino_t inode) {
  const std::lock_guard lock(mutex_);
  return known_.contains(inode);
}

void FileLinker::remember(ino_t inode) {
  const std::lock_guard lock(mutex_);
  known_.insert(inode);
  checked_.insert(inode);
}

// A link whose content is not what its name says would spread to all files that have that content.
// So the content of each link that was there before is compared once, with the first file.
FileLinker::Found FileLinker::look_up(const std::string& link_name, const Directory& parent,
                                      const std::string& name, const struct stat& status,
                                      const std::stop_token& stop) {
  const std::optional<struct stat> link = links_.stat(link_name);
  if (!link) return Found::nothing;
  if (link->st_ino == status.st_ino) return Found::same_file;
  if (link->st_mode != status.st_mode || link->st_size != status.st_size) return Found::damaged;
  if (link->st_uid != status.st_uid) return Found::unusable;
  {
    const std::lock_guard lock(mutex_);
    if (checked_.contains(link->st_ino)) return Found::same_content;
  }
  if (!same_contents(parent, name, status, links_, link_name, *link, stop)) return Found::damaged;
  remember(link->st_ino);
  return Found::same_content;
}

void FileLinker::remove_damaged(const std::string& link_name) {
  if (!remove_link(links_, link_name)) return;
  const std::lock_guard lock(mutex_);
  report_.damaged_links.push_back(link_name);
}

// False: somebody else has made the link meanwhile.
bool FileLinker::add_link(const Directory& parent, const std::string& name,
                          const struct stat& status, const std::string& link_name) {
  if (::linkat(parent.get(), name.c_str(), links_.get(), link_name.c_str(), 0) == 0) {
    remember(status.st_ino);
    return true;
  }
  if (errno == EEXIST) return false;
  if (!is_harmless(errno)) throw system_error(errno, "cannot link", links_.name_of(link_name));
  count_skipped();
  return true;
}

// False: the link, or the temporary name, has gone meanwhile. A garbage collector does that.
bool FileLinker::replace_by_link(ChangedDirectory& parent, const std::string& name,
                                 const struct stat& status, const std::string& link_name) {
  const std::string temporary = temporary_name();
  if (::linkat(links_.get(), link_name.c_str(), objects_.get(), temporary.c_str(), 0) != 0) {
    if (errno == ENOENT || errno == EEXIST) return false;
    if (!is_harmless(errno)) throw system_error(errno, "cannot link", links_.name_of(link_name));
    count_skipped();
    return true;
  }
  const std::optional<struct stat> now = parent->stat(name);
  const bool unchanged = now && now->st_ino == status.st_ino;
  const int error = unchanged ? parent.replace(objects_, temporary, name) : 0;
  // After a rename it is still there if another process has made the same link meanwhile.
  (void)::unlinkat(objects_.get(), temporary.c_str(), 0);
  if (error == ENOENT) return false;
  if (error != 0 && !is_harmless(error)) {
    throw system_error(error, "cannot replace", parent->name_of(name));
  }
  const std::lock_guard lock(mutex_);
  if (error != 0) {
    ++report_.files_skipped;
  } else if (unchanged) {
    ++report_.files_linked;
    if (status.st_nlink == 1) report_.bytes_saved += static_cast<std::uint64_t>(status.st_size);
  }
  return true;
}

void FileLinker::count_skipped() {
  const std::lock_guard lock(mutex_);
  ++report_.files_skipped;
}

}  // namespace cinch::local
