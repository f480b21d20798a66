#include "serve/derivation_view.hh"

#include <utility>

namespace cinch::serve {
namespace {

constexpr std::string_view task = "build a derivation that is not in it";

}  // namespace

DerivationView::DerivationView(Store& store, StorePath path, Derivation derivation)
    : store_(store),
      place_(require_capability<BuildStore>(store, task)),
      logs_(require_capability<LogStore>(store, task)),
      path_(std::move(path)),
      derivation_(std::move(derivation)) {}
DerivationView::~DerivationView() = default;

std::vector<std::optional<PathInfo>> DerivationView::find(std::span<const StorePath> paths) {
  return store_.find(paths);
}

StorePathSet DerivationView::find_valid(const StorePathSet& paths) {
  StorePathSet valid = store_.find_valid(paths);
  if (paths.contains(path_)) valid.insert(path_);
  return valid;
}

std::optional<StorePath> DerivationView::find_by_hash_part(std::string_view hash_part) {
  return store_.find_by_hash_part(hash_part);
}

StorePathSet DerivationView::all_valid_paths() { return store_.all_valid_paths(); }

std::vector<StorePathSet> DerivationView::find_referrers(std::span<const StorePath> paths) {
  return store_.find_referrers(paths);
}

std::vector<StorePathSet> DerivationView::find_derivers(std::span<const StorePath> paths) {
  return store_.find_derivers(paths);
}

void DerivationView::read_nar(const StorePath& path, Sink& sink, std::stop_token stop) {
  store_.read_nar(path, sink, std::move(stop));
}

void DerivationView::add_nar(const PathInfo& info, Source& nar, SignaturePolicy policy,
                             std::stop_token stop) {
  store_.add_nar(info, nar, policy, std::move(stop));
}

PathInfo DerivationView::add_content(const AddContent& options, Source& content,
                                     std::stop_token stop) {
  return store_.add_content(options, content, std::move(stop));
}

void DerivationView::add_signatures(const StorePath& path, const std::set<Signature>& signatures) {
  store_.add_signatures(path, signatures);
}

void DerivationView::add_temporary_roots(std::span<const StorePath> paths) {
  store_.add_temporary_roots(paths);
}

std::vector<Derivation> DerivationView::read_derivations(std::span<const StorePath> paths) {
  std::vector<StorePath> others;
  for (const StorePath& path : paths) {
    if (path != path_) others.push_back(path);
  }
  std::vector<Derivation> read = store_.read_derivations(others);
  std::vector<Derivation> derivations;
  auto next = read.begin();
  for (const StorePath& path : paths) {
    derivations.push_back(path == path_ ? derivation_ : std::move(*next++));
  }
  return derivations;
}

std::string DerivationView::real_path(const StorePath& path) const {
  return place_.real_path(path);
}

std::string DerivationView::build_directory() const { return place_.build_directory(); }

std::unique_ptr<StagedObject> DerivationView::stage(const StorePath& path) {
  return place_.stage(path);
}

void DerivationView::commit(std::vector<StagedCommit> objects) {
  place_.commit(std::move(objects));
}

void DerivationView::replace(std::vector<StagedCommit> objects) {
  place_.replace(std::move(objects));
}

std::unique_ptr<PathLock> DerivationView::lock(const StorePathSet& paths, std::stop_token stop,
                                               const std::function<void()>& on_wait) {
  return place_.lock(paths, std::move(stop), on_wait);
}

bool DerivationView::read_log(const StorePath& derivation, Sink& sink) {
  return logs_.read_log(derivation, sink);
}

std::unique_ptr<Sink> DerivationView::write_log(const StorePath& derivation) {
  return logs_.write_log(derivation);
}

std::string DerivationView::log_location(const StorePath& derivation) const {
  return logs_.log_location(derivation);
}

std::map<StorePath, PathInfo> DerivationView::find_closure(const StorePathSet& roots) {
  return compute_closure(store_, roots);
}

}  // namespace cinch::serve
