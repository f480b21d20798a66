#include "symlink_name.hh"

#include <cinch/core/error.hh>
#include <cinch/files/directory.hh>
#include <cinch/local/permanent_root.hh>

#include <sys/stat.h>
#include <unistd.h>

namespace cinch {

namespace {

constexpr mode_t directory_mode = 0777;  // less the umask

bool lies_below(const std::string& name, const std::string& directory) {
  return name.starts_with(directory + "/");
}

void check_outside(Store& store, const local::SymlinkName& link, const StorePath& path) {
  bool inside = lies_below(link.full_name, store.store_dir().text());
  if (const auto* objects = capability<BuildStore>(store)) {
    const std::string real = objects->real_path(path);
    inside = inside || lies_below(link.full_name, real.substr(0, real.rfind('/')));
  }
  if (!inside) return;
  throw Error(Code::invalid_argument, "a root must lie outside the store")
      .about(link.full_name)
      .hint("work in another directory, or name another one for the link");
}

// Whether there is nothing yet.
bool check_replaceable(const Store& store, const Directory& directory, const std::string& name) {
  const std::optional<struct stat> status = directory.stat(name);
  if (!status) return true;
  const std::string inside = store.store_dir().text() + "/";
  if (S_ISLNK(status->st_mode) && directory.read_symlink(name).starts_with(inside)) {
    return false;
  }
  throw Error(Code::invalid_argument, "cannot make the link: something else is there")
      .about(directory.name_of(name))
      .hint("remove it, or choose another name for the link");
}

}  // namespace

std::string add_permanent_root(Store& store, const std::string& link, const StorePath& path) {
  const local::SymlinkName name = local::parse_symlink_name(link);
  check_outside(store, name, path);
  RootStore& roots = require_capability<RootStore>(store, "keep roots");
  // First protected, then looked for: a collector may be running.
  store.add_temporary_roots({&path, 1});
  if (!store.is_valid(path)) {
    throw Error(Code::not_found, "path '" + store.store_dir().print(path) + "' is not valid");
  }
  const Directory directory = Directory::create(name.directory, directory_mode);
  const bool is_new = check_replaceable(store, directory, name.base_name);
  local::replace_symlink(directory, name.base_name, store.store_dir().print(path));
  try {
    roots.add_indirect_root(name.full_name);
  } catch (const Error&) {
    if (is_new) directory.unlink(name.base_name);  // it keeps nothing alive
    throw;
  }
  return name.full_name;
}

}  // namespace cinch
