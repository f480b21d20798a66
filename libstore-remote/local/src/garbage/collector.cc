#include "collector.hh"

#include "../temporary_roots.hh"
#include "collection_rate.hh"
#include "lasting_roots.hh"
#include "unused_links.hh"

#include <cinch/core/cancellation.hh>
#include <cinch/core/error.hh>
#include <cinch/files/parallel.hh>

#include <algorithm>
#include <utility>

namespace cinch::local {

namespace {

// As many paths leave the database in one transaction, and are then removed from disk. The more,
// the fewer times a page of the database is written; but other writers wait meanwhile, and so may
// whoever names one of the paths as a root.
constexpr std::size_t batch_paths_max = 32'768;
constexpr std::uint64_t batch_bytes_max = std::uint64_t{1} << 30;
constexpr unsigned threads_max = 4;  // a directory's changes wait for each other beyond that

std::future<std::vector<DirectoryEntry>> begin_listing(const Directory& objects) {
  return std::async(std::launch::async, [&objects] { return objects.list(); });
}

}  // namespace

Collector::Collector(const CollectorPlace& place, const GarbageOptions& options,
                     const CollectorProgress& progress, std::stop_token stop)
    : place_(place),
      options_(options),
      progress_(progress),
      stop_(std::move(stop)),
      listing_(options.dry_run ? begin_listing(place.objects)
                               : std::future<std::vector<DirectoryEntry>>()),
      graph_(place.database.read_graph()),
      liveness_(graph_, options.only ? LivenessOptions{false, false} : options.liveness) {
  mark_roots();
}

// Temporary roots first: whoever had one before this process took the lock, and made a link of it
// since, is then found by one of the two.
void Collector::mark_roots() {
  for (const GarbageRoot& root : read_temporary_roots(place_.state, place_.store_dir)) {
    mark_hash_part(root.path.hash_part());
  }
  const LinkRoots found = find_lasting_roots(place_.state, place_.store_dir, place_.real_dir);
  if (!options_.dry_run) remove_stale_roots(place_.state, found);
  if (options_.only && options_.ignore_liveness) return;
  for (const GarbageRoot& root : found.roots) {
    if (const auto node = graph_.find(root.path.base_name())) liveness_.mark(*node);
  }
}

// Temporary roots hold by their hash part alone, so that lock files and staging directories of the
// same path are safe, too.
void Collector::mark_hash_part(std::string_view hash_part) {
  protected_.emplace(hash_part);
  for (const GraphRows::Path& row : graph_.with_hash_part(hash_part)) {
    liveness_.mark(graph_.node_of(row));
  }
}

bool Collector::protect(const StorePath& path) {
  const std::lock_guard lock(mutex_);
  mark_hash_part(path.hash_part());
  return !in_progress_.contains(std::string(path.hash_part()));
}

GarbageReport Collector::run() {
  const std::vector<Node> order = choose();
  done_.paths_expected = order.size();
  if (options_.dry_run) {
    plan(order);
    delete_left_overs();
    forecast();
    return std::move(report_);
  }
  const Clock::time_point begin = Clock::now();
  delete_paths(order);
  delete_left_overs();
  done_.bytes_freed += delete_unused_links(place_.objects, stop_);
  report_.bytes = done_.bytes_freed;
  tell();
  remember_collection(place_.own_database, files_removed_, since(begin));
  return std::move(report_);
}

// What is taken until enough seems to be free goes by the sizes of NARs, as in delete_paths().
void Collector::plan(const std::vector<Node>& order) {
  for (const Node node : order) {
    if (done_.bytes_freed >= options_.bytes_max) break;
    report_.paths.push_back(StorePath::parse(graph_.base_name(node)));
    planned_.push_back({graph_.base_name(node), graph_.nar_size(node)});
    done_.bytes_freed += graph_.nar_size(node);
  }
}

void Collector::delete_paths(const std::vector<Node>& order) {
  for (std::size_t at = 0; at < order.size() && done_.bytes_freed < options_.bytes_max;) {
    check_cancelled(stop_);
    // No more than it seems to take to free as much as is wanted.
    const std::uint64_t bytes_max =
        std::min(batch_bytes_max, options_.bytes_max - done_.bytes_freed);
    std::size_t end = at;
    for (std::uint64_t bytes = 0;
         end < order.size() && end - at < batch_paths_max && bytes < bytes_max;) {
      bytes += graph_.nar_size(order[end++]);
    }
    if (end > together_from_) end = order.size();
    const std::vector<Node> batch = begin_batch(std::span(order).subspan(at, end - at));
    std::vector<std::string> names;
    for (const Node node : batch) names.push_back(graph_.base_name(node));
    const std::vector<RemovedTree> removed = remove_trees(names);
    for (std::size_t i = 0; i < batch.size(); ++i) {
      report_.paths.push_back(StorePath::parse(names[i]));
      count(removed[i]);
    }
    done_.paths_done += end - at;
    at = end;
    end_batch();
    tell();
  }
}

// Takes from the database what may still go.
std::vector<Node> Collector::begin_batch(std::span<const Node> some) {
  std::vector<Node> wanted;
  {
    const std::lock_guard lock(mutex_);
    for (const Node node : some) {
      if (liveness_.is_alive(node)) continue;
      wanted.push_back(node);
      in_progress_.emplace(graph_.hash_part(node));
    }
  }
  std::vector<std::int64_t> ids;
  for (const Node node : wanted) ids.push_back(graph_.id(node));
  const std::vector<bool> gone = place_.database.invalidate(ids);
  std::vector<Node> batch;
  const std::lock_guard lock(mutex_);
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    if (gone[i]) {
      batch.push_back(wanted[i]);
    } else {
      // Something that was added meanwhile refers to it.
      liveness_.mark(wanted[i]);
    }
  }
  return batch;
}

void Collector::end_batch() {
  const std::lock_guard lock(mutex_);
  in_progress_.clear();
}

std::vector<RemovedTree> Collector::remove_trees(std::span<const std::string> names) try {
  std::vector<RemovedTree> removed(names.size());
  run_parallel(names.size(), threads_max, [&](std::size_t at) {
    removed[at] = place_.objects.remove_tree(names[at]);
    // Whoever waits for this one need not wait for the others.
    const std::lock_guard lock(mutex_);
    const auto entry = in_progress_.find(names[at].substr(0, store_path_hash_part_length));
    if (entry != in_progress_.end()) in_progress_.erase(entry);
  });
  return removed;
} catch (const Error&) {
  end_batch();
  throw;
}

void Collector::count(const RemovedTree& removed) {
  files_removed_ += removed.entries;
  done_.bytes_freed += removed.bytes;
}

// The collection will do again what was done until now, and then remove files.
void Collector::forecast() {
  const std::chrono::milliseconds until_now = since(started_);
  const SpaceSurvey survey =
      survey_space(place_.objects, std::move(planned_), options_.survey_time_max, stop_);
  const CollectionSpeed speed = find_collection_speed(place_.own_database);
  const double removing_ms = static_cast<double>(survey.files) * 1000 / speed.files_per_second;
  report_.bytes = survey.bytes;
  report_.forecast = GarbageForecast{
      .files = survey.files,
      .files_seen = survey.files_seen,
      .estimated = survey.estimated,
      .duration = until_now + std::chrono::milliseconds(static_cast<std::int64_t>(removing_ms)),
      .duration_measured = speed.measured};
}

std::chrono::milliseconds Collector::since(Clock::time_point start) const {
  return std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - start);
}

void Collector::tell() {
  if (progress_) progress_(done_);
}

}  // namespace cinch::local
