#include <cinch/core/error.hh>
#include <cinch/files/directory.hh>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <memory>

#include <dirent.h>
#include <fcntl.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

namespace cinch {

namespace {

constexpr std::size_t symlink_bytes_max = 4096;

struct CloseStream {
  void operator()(DIR* stream) const { ::closedir(stream); }
};

Descriptor open_at(int directory, const char* name, int flags, mode_t mode) {
  int number;
  do {
    number = ::openat(directory, name, flags | O_CLOEXEC, mode);
  } while (number < 0 && errno == EINTR);
  return Descriptor(number);
}

unsigned char type_of_mode(mode_t mode) { return static_cast<unsigned char>(IFTODT(mode)); }

std::string temporary_name() {
  std::array<unsigned char, 8> random{};
  if (::getrandom(random.data(), random.size(), 0) != static_cast<ssize_t>(random.size())) {
    throw system_error(errno, "cannot get random bytes", "getrandom");
  }
  std::string name = ".tmp-";
  constexpr std::string_view digits = "0123456789abcdef";
  for (const unsigned char byte : random) {
    name += digits[byte >> 4];
    name += digits[byte & 15];
  }
  return name;
}

void create_missing(const std::string& full_name, mode_t mode) {
  for (std::size_t end = 0; end != std::string::npos;) {
    end = full_name.find('/', end + 1);
    const std::string part = full_name.substr(0, end);
    if (::mkdir(part.c_str(), mode) != 0 && errno != EEXIST) {
      const int error = errno;
      struct stat status;
      // A directory on the way may exist and yet be refused (read-only, or not ours).
      if (::stat(part.c_str(), &status) == 0 && S_ISDIR(status.st_mode)) continue;
      throw system_error(error, "cannot create directory", part);
    }
  }
}

}  // namespace

void check_component(std::string_view name) {
  const auto refuse = [&](const char* why) {
    throw Error(Code::invalid_argument, std::string("a file name must not ") + why)
        .about(std::string(name));
  };
  if (name.empty()) refuse("be empty");
  if (name == "." || name == "..") refuse("be '.' or '..'");
  if (name.find('/') != name.npos) refuse("contain a slash");
  if (name.find('\0') != name.npos) refuse("contain a NUL byte");
}

Directory::Directory(Descriptor descriptor, std::string name)
    : descriptor_(std::move(descriptor)), name_(std::move(name)) {}

Directory Directory::open(const std::string& full_name) {
  Descriptor descriptor = open_at(AT_FDCWD, full_name.c_str(), O_RDONLY | O_DIRECTORY, 0);
  if (!descriptor) throw system_error(errno, "cannot open directory", full_name);
  return {std::move(descriptor), full_name};
}

Directory Directory::create(const std::string& full_name, mode_t mode) {
  Descriptor descriptor = open_at(AT_FDCWD, full_name.c_str(), O_RDONLY | O_DIRECTORY, 0);
  if (!descriptor && errno == ENOENT) {
    create_missing(full_name, mode);
    return open(full_name);
  }
  if (!descriptor) throw system_error(errno, "cannot open directory", full_name);
  return {std::move(descriptor), full_name};
}

std::string Directory::name_of(std::string_view entry) const {
  std::string full = name_;
  if (full.empty() || full.back() != '/') full += '/';
  full += entry;
  return full;
}

Directory Directory::open_directory(std::string_view name) const {
  return {open_file(name, O_RDONLY | O_DIRECTORY), name_of(name)};
}

Directory Directory::make_directory(std::string_view name, mode_t mode) const {
  check_component(name);
  if (::mkdirat(get(), std::string(name).c_str(), mode) != 0) {
    throw system_error(errno, "cannot create directory", name_of(name));
  }
  return open_directory(name);
}

Descriptor Directory::open_file(std::string_view name, int flags, mode_t mode) const {
  check_component(name);
  Descriptor descriptor = open_at(get(), std::string(name).c_str(), flags | O_NOFOLLOW, mode);
  if (!descriptor) {
    const char* action = (flags & O_EXCL)    ? "cannot create"
                         : (flags & O_CREAT) ? "cannot open or create"
                                             : "cannot open";
    throw system_error(errno, action, name_of(name));
  }
  return descriptor;
}

TemporaryFile Directory::create_temporary_file(mode_t mode) const {
  std::string name = temporary_name();
  Descriptor descriptor = open_file(name, O_WRONLY | O_CREAT | O_EXCL, mode);
  return {std::move(name), std::move(descriptor)};
}

void Directory::make_symlink(const std::string& target, std::string_view name) const {
  check_component(name);
  if (::symlinkat(target.c_str(), get(), std::string(name).c_str()) != 0) {
    throw system_error(errno, "cannot create symlink", name_of(name));
  }
}

std::string Directory::read_symlink(std::string_view name) const {
  check_component(name);
  std::string target(symlink_bytes_max, '\0');
  const ssize_t length =
      ::readlinkat(get(), std::string(name).c_str(), target.data(), target.size());
  if (length < 0) throw system_error(errno, "cannot read symlink", name_of(name));
  if (static_cast<std::size_t>(length) == target.size()) {
    throw Error(Code::limit_exceeded, "the target of the symlink is too long").about(name_of(name));
  }
  target.resize(static_cast<std::size_t>(length));
  return target;
}

std::optional<struct stat> Directory::stat(std::string_view name) const {
  check_component(name);
  struct stat status;
  if (::fstatat(get(), std::string(name).c_str(), &status, AT_SYMLINK_NOFOLLOW) == 0) {
    return status;
  }
  if (errno == ENOENT) return std::nullopt;
  throw system_error(errno, "cannot get status", name_of(name));
}

std::vector<DirectoryEntry> Directory::list() const {
  // A description of its own, so that two threads do not share a position.
  Descriptor own = open_at(get(), ".", O_RDONLY | O_DIRECTORY, 0);
  if (!own) throw system_error(errno, "cannot read directory", name_);
  std::unique_ptr<DIR, CloseStream> stream(::fdopendir(own.get()));
  if (!stream) throw system_error(errno, "cannot read directory", name_);
  own.release();
  std::vector<DirectoryEntry> entries;
  for (;;) {
    errno = 0;
    const struct dirent* entry = ::readdir(stream.get());
    if (!entry) break;
    std::string name = entry->d_name;
    if (name == "." || name == "..") continue;
    unsigned char type = entry->d_type;
    if (type == DT_UNKNOWN) {
      const std::optional<struct stat> status = stat(name);
      if (!status) continue;
      type = type_of_mode(status->st_mode);
    }
    entries.push_back({std::move(name), type});
  }
  if (errno != 0) throw system_error(errno, "cannot read directory", name_);
  std::sort(entries.begin(), entries.end(),
            [](const DirectoryEntry& a, const DirectoryEntry& b) { return a.name < b.name; });
  return entries;
}

void Directory::rename(std::string_view from, const Directory& to_directory,
                       std::string_view to) const {
  check_component(from);
  check_component(to);
  if (::renameat(get(), std::string(from).c_str(), to_directory.get(), std::string(to).c_str()) !=
      0) {
    throw system_error(errno, "cannot rename to '" + to_directory.name_of(to) + "'", name_of(from));
  }
}

void Directory::unlink(std::string_view name) const {
  check_component(name);
  if (::unlinkat(get(), std::string(name).c_str(), 0) != 0) {
    throw system_error(errno, "cannot remove", name_of(name));
  }
}

std::optional<std::string> Directory::read_file(std::string_view name,
                                                std::uint64_t size_bytes_max) const {
  check_component(name);
  // O_NONBLOCK: a pipe with this name must not make us wait for a writer.
  Descriptor file =
      open_at(get(), std::string(name).c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK, 0);
  if (!file && errno == ENOENT) return std::nullopt;
  if (!file) throw system_error(errno, "cannot open", name_of(name));
  DescriptorSource source(file.get(), name_of(name));
  try {
    return read_all(source, size_bytes_max);
  } catch (Error& error) {
    error.set_subject_if_empty(name_of(name));
    throw;
  }
}

void Directory::write_file(std::string_view name, std::string_view contents, mode_t mode) const {
  check_component(name);
  TemporaryFile file = create_temporary_file(mode);
  try {
    const std::string full_name = name_of(name);
    DescriptorSink(file.descriptor.get(), full_name).write(as_bytes(contents));
    // Without this a crash may leave the new name with no contents.
    if (::fdatasync(file.descriptor.get()) != 0) {
      throw system_error(errno, "cannot write", full_name);
    }
    file.descriptor.close_checked(full_name);
    rename(file.name, *this, name);
  } catch (...) {
    ::unlinkat(get(), file.name.c_str(), 0);
    throw;
  }
}

DescriptorSource::~DescriptorSource() = default;
DescriptorSink::~DescriptorSink() = default;

std::size_t DescriptorSource::read(std::span<std::byte> buffer) {
  for (;;) {
    const ssize_t count = ::read(descriptor_, buffer.data(), buffer.size());
    if (count >= 0) return static_cast<std::size_t>(count);
    if (errno != EINTR) throw system_error(errno, "cannot read", subject_);
  }
}

void DescriptorSink::write(Bytes bytes) {
  while (!bytes.empty()) {
    const ssize_t count = ::write(descriptor_, bytes.data(), bytes.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) throw system_error(errno, "cannot write", subject_);
    bytes = bytes.subspan(static_cast<std::size_t>(count));
  }
}

}  // namespace cinch
