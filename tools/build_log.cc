#include "build_log.hh"

#include <cinch/core/error.hh>

namespace cinch::cli {

namespace {

// The derivations whose logs may be meant, the most likely one first.
std::vector<StorePath> log_candidates(Store& store, const DerivingPath& wanted) {
  if (const auto* built = std::get_if<BuiltPath>(&wanted)) return {built->derivation};
  const StorePath& path = std::get<OpaquePath>(wanted).path;
  if (path.is_derivation()) return {path};
  std::vector<StorePath> candidates;
  if (const auto info = store.find({&path, 1}).front(); info && info->deriver) {
    candidates.push_back(*info->deriver);
  }
  const std::vector<StorePathSet> derivers = store.find_derivers({&path, 1});
  candidates.insert(candidates.end(), derivers.front().begin(), derivers.front().end());
  return candidates;
}

}  // namespace

void print_build_log(Store& store, const DerivingPath& wanted, Output& output) {
  auto* const logs = capability<LogStore>(store);
  if (logs == nullptr) {
    throw Error(Code::not_supported, "this store does not hand out build logs")
        .about(store.url())
        .hint("they lie with the store itself: try --store 'local?read-only=true'");
  }
  for (const StorePath& derivation : log_candidates(store, wanted)) {
    if (logs->read_log(derivation, output)) return;
  }
  throw Error(Code::not_found, "build log of '" + print_deriving_path(wanted, store.store_dir()) +
                                   "' is not available")
      .hint("only what was built in this store has a log");
}

}  // namespace cinch::cli
