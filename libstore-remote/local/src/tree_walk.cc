#include "tree_walk.hh"

#include <cinch/core/cancellation.hh>
#include <cinch/core/error.hh>
#include <cinch/core/nar.hh>

#include <optional>
#include <utility>
#include <vector>

namespace cinch::local {

namespace {

struct Level {
  std::shared_ptr<const Directory> directory;
  std::vector<std::string> rest;  // backwards
};

}  // namespace

void walk_tree(const Directory& parent, const std::string& name,
               const std::function<void(const TreeEntry&)>& visit, const std::stop_token& stop) {
  const std::shared_ptr<const Directory> lent(std::shared_ptr<const Directory>(), &parent);
  std::vector<Level> levels;
  levels.push_back({lent, {name}});
  while (!levels.empty()) {
    check_cancelled(stop);
    if (levels.back().rest.empty()) {
      levels.pop_back();
      continue;
    }
    const std::string entry = std::move(levels.back().rest.back());
    levels.back().rest.pop_back();
    const std::shared_ptr<const Directory> directory = levels.back().directory;
    const std::optional<struct stat> status = directory->stat(entry);
    if (!status)
      throw Error(Code::not_found, "there is no such file").about(directory->name_of(entry));
    visit({directory, entry, *status});
    if (!S_ISDIR(status->st_mode)) continue;
    if (levels.size() > nar_depth_max) {
      throw Error(Code::limit_exceeded, "more than " + std::to_string(nar_depth_max) +
                                            " directories lie inside each other")
          .about(directory->name_of(entry));
    }
    auto inner = std::make_shared<const Directory>(directory->open_directory(entry));
    std::vector<std::string> names;
    std::vector<DirectoryEntry> entries = inner->list();
    for (auto one = entries.rbegin(); one != entries.rend(); ++one) {
      names.push_back(std::move(one->name));
    }
    levels.push_back({std::move(inner), std::move(names)});
  }
}

}  // namespace cinch::local
