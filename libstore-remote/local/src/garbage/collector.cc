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
// whoever names one of the paths as a root. The first are few, so that removing begins early; each
// batch is twice as large as the one before.
constexpr std::size_t first_batch_paths_max = 512;
constexpr std::size_t batch_paths_max = 32'768;
constexpr std::uint64_t batch_bytes_max = std::uint64_t{1} << 30;
// One at a time: an object may be large. Where a file system tells the disk of each block that gets
// free, threads wait for that.
constexpr PiecesOptions removing = {.piece_max = 1, .threads_max = 16, .wait_for_disk = true};

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
      roots_(std::async(std::launch::async, [&place] { return find_roots(place); })),
      graph_(place.database.read_graph()),
      liveness_(graph_, options.only ? LivenessOptions{false, false} : options.liveness) {
  mark_roots();
}

// Temporary roots first: whoever had one before this process took the lock, and made a link of it
// since, is then found by one of the two.
Collector::Roots Collector::find_roots(const CollectorPlace& place) {
  std::vector<GarbageRoot> temporary = read_temporary_roots(place.state, place.store_dir);
  return {std::move(temporary), find_lasting_roots(place.state, place.store_dir, place.real_dir)};
}

void Collector::mark_roots() {
  const Roots found = roots_.get();
  for (const GarbageRoot& root : found.temporary) mark_hash_part(root.path.hash_part());
  if (!options_.dry_run) remove_stale_roots(place_.state, found.lasting);
  if (options_.only && options_.ignore_liveness) return;
  for (const GarbageRoot& root : found.lasting.roots) {
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

// While the files of one batch are removed, the next leaves the database; unless what the first
// frees says how large the next must be.
void Collector::delete_paths(const std::vector<Node>& order) {
  const bool is_limited = options_.bytes_max != GarbageOptions().bytes_max;
  std::size_t paths_max = first_batch_paths_max;
  Batch current;
  for (std::size_t at = 0; at < order.size();) {
    check_cancelled(stop_);
    if (is_limited) finish(current);
    if (done_.bytes_freed >= options_.bytes_max) break;
    const std::size_t end = batch_end(order, at, paths_max);
    Batch next = take_from_database(std::span(order).subspan(at, end - at));
    finish(current);
    current = std::move(next);
    current.removed = std::async(std::launch::async,
                                 [this, &names = current.names] { return remove_trees(names); });
    paths_max = std::min(2 * paths_max, batch_paths_max);
    at = end;
  }
  if (current.removed.valid()) place_.database.checkpoint();
  finish(current);
}

// No more than it seems to take to free as much as is wanted.
std::size_t Collector::batch_end(const std::vector<Node>& order, std::size_t at,
                                 std::size_t paths_max) const {
  const std::uint64_t bytes_max = std::min(batch_bytes_max, options_.bytes_max - done_.bytes_freed);
  std::size_t end = at;
  for (std::uint64_t bytes = 0; end < order.size() && end - at < paths_max && bytes < bytes_max;) {
    bytes += graph_.nar_size(order[end++]);
  }
  return end > together_from_ ? order.size() : end;
}

// Takes from the database what may still go.
Collector::Batch Collector::take_from_database(std::span<const Node> some) {
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
  Batch batch{.paths = some.size(), .names = {}, .removed = {}};
  std::vector<std::string> staying;
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    (gone[i] ? batch.names : staying).push_back(graph_.base_name(wanted[i]));
  }
  forget_in_progress(staying);
  const std::lock_guard lock(mutex_);
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    // Something that was added meanwhile refers to it.
    if (!gone[i]) liveness_.mark(wanted[i]);
  }
  return batch;
}

void Collector::finish(Batch& batch) {
  if (!batch.removed.valid()) return;
  for (const RemovedTree& removed : batch.removed.get()) count(removed);
  for (const std::string& name : batch.names) report_.paths.push_back(StorePath::parse(name));
  done_.paths_done += batch.paths;
  tell();
}

void Collector::forget_in_progress(std::span<const std::string> names) {
  const std::lock_guard lock(mutex_);
  for (const std::string& name : names) {
    const auto entry = in_progress_.find(name.substr(0, store_path_hash_part_length));
    if (entry != in_progress_.end()) in_progress_.erase(entry);
  }
}

// Whoever waits for one of them need not wait for the others.
std::vector<RemovedTree> Collector::remove_trees(const std::vector<std::string>& names) {
  std::vector<RemovedTree> removed(names.size());
  run_parallel_pieces(names.size(), removing, [&](std::size_t begin, std::size_t end) {
    for (std::size_t at = begin; at < end; ++at) {
      removed[at] = place_.objects.remove_tree(names[at]);
      forget_in_progress({&names[at], 1});
    }
  });
  return removed;
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
