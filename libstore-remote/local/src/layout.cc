#include "layout.hh"

#include "database.hh"
#include "file_lock.hh"

#include <cinch/core/error.hh>

#include <array>
#include <cerrno>
#include <charconv>
#include <climits>
#include <cstdlib>
#include <memory>

#include <fcntl.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

namespace cinch::local {

namespace {

constexpr std::uint64_t schema_bytes_max = 64;
constexpr off_t reserved_bytes = off_t{8} << 20;
constexpr unsigned creation_wait_ms_max = 60'000;

std::string or_default(const std::string& given, std::string otherwise) {
  return given.empty() ? std::move(otherwise) : given;
}

void check_absolute(const std::string& name, const char* what) {
  if (name.starts_with('/') && name.find('\0') == name.npos) return;
  throw Error(Code::invalid_argument, std::string("the ") + what + " must be an absolute file name")
      .about(name);
}

// Objects are hashed and built under this name; a symlink on the way would make that name lie.
void refuse_symlinks(const std::string& full_name) {
  for (std::size_t end = full_name.find('/', 1);; end = full_name.find('/', end + 1)) {
    const std::string part = full_name.substr(0, end);
    struct stat status;
    if (::lstat(part.c_str(), &status) == 0 && S_ISLNK(status.st_mode)) {
      throw Error(Code::not_supported, "the store directory, or one above it, is a symlink")
          .about(part)
          .hint(
              "mount the other place there instead (mount --bind), or allow it: "
              "NIX_IGNORE_SYMLINK_STORE=1");
    }
    if (end == full_name.npos) return;
  }
}

// Empty if it is this user, or nobody knows.
std::string other_owner_of(const std::string& name) {
  struct stat status;
  if (name.empty() || ::stat(name.c_str(), &status) != 0 || status.st_uid == ::geteuid()) return {};
  struct passwd entry;
  struct passwd* found = nullptr;
  std::array<char, 4096> buffer;
  (void)::getpwuid_r(status.st_uid, &entry, buffer.data(), buffer.size(), &found);
  return found != nullptr ? "user '" + std::string(found->pw_name) + "'"
                          : "user " + std::to_string(status.st_uid);
}

// Room for the garbage collector to work in when the disk is full.
void reserve_space(const Directory& database) {
  const Descriptor file = database.open_file("reserved", O_RDWR | O_CREAT, 0600);
  struct stat status;
  if (::fstat(file.get(), &status) == 0 && status.st_size == reserved_bytes) return;
  // A small disk has no room to reserve; that is no reason to have no store.
  if (::posix_fallocate(file.get(), 0, reserved_bytes) != 0) (void)::ftruncate(file.get(), 0);
}

void make_if_missing(const Directory& state, const char* name) {
  if (::mkdirat(state.get(), name, 0755) != 0 && errno != EEXIST) {
    throw system_error(errno, "cannot create directory", state.name_of(name));
  }
}

void make_roots_directories(const Directory& state) {
  make_if_missing(state, "db");
  make_if_missing(state, "temproots");
  make_if_missing(state, "profiles");
  make_if_missing(state, "gcroots");
  const Directory gcroots = state.open_directory("gcroots");
  make_if_missing(gcroots, "auto");
  // Profiles are roots: the collector finds them through this link.
  if (::symlinkat(state.name_of("profiles").c_str(), gcroots.get(), "profiles") != 0 &&
      errno != EEXIST) {
    throw system_error(errno, "cannot create symlink", gcroots.name_of("profiles"));
  }
}

Descriptor lock_and_create(const Directory& state, const std::function<void()>& create_database) {
  const Directory database = state.open_directory("db");
  Descriptor lock = database.open_file("big-lock", O_RDWR | O_CREAT, 0600);
  const std::string lock_name = database.name_of("big-lock");
  lock_within(lock.get(), LockKind::shared, lock_name, creation_wait_ms_max);
  int schema = read_schema(database);
  if (schema == 0) {
    // Never from shared to exclusive in one go: two processes that try would wait for each other.
    unlock(lock.get(), lock_name);
    lock_within(lock.get(), LockKind::exclusive, lock_name, creation_wait_ms_max);
    schema = read_schema(database);
    if (schema == 0) {
      create_database();
      database.write_file("schema", std::to_string(database_schema), 0644);
      schema = database_schema;
    }
    lock_within(lock.get(), LockKind::shared, lock_name, creation_wait_ms_max);
  }
  check_schema(database, schema);
  if (!database.stat("db.sqlite")) {
    throw Error(Code::corrupt, "the store's database is gone, although its schema file is there")
        .about(database.name_of("db.sqlite"))
        .hint(database_remedy);
  }
  reserve_space(database);
  return lock;
}

std::string percent_encode(std::string_view text) {
  std::string encoded;
  for (const char character : text) {
    const bool plain = (character >= 'a' && character <= 'z') ||
                       (character >= 'A' && character <= 'Z') ||
                       (character >= '0' && character <= '9') ||
                       std::string_view("-._~/").find(character) != std::string_view::npos;
    if (plain) {
      encoded += character;
      continue;
    }
    constexpr std::string_view digits = "0123456789ABCDEF";
    const auto byte = static_cast<unsigned char>(character);
    encoded += '%';
    encoded += digits[byte >> 4];
    encoded += digits[byte & 15];
  }
  return encoded;
}

}  // namespace

Layout::Layout(const LocalStoreOptions& options)
    : store_dir(options.store_dir),
      root(options.root == "/" ? "" : options.root),
      real_dir(or_default(options.real_dir, root + store_dir.text())),
      state_dir(or_default(options.state_dir, root + "/nix/var/nix")),
      log_dir(or_default(options.log_dir, root + "/nix/var/log/nix")),
      build_dir(or_default(options.build_dir, state_dir + "/builds")) {
  if (!root.empty()) check_absolute(root, "root of the store");
  check_absolute(real_dir, "directory of the store's objects");
  check_absolute(state_dir, "state directory");
  check_absolute(log_dir, "log directory");
  check_absolute(build_dir, "build directory");
}

Directory open_existing(const std::string& full_name) try {
  return Directory::open(full_name);
} catch (Error& error) {
  if (error.code() == Code::not_found) {
    throw Error(error).hint("there is no store here; the first writing use creates one");
  }
  throw;
}

int read_schema(const Directory& database) {
  const std::optional<std::string> text = database.read_file("schema", schema_bytes_max);
  if (!text) return 0;
  int schema = 0;
  const std::from_chars_result result =
      std::from_chars(text->data(), text->data() + text->size(), schema);
  if (result.ec != std::errc() || schema < 0) {
    throw Error(Code::corrupt, "the schema file of the store's database holds no number")
        .about(database.name_of("schema"))
        .hint("if the database itself is whole, write its schema number (" +
              std::to_string(database_schema) +
              " for Nix 1.11 and later) into this file; else make it anew with 'cinch store "
              "rebuild-database'");
  }
  return schema;
}

void check_schema(const Directory& database, int schema) {
  if (schema == database_schema) return;
  const bool old = schema < database_schema;
  throw Error(Code::not_supported, "the store's database has schema " + std::to_string(schema) +
                                       ", and only schema " + std::to_string(database_schema) +
                                       " is supported")
      .about(database.name_of("schema"))
      .hint(old ? "open the store once with Nix 2.x, which migrates it"
                : "use a newer version of this program");
}

void check_store_directory(const Layout& layout, const LocalStoreOptions& options) {
  if (options.allow_symlinked_dir || layout.real_dir != layout.store_dir.text()) return;
  refuse_symlinks(layout.real_dir);
}

OpenDirectories open_directories(const Layout& layout, const LocalStoreOptions& options,
                                 const std::function<void()>& create_database) {
  check_store_directory(layout, options);
  if (options.read_only || !options.create) {
    OpenDirectories opened{open_existing(layout.real_dir), open_existing(layout.state_dir), {}};
    const Directory database = open_existing(opened.state.name_of("db"));
    const int schema = read_schema(database);
    if (schema == 0) {
      throw Error(Code::not_found, "there is no store database").about(layout.database_file());
    }
    check_schema(database, schema);
    if (options.read_only) return opened;
  }
  OpenDirectories opened{
      Directory::create(layout.real_dir, 0755), Directory::create(layout.state_dir, 0755), {}};
  make_roots_directories(opened.state);
  opened.big_lock = lock_and_create(opened.state, create_database);
  return opened;
}

Error with_hint(const Error& error) {
  if (!error.hint().empty()) return error;
  if (error.code() == Code::permission_denied) {
    const std::string owner = other_owner_of(error.subject());
    return Error(error).hint((owner.empty() ? "" : "it belongs to " + owner + ": ") +
                             "use the store's daemon, or a store of your own: "
                             "local?root=DIRECTORY; or only read: local?read-only=true");
  }
  if (error.code() == Code::read_only) {
    return Error(error).hint("the file system is read-only: open the store with read-only=true");
  }
  return error;
}

std::string url_of(const Layout& layout, bool read_only) {
  std::string parameters;
  const auto add = [&](std::string_view name, const std::string& value, const std::string& usual) {
    if (value == usual) return;
    parameters += parameters.empty() ? '?' : '&';
    parameters += name;
    parameters += '=';
    parameters += percent_encode(value);
  };
  add("root", layout.root, "");
  add("store", layout.store_dir.text(), StoreDir().text());
  add("real", layout.real_dir, layout.root + layout.store_dir.text());
  add("state", layout.state_dir, layout.root + "/nix/var/nix");
  add("log", layout.log_dir, layout.root + "/nix/var/log/nix");
  add("build-dir", layout.build_dir, layout.state_dir + "/builds");
  add("read-only", read_only ? "true" : "false", "false");
  return "local" + parameters;
}

std::string prepare_build_directory(const std::string& full_name) {
  const Directory made = Directory::create(full_name, 0700);
  struct Free {
    void operator()(char* text) const { std::free(text); }
  };
  const std::unique_ptr<char, Free> resolved(::realpath(full_name.c_str(), nullptr));
  if (!resolved) throw system_error(errno, "cannot resolve", full_name);
  std::string name = resolved.get();
  std::string real_name = name;
  for (;;) {
    struct stat status;
    if (::stat(name.c_str(), &status) != 0) throw system_error(errno, "cannot get status", name);
    const bool open_to_all = (status.st_mode & S_IWOTH) != 0;
    const bool guarded = (status.st_mode & S_ISVTX) != 0 && name != real_name;
    if (open_to_all && !guarded) {
      throw Error(Code::permission_denied,
                  "everybody may write to this directory, so builds in it or below are not safe")
          .about(name)
          .hint("choose another build-dir, or take the right away: chmod o-w " + name);
    }
    if (name == "/") return real_name;
    const std::size_t slash = name.rfind('/');
    name.resize(slash == 0 ? 1 : slash);
  }
}

}  // namespace cinch::local
