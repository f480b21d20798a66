#include "out_links.hh"

#include <cinch/core/error.hh>
#include <cinch/files/directory.hh>

#include <filesystem>

#include <unistd.h>

namespace cinch::cli {

namespace {

std::filesystem::path absolute_name(const std::string& link) {
  return std::filesystem::absolute(link).lexically_normal();
}

// Whether the name is free, or holds a link into the store.
bool may_replace(const Store& store, const Directory& directory, const std::string& name) {
  const std::optional<struct stat> status = directory.stat(name);
  if (!status) return true;
  return S_ISLNK(status->st_mode) &&
         store.store_dir().containing(directory.read_symlink(name)).has_value();
}

}  // namespace

void make_out_link(Store& store, const std::string& link, const StorePath& target) {
  const std::filesystem::path absolute = absolute_name(link);
  const Directory directory = Directory::open(absolute.parent_path().string());
  const std::string name = absolute.filename().string();
  if (!may_replace(store, directory, name)) {
    throw Error(Code::invalid_argument, "cannot make the link: something else is there")
        .about(absolute.string())
        .hint("remove it, or choose another name with --out-link, or none with --no-link");
  }
  // Made beside its place and renamed over it, so that the name never points nowhere.
  const std::string fresh = name + ".tmp-" + std::to_string(getpid());
  if (directory.stat(fresh)) directory.unlink(fresh);
  directory.make_symlink(store.store_dir().print(target), fresh);
  directory.rename(fresh, directory, name);
  if (auto* roots = capability<RootStore>(store)) roots->add_indirect_root(absolute.string());
}

std::string out_link_name(const std::string& link, std::size_t position,
                          const std::string& output) {
  std::string name = link;
  if (position > 0) name += "-" + std::to_string(position);
  if (output != "out") name += "-" + output;
  return name;
}

}  // namespace cinch::cli
