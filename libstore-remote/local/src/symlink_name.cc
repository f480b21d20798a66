#include "symlink_name.hh"

#include <cinch/core/error.hh>

#include <vector>

#include <unistd.h>

namespace cinch::local {

SymlinkName parse_symlink_name(const std::string& name) {
  if (!name.starts_with('/') || name.find('\0') != std::string::npos) {
    throw Error(Code::invalid_argument, "the name of a link must be an absolute file name")
        .about(name);
  }
  std::vector<std::string> components;
  for (std::size_t start = 1; start < name.size();) {
    const std::size_t end = std::min(name.find('/', start), name.size());
    const std::string component = name.substr(start, end - start);
    if (component == "..") {
      if (!components.empty()) components.pop_back();
    } else if (!component.empty() && component != ".") {
      components.push_back(component);
    }
    start = end + 1;
  }
  if (components.empty()) {
    throw Error(Code::invalid_argument, "the name of a link must be that of a file").about(name);
  }
  SymlinkName parsed;
  parsed.base_name = components.back();
  components.pop_back();
  for (const std::string& component : components) parsed.directory += "/" + component;
  parsed.full_name = parsed.directory + "/" + parsed.base_name;
  if (parsed.directory.empty()) parsed.directory = "/";
  return parsed;
}

void replace_symlink(const Directory& directory, const std::string& base_name,
                     const std::string& target) {
  // Of this thread alone: another one may be making the same link.
  const std::string temporary = base_name + ".tmp-" + std::to_string(::gettid());
  if (directory.stat(temporary)) directory.unlink(temporary);
  directory.make_symlink(target, temporary);
  directory.rename(temporary, directory, base_name);
}

}  // namespace cinch::local
