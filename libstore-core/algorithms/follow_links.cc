#include <cinch/core/error.hh>
#include <cinch/core/store_path.hh>

#include <vector>

namespace cinch {

namespace {

// The path without ".", ".." and empty components, by its text alone.
std::string normalise(std::string_view path) {
  std::vector<std::string_view> components;
  while (!path.empty()) {
    path.remove_prefix(1);
    const std::string_view component = path.substr(0, path.find('/'));
    path.remove_prefix(component.size());
    if (component.empty() || component == ".") continue;
    if (component == "..") {
      if (!components.empty()) components.pop_back();
    } else {
      components.push_back(component);
    }
  }
  std::string text;
  for (const std::string_view component : components) text.append("/").append(component);
  return text.empty() ? "/" : text;
}

}  // namespace

std::string follow_links_to_store(const StoreDir& store_dir, std::string_view path,
                                  const ReadLink& read_link) {
  if (!path.starts_with('/')) {
    throw Error(Code::invalid_argument, "the path is not absolute").about(std::string(path));
  }
  std::string place = normalise(path);
  for (int links = 0; !store_dir.find_place(place); ++links) {
    const std::optional<std::string> target = read_link(place);
    if (!target) {
      throw Error(Code::invalid_argument,
                  "the path does not lead into the store '" + store_dir.text() + "'")
          .about(std::string(path));
    }
    if (links == store_links_max) {
      throw Error(Code::limit_exceeded, "the path leads through more than 40 symlinks")
          .about(std::string(path));
    }
    const bool is_absolute = target->starts_with('/');
    place = normalise(is_absolute ? *target : place.substr(0, place.rfind('/')) + "/" + *target);
  }
  return place;
}

}  // namespace cinch
