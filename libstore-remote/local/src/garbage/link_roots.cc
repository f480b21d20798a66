#include "link_roots.hh"

#include "../symlink_name.hh"

#include <cinch/core/error.hh>
#include <cinch/core/hash.hh>

#include <array>
#include <cerrno>
#include <climits>
#include <utility>

#include <dirent.h>
#include <unistd.h>

namespace cinch::local {

namespace {

// Directories of roots are no deeper than this; deeper ones are somebody's mistake, and refused so
// that none of their roots is overlooked.
constexpr std::size_t depth_max = 64;

// What is no symlink, or not for this user to see, is no root.
bool is_no_link(int error) {
  return error == ENOENT || error == ENOTDIR || error == EINVAL || error == EACCES ||
         error == ELOOP || error == ENAMETOOLONG;
}

// Nothing if there is no such symlink; `gone` says whether there is nothing at all. A disk that
// fails must not cost anybody a root.
std::optional<std::string> read_link(const std::string& name, bool& gone) {
  std::array<char, PATH_MAX> target;
  const ssize_t size = ::readlink(name.c_str(), target.data(), target.size());
  if (size < 0 && !is_no_link(errno)) throw system_error(errno, "cannot read the root", name);
  gone = size < 0 && (errno == ENOENT || errno == ENOTDIR);
  if (size < 0) return std::nullopt;
  return std::string(target.data(), static_cast<std::size_t>(size));
}

class Finder {
 public:
  Finder(const StoreDir& store_dir, LinkRoots& found) : store_dir_(store_dir), found_(found) {}

  void visit(const Directory& directory, bool automatic, std::size_t depth) {
    if (depth > depth_max) {
      throw Error(Code::limit_exceeded, "directories of roots are nested too deep")
          .about(directory.name());
    }
    for (const DirectoryEntry& entry : directory.list()) {
      if (entry.type == DT_DIR) {
        visit_directory(directory, entry.name, depth);
      } else if (entry.type == DT_LNK) {
        visit_link(directory, entry.name, automatic);
      } else if (entry.type == DT_REG) {
        add(directory.name_of(entry.name), store_dir_.text() + "/" + entry.name);
      }
    }
  }

 private:
  void visit_directory(const Directory& parent, const std::string& name, std::size_t depth) {
    const auto open = [&]() -> std::optional<Directory> {
      try {
        return parent.open_directory(name);
      } catch (const Error& error) {
        if (error.code() == Code::permission_denied || error.code() == Code::not_found) {
          return std::nullopt;
        }
        throw;
      }
    };
    if (const auto directory = open()) visit(*directory, depth == 0 && name == "auto", depth + 1);
  }

  void visit_link(const Directory& directory, const std::string& name, bool automatic) {
    const std::string full_name = directory.name_of(name);
    bool gone = false;
    const std::optional<std::string> target = read_link(full_name, gone);
    if (!target || add(full_name, *target)) return;
    // A link to a link: that one is the root.
    const std::string link = target->starts_with('/') ? *target : directory.name_of(*target);
    const std::optional<std::string> second = read_link(link, gone);
    if (second) {
      if (!add(link, *second)) found_.dangling.push_back({link, *second});
    } else if (gone && automatic) {
      found_.stale_entries.push_back(name);
      found_.stale_links.push_back(link);
    } else if (gone) {
      found_.dangling.push_back({full_name, *target});
    }
  }

  bool add(std::string link, const std::string& target) {
    const std::optional<StorePath> path = store_dir_.containing(target);
    if (path) found_.roots.push_back({std::move(link), *path});
    return path.has_value();
  }

  const StoreDir& store_dir_;
  LinkRoots& found_;
};

}  // namespace

LinkRoots find_link_roots(const Directory& state, const StoreDir& store_dir) {
  LinkRoots found;
  for (const char* name : {"gcroots", "profiles"}) {
    if (state.stat(name)) Finder(store_dir, found).visit(state.open_directory(name), false, 0);
  }
  return found;
}

void remove_stale_roots(const Directory& state, const LinkRoots& found) {
  if (found.stale_entries.empty()) return;
  const Directory automatic = state.open_directory("gcroots").open_directory("auto");
  for (std::size_t i = 0; i < found.stale_entries.size(); ++i) {
    bool gone = false;
    (void)read_link(found.stale_links[i], gone);
    if (gone) automatic.unlink(found.stale_entries[i]);  // it may have been made again since
  }
}

std::optional<StorePath> find_target(const StoreDir& store_dir, const std::string& link) {
  bool gone = false;
  const std::optional<std::string> target = read_link(link, gone);
  return target ? store_dir.containing(*target) : std::nullopt;
}

void ensure_automatic_root(const Directory& state, const std::string& link) {
  const std::string entry =
      hash_bytes(HashAlgorithm::sha1, as_bytes(link)).digest_text(HashFormat::nix32);
  const Directory roots = state.open_directory("gcroots");
  const Directory automatic =
      roots.stat("auto") ? roots.open_directory("auto") : roots.make_directory("auto", 0755);
  if (const auto status = automatic.stat(entry)) {
    if (S_ISLNK(status->st_mode) && automatic.read_symlink(entry) == link) return;
  }
  replace_symlink(automatic, entry, link);
}

}  // namespace cinch::local
