// Files of the same content in different objects become one. docs/formats/local-store.md, "Links".
#include "optimise/optimiser.hh"
#include "state.hh"

#include <cinch/core/cancellation.hh>
#include <cinch/core/error.hh>

#include <algorithm>

namespace cinch {

namespace {

// As many paths are protected from collection at a time: those that are done, or not begun, may go.
constexpr std::size_t batch_paths_max = 2048;

}  // namespace

OptimiseReport LocalStore::optimise(const MaintenanceListener& listener, std::stop_token stop) {
  state_->check_writable();
  const StorePathSet valid = all_valid_paths();
  const std::vector<StorePath> paths(valid.begin(), valid.end());
  MaintenanceProgress progress{.paths_expected = paths.size()};
  local::FileLinker linker(state_->objects());
  linker.read_links();
  for (std::size_t at = 0; at < paths.size(); at += batch_paths_max) {
    const auto batch = std::span(paths).subspan(at, std::min(batch_paths_max, paths.size() - at));
    local::TemporaryRoots roots(state_->directories.state, store_dir());
    roots.add(batch);
    local::ParallelLinker workers(linker, state_->objects(), stop);
    // Only now can none of them be collected any more.
    for (const StorePath& path : find_valid(StorePathSet(batch.begin(), batch.end()))) {
      check_cancelled(stop);
      if (state_->objects().stat(path.base_name())) workers.add(path.base_name());
      ++progress.paths_done;
      if (listener) listener(progress);
    }
    workers.finish();
    progress.paths_done = at + batch.size();
    if (listener) listener(progress);
  }
  OptimiseReport report = linker.take_report();
  std::ranges::sort(report.damaged_links);
  return report;
}

// What was just added saves space, or it does not: that is no reason to refuse it.
void LocalStore::State::optimise_added(const StorePath& path) {
  try {
    local::FileLinker linker(objects());
    local::link_object(linker, objects(), path.base_name());
  } catch (const Error&) {
    // tidy: swallow, because a later run of optimise() meets the same error and reports it.
  }
}

}  // namespace cinch
