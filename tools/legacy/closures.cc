#include "closures.hh"

#include <cinch/core/closure.hh>

#include <utility>

namespace cinch::cli {

namespace {

// What of `found` is new; it is known then.
std::vector<StorePath> take_new(StorePathSet& known, const StorePathSet& found) {
  std::vector<StorePath> fresh;
  for (const StorePath& path : found) {
    if (known.insert(path).second) fresh.push_back(path);
  }
  return fresh;
}

std::vector<StorePath> derivations_among(const std::vector<StorePath>& paths) {
  std::vector<StorePath> derivations;
  for (const StorePath& path : paths) {
    if (path.is_derivation()) derivations.push_back(path);
  }
  return derivations;
}

void unite(StorePathSet& all, std::vector<StorePathSet> sets) {
  for (StorePathSet& set : sets) all.merge(set);
}

}  // namespace

StorePathSet referrers_closure(Store& store, const StorePathSet& roots,
                               const LivenessOptions& options) {
  StorePathSet closure;
  std::vector<StorePath> level = take_new(closure, roots);
  while (!level.empty()) {
    StorePathSet next;
    unite(next, store.find_referrers(level));
    if (options.keep_outputs) unite(next, store.find_derivers(level));
    if (options.keep_derivations) {
      const StorePathSet valid = store.find_valid({level.begin(), level.end()});
      const std::vector<StorePath> present(valid.begin(), valid.end());
      next.merge(store.find_valid(known_outputs(store, derivations_among(present))));
    }
    level = take_new(closure, next);
  }
  return closure;
}

}  // namespace cinch::cli
