// The parts of a collection that are not about valid paths.
#include "collector.hh"

#include <cinch/core/cancellation.hh>
#include <cinch/core/error.hh>

#include <algorithm>
#include <iterator>

#include <dirent.h>
#include <sys/file.h>
#include <sys/stat.h>

namespace cinch::local {

namespace {

constexpr const char* links_name = ".links";
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
  for (DirectoryEntry& entry : place_.objects.list()) {
    if (entry.name == links_name || graph_.find(entry.name)) continue;
    const auto path = place_.store_dir.containing(place_.store_dir.text() + "/" + entry.name);
    if (path) {
      if (!options_.only || options_.only->contains(*path)) paths.insert(*path);
    } else if (!options_.only) {
      const bool is_temporary = entry.type == DT_DIR && entry.name.starts_with("tmp-");
      if (!is_temporary) report_.foreign.push_back(std::move(entry.name));
      if (is_temporary && is_abandoned(place_.objects, entry.name)) {
        temporary.push_back(std::move(entry.name));
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
    if (!options_.dry_run) {
      for (const std::uint64_t bytes : remove_trees(batch)) done_.bytes_freed += bytes;
    }
    end_batch();
    report_.left_overs.insert(report_.left_overs.end(), batch.begin(), batch.end());
    tell();
  }
}

// Files of one content share one inode, which has a name in `.links`, too. When that is the last
// one, nobody uses it any more.
void Collector::delete_unused_links() {
  if (!place_.objects.stat(links_name)) return;
  const Directory links = place_.objects.open_directory(links_name);
  for (const DirectoryEntry& entry : links.list()) {
    check_cancelled(stop_);
    const auto status = links.stat(entry.name);
    if (!status || status->st_nlink != 1) continue;
    links.unlink(entry.name);
    constexpr std::uint64_t stat_block_bytes = 512;
    done_.bytes_freed += static_cast<std::uint64_t>(status->st_blocks) * stat_block_bytes;
  }
}

}  // namespace cinch::local
