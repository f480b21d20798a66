// Copies between two local stores: files to files, no NAR between them. Why contents are hashed
// although both ends have them registered: docs/decisions/0005-copies-are-hashed.md.
#include "ingest.hh"
#include "path_lock.hh"
#include "state.hh"

#include <cinch/core/cancellation.hh>
#include <cinch/core/error.hh>
#include <cinch/core/hash.hh>
#include <cinch/core/nar.hh>
#include <cinch/files/copy_tree.hh>
#include <cinch/files/parallel.hh>

#include <algorithm>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

namespace cinch {

namespace {

// What is registered together. Each object holds two descriptors and a lock until then, and what is
// not registered is lost if the copy is interrupted.
constexpr std::size_t batch_objects_max = 128;
constexpr std::uint64_t batch_bytes_max = std::uint64_t{1} << 30;
// Disks and memory have enough of that many.
constexpr unsigned threads_max = 8;

// Tells how far a copy is, one thread at a time.
class Reporter {
 public:
  Reporter(const std::function<void(const CopyProgress&)>& report, const CopyProgress& start)
      : report_(report), progress_(start) {}
  void add(std::uint64_t paths, std::uint64_t bytes) {
    if (!report_) return;
    const std::lock_guard lock(mutex_);
    progress_.paths_done += paths;
    progress_.bytes_done += bytes;
    report_(progress_);
  }

 private:
  const std::function<void(const CopyProgress&)>& report_;
  std::mutex mutex_;
  CopyProgress progress_;
};

}  // namespace

// One copy from one store to another.
struct LocalStore::Copy {
  State& to;
  const Directory& from;
  Reporter reporter;
  const std::stop_token& stop;

  void run(std::span<const PathInfo> objects);
  void run_batch(std::span<const PathInfo> batch);
  void copy_object(const PathInfo& info, const local::StagingDirectory& staged);
};

void LocalStore::Copy::run(std::span<const PathInfo> objects) {
  while (!objects.empty()) {
    check_cancelled(stop);
    std::size_t count = 0;
    for (std::uint64_t bytes = 0; count < std::min(objects.size(), batch_objects_max); ++count) {
      bytes += objects[count].nar_size;
      if (count > 0 && bytes > batch_bytes_max) break;
    }
    run_batch(objects.first(count));
    objects = objects.subspan(count);
  }
}

void LocalStore::Copy::run_batch(std::span<const PathInfo> batch) {
  StorePathSet paths;
  for (const PathInfo& info : batch) paths.insert(info.path);
  // All locks at once, in a fixed order, and never more of them: two processes that copy the same
  // objects wait for each other, but not both.
  const auto lock = local::lock_paths(to.objects(), paths, stop, {});
  const StorePathSet valid = to.database.find_valid(paths);
  struct Item {
    const PathInfo* info;
    std::unique_ptr<local::StagingDirectory> staged;
  };
  std::vector<Item> items;
  for (const PathInfo& info : batch) {
    if (valid.contains(info.path)) continue;
    items.push_back({&info, std::make_unique<local::StagingDirectory>(to.staging)});
  }
  // The largest first, so that no thread is left with much to do when the others have ended.
  std::vector<std::size_t> order(items.size());
  for (std::size_t at = 0; at < order.size(); ++at) order[at] = at;
  std::ranges::stable_sort(order, std::ranges::greater(),
                           [&](std::size_t at) { return items[at].info->nar_size; });
  run_parallel(order.size(), threads_max, [&](std::size_t at) {
    const Item& item = items[order[at]];
    copy_object(*item.info, *item.staged);
  });
  std::vector<State::Publication> publications;
  for (const Item& item : items) {
    publications.push_back({*item.info, [&item] { item.staged->publish(item.info->path); }});
  }
  to.publish_and_register(publications);
}

void LocalStore::Copy::copy_object(const PathInfo& info,
                                   const local::StagingDirectory& staged) try {
  Hasher hasher(HashAlgorithm::sha256);
  std::optional<local::ContentAddressCheck> check;
  if (local::needs_content_check(info)) {
    check.emplace(*info.content_address, info.path, info.references.contains(info.path));
  }
  TeeSink both(hasher, check ? static_cast<Sink&>(*check) : hasher);
  NarWriter nar(check ? static_cast<Sink&>(both) : hasher);
  TreeWriter tree(staged.directory(), staged.object_name, to.write_options());
  std::uint64_t reported_bytes = 0;
  const auto on_contents = [&](std::uint64_t bytes) {
    reported_bytes += bytes;
    reporter.add(0, bytes);
  };
  copy_tree(from, info.path.base_name(), tree, nar, {.on_contents = on_contents, .stop = stop});
  nar.finish();
  if (check) check->finish();
  const std::uint64_t nar_size = hasher.size_bytes();
  local::check_hash(info, hasher.finish(), nar_size);
  reporter.add(1, nar_size - reported_bytes);
} catch (Error& error) {
  error.add_context("copying '" + to.layout.store_dir.print(info.path) + "'");
  throw;
}

bool LocalStore::copy_directly(Store& from, std::span<const PathInfo> objects,
                               const CopyOptions& options, const CopyProgress& start,
                               std::stop_token stop) {
  auto* source = dynamic_cast<LocalStore*>(&from);
  if (source == nullptr) return false;
  prepare_to_add();
  // Whatever is refused is refused before anything is copied.
  for (const PathInfo& info : objects) {
    try {
      local::check_claim(info, store_dir(), options.policy, state_->options);
    } catch (Error& error) {
      error.set_subject_if_empty(store_dir().print(info.path));
      throw;
    }
  }
  Copy copy{.to = *state_,
            .from = source->state_->objects(),
            .reporter = Reporter(options.progress, start),
            .stop = stop};
  copy.run(objects);
  return true;
}

}  // namespace cinch
