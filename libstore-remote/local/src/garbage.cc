// Roots, and the garbage collector. docs/formats/local-store.md, "Roots".
#include "file_lock.hh"
#include "garbage/collector.hh"
#include "garbage/link_roots.hh"
#include "garbage/process_roots.hh"
#include "garbage/root_server.hh"
#include "state.hh"

#include <cinch/core/error.hh>

#include <algorithm>
#include <map>
#include <utility>

#include <fcntl.h>

namespace cinch {

namespace {

constexpr const char* lock_name = "gc.lock";

// Those of processes and links, valid or not. Temporary ones are not for others to see: their files
// can only be read safely by a collector.
std::vector<GarbageRoot> lasting_roots(const LocalStore& store, const Directory& state,
                                       const std::string& real_dir) {
  std::vector<GarbageRoot> roots = local::find_link_roots(state, store.store_dir()).roots;
  for (GarbageRoot& root : local::find_process_roots(store.store_dir(), real_dir)) {
    roots.push_back(std::move(root));
  }
  std::ranges::sort(roots);
  return roots;
}

Descriptor lock_for_collection(const Directory& state) {
  Descriptor lock = state.open_file(lock_name, O_RDWR | O_CREAT, 0600);
  const std::string full_name = state.name_of(lock_name);
  if (local::try_lock(lock.get(), local::LockKind::exclusive, full_name)) return lock;
  // Whoever adds a temporary root holds it for a moment.
  constexpr unsigned wait_ms_max = 5'000;
  local::lock_within(lock.get(), local::LockKind::exclusive, full_name, wait_ms_max);
  return lock;
}

}  // namespace

std::vector<GarbageRoot> LocalStore::find_roots() {
  std::vector<GarbageRoot> roots =
      lasting_roots(*this, state_->directories.state, state_->layout.real_dir);
  StorePathSet paths;
  for (const GarbageRoot& root : roots) paths.insert(root.path);
  const StorePathSet valid = find_valid(paths);
  std::erase_if(roots, [&](const GarbageRoot& root) { return !valid.contains(root.path); });
  return roots;
}

StorePathSet LocalStore::find_alive(const LivenessOptions& options) {
  const local::StoreGraph graph(state_->database.read_graph());
  local::Liveness liveness(graph, options);
  for (const GarbageRoot& root :
       lasting_roots(*this, state_->directories.state, state_->layout.real_dir)) {
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
  for (GarbageRoot& root :
       lasting_roots(*this, state_->directories.state, state_->layout.real_dir)) {
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
  const Directory& state = state_->directories.state;
  std::vector<std::string> links;
  for (const std::string& name : local::find_link_roots(state, store_dir()).stale) {
    links.push_back(state.open_directory("gcroots").open_directory("auto").read_symlink(name));
  }
  return links;
}

GarbageReport LocalStore::collect_garbage(
    const GarbageOptions& options, const std::function<void(const GarbageProgress&)>& progress,
    std::stop_token stop) {
  state_->check_writable();
  const Directory& state = state_->directories.state;
  const Descriptor lock = lock_for_collection(state);
  if (!options.dry_run) {
    // Room to work in if the disk is full.
    const Directory database = state.open_directory("db");
    if (database.stat("reserved")) database.unlink("reserved");
    for (const std::string& name : local::find_link_roots(state, store_dir()).stale) {
      state.open_directory("gcroots").open_directory("auto").unlink(name);
    }
  }
  const local::CollectorPlace place{.objects = state_->objects(),
                                    .state = state,
                                    .store_dir = state_->layout.store_dir,
                                    .real_dir = state_->layout.real_dir,
                                    .database = state_->database};
  local::Collector collector(place, options, progress, std::move(stop));
  const local::RootServer server(state, store_dir(),
                                 [&](const StorePath& path) { return collector.protect(path); });
  return collector.run();
}

}  // namespace cinch
