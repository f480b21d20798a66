// The parts of a collection that are not about valid paths.
#include "../optimise/file_linker.hh"
#include "collector.hh"
#include "unused_links.hh"

#include <cinch/core/cancellation.hh>
#include <cinch/core/error.hh>

#include <algorithm>
#include <iterator>

#include <dirent.h>
#include <sys/file.h>
#include <sys/stat.h>

namespace cinch::local {

namespace {

constexpr std::size_t batch_max = 256;

// Whether the process that made a directory called "tmp-<pid>-<n>" is gone: it holds a lock on it.
bool is_abandoned(const Directory& objects, const std::string& name) {
  try {
    const Directory directory = objects.open_directory(name);
    return ::flock(directory.get(), LOCK_EX | LOCK_NB) == 0;
  } catch (const Error&) {
    return false;
  }
}

}  // namespace

// What lies in the store directory and is not valid, as far as nobody is at work on it.
std::vector<std::string> Collector::find_left_overs() {
  StorePathSet paths;
  std::vector<std::string> temporary;
  Node node = 0;  // the first whose name is not before that of the entry
  for (DirectoryEntry& entry : listing_.valid() ? listing_.get() : place_.objects.list()) {
    while (node < graph_.size() && graph_.base_name(node) < entry.name) ++node;
    const bool is_known = node < graph_.size() && graph_.base_name(node) == entry.name;
    if (entry.name == links_name || is_known) continue;
    if (options_.dry_run && !place_.objects.stat(entry.name)) continue;  // gone by now
    const auto path = place_.store_dir.containing(place_.store_dir.text() + "/" + entry.name);
    if (path) {
      if (!options_.only || options_.only->contains(*path)) paths.insert(*path);
    } else if (!options_.only) {
      const bool is_temporary = entry.type == DT_DIR && entry.name.starts_with("tmp-");
      const bool is_link = entry.type != DT_DIR && entry.name.starts_with(temporary_link_prefix);
      if (is_temporary ? is_abandoned(place_.objects, entry.name)
                       : is_link && is_abandoned_link(place_.objects, entry.name)) {
        temporary.push_back(std::move(entry.name));
      } else if (!is_temporary && !is_link) {
        report_.foreign.push_back(std::move(entry.name));
      }
    }
  }
  // Some may have become valid since the graph was read.
  const StorePathSet valid = place_.database.find_valid(paths);
  std::vector<std::string> names;
  for (const StorePath& path : paths) {
    if (!valid.contains(path)) names.push_back(path.base_name());
  }
  std::ranges::move(temporary, std::back_inserter(names));
  return names;
}

void Collector::delete_left_overs() {
  const std::vector<std::string> names = find_left_overs();
  for (std::size_t at = 0; at < names.size() && done_.bytes_freed < options_.bytes_max;) {
    check_cancelled(stop_);
    const std::size_t end = std::min(names.size(), at + batch_max);
    std::vector<std::string> batch;
    {
      const std::lock_guard lock(mutex_);
      for (; at < end; ++at) {
        const std::string hash_part = names[at].substr(0, store_path_hash_part_length);
        if (protected_.contains(hash_part)) continue;
        in_progress_.insert(hash_part);
        batch.push_back(names[at]);
      }
    }
    if (options_.dry_run) {
      for (const std::string& name : batch) planned_.push_back({name, 0});
      forget_in_progress(batch);
    } else {
      for (const RemovedTree& removed : remove_trees(batch)) count(removed);
    }
    report_.left_overs.insert(report_.left_overs.end(), batch.begin(), batch.end());
    tell();
  }
}

}  // namespace cinch::local
