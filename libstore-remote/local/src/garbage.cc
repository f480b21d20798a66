// Roots, and the garbage collector. docs/formats/local-store.md, "Roots".
#include "garbage/collector.hh"
#include "garbage/collector_lock.hh"
#include "garbage/free_space.hh"
#include "garbage/lasting_roots.hh"
#include "garbage/root_server.hh"
#include "state.hh"

#include <cinch/core/error.hh>

#include <algorithm>
#include <map>
#include <utility>

namespace cinch {

namespace {

std::vector<GarbageRoot> lasting_roots(const local::OpenDirectories& directories,
                                       const local::Layout& layout) {
  return local::find_lasting_roots(directories.state, layout.store_dir, layout.real_dir).roots;
}

}  // namespace

std::vector<GarbageRoot> LocalStore::find_roots() {
  std::vector<GarbageRoot> roots = lasting_roots(state_->directories, state_->layout);
  StorePathSet paths;
  for (const GarbageRoot& root : roots) paths.insert(root.path);
  const StorePathSet valid = find_valid(paths);
  std::erase_if(roots, [&](const GarbageRoot& root) { return !valid.contains(root.path); });
  return roots;
}

StorePathSet LocalStore::find_alive(const LivenessOptions& options) {
  const local::StoreGraph graph(state_->database.read_graph());
  local::Liveness liveness(graph, options);
  for (const GarbageRoot& root : lasting_roots(state_->directories, state_->layout)) {
    if (const auto node = graph.find(root.path.base_name())) liveness.mark(*node);
  }
  StorePathSet alive;
  for (local::Node node = 0; node < graph.size(); ++node) {
    if (liveness.is_alive(node)) alive.insert(alive.end(), StorePath::parse(graph.base_name(node)));
  }
  return alive;
}

std::vector<std::optional<AliveReason>> LocalStore::find_alive_reasons(
    std::span<const StorePath> paths, const LivenessOptions& options) {
  const local::StoreGraph graph(state_->database.read_graph());
  local::Liveness liveness(graph, options);
  std::map<local::Node, GarbageRoot> root_of;
  for (GarbageRoot& root : lasting_roots(state_->directories, state_->layout)) {
    const auto node = graph.find(root.path.base_name());
    if (!node) continue;
    liveness.mark(*node);
    root_of.try_emplace(*node, std::move(root));
  }
  std::vector<std::optional<AliveReason>> reasons;
  for (const StorePath& path : paths) {
    std::optional<AliveReason>& reason = reasons.emplace_back();
    const auto node = graph.find(path.base_name());
    if (!node || !liveness.is_alive(*node)) continue;
    const std::vector<local::Node> chain = liveness.chain_to(*node);
    reason.emplace(AliveReason{.root = root_of.at(chain.front()), .chain = {}});
    for (const local::Node link : chain) {
      reason->chain.push_back(StorePath::parse(graph.base_name(link)));
    }
  }
  return reasons;
}

std::vector<std::string> LocalStore::find_stale_roots() {
  return local::find_link_roots(state_->directories.state, store_dir()).stale_links;
}

std::vector<DanglingRoot> LocalStore::find_dangling_roots() {
  local::LinkRoots found = local::find_link_roots(state_->directories.state, store_dir());
  StorePathSet paths;
  for (const GarbageRoot& root : found.roots) paths.insert(root.path);
  const StorePathSet valid = find_valid(paths);
  for (GarbageRoot& root : found.roots) {
    if (valid.contains(root.path)) continue;
    found.dangling.push_back({std::move(root.link), store_dir().print(root.path)});
  }
  std::ranges::sort(found.dangling, {}, &DanglingRoot::link);
  return std::move(found.dangling);
}

std::vector<std::string> LocalStore::remove_stale_roots() {
  state_->check_writable();
  const Directory& state = state_->directories.state;
  const Descriptor lock = local::lock_for_collection(state);
  local::LinkRoots found = local::find_link_roots(state, store_dir());
  local::remove_stale_roots(state, found);
  return std::move(found.stale_links);
}

// Before any lock is taken.
void LocalStore::prepare_to_add() {
  state_->check_writable();
  state_->automatic_collector.before_adding(
      [this](const GarbageOptions& options) { collect_garbage(options); });
}

GarbageReport LocalStore::collect_garbage(
    const GarbageOptions& options, const std::function<void(const GarbageProgress&)>& progress,
    std::stop_token stop) {
  state_->check_writable();
  const Directory& state = state_->directories.state;
  const Descriptor lock = local::lock_for_collection(state);
  if (!options.dry_run) local::make_room_to_collect(state);
  const local::CollectorPlace place{.objects = state_->objects(),
                                    .state = state,
                                    .store_dir = state_->layout.store_dir,
                                    .real_dir = state_->layout.real_dir,
                                    .database = state_->database,
                                    .own_database = state_->own_database};
  local::Collector collector(place, options, progress, std::move(stop));
  const local::RootServer server(state, store_dir(),
                                 [&](const StorePath& path) { return collector.protect(path); });
  return collector.run();
}

}  // namespace cinch
