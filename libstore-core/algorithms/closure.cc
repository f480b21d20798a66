#include "topological_sort.hh"

#include <cinch/core/cancellation.hh>
#include <cinch/core/closure.hh>
#include <cinch/core/error.hh>

#include <utility>

namespace cinch {

std::map<StorePath, PathInfo> compute_closure(Store& store, const StorePathSet& roots) {
  std::map<StorePath, PathInfo> closure;
  std::vector<StorePath> level(roots.begin(), roots.end());
  while (!level.empty()) {
    std::vector<std::optional<PathInfo>> infos = store.find(level);
    StorePathSet next;
    for (std::size_t index = 0; index < level.size(); ++index) {
      if (!infos.at(index)) {
        throw Error(Code::not_found,
                    "path '" + store.store_dir().print(level[index]) + "' is not valid")
            .about(store.url());
      }
      next.insert(infos[index]->references.begin(), infos[index]->references.end());
      closure.emplace(level[index], *std::move(infos[index]));
    }
    level.clear();
    for (const StorePath& path : next) {
      if (!closure.contains(path)) level.push_back(path);
    }
  }
  return closure;
}

std::vector<StorePath> sort_topologically(const std::map<StorePath, PathInfo>& infos) {
  return topological_order(
      infos, [](const PathInfo& info) -> const StorePathSet& { return info.references; });
}

void copy_closure(Store& from, Store& to, const StorePathSet& roots, SignaturePolicy policy,
                  const RunPiped& run_piped, std::stop_token stop) {
  if (from.store_dir() != to.store_dir()) {
    throw Error(Code::invalid_argument,
                "the stores '" + from.url() + "' and '" + to.url() +
                    "' have different store directories, so that no path of one fits the other");
  }
  const std::map<StorePath, PathInfo> closure = compute_closure(from, roots);
  const std::vector<StorePath> order = sort_topologically(closure);
  to.add_temporary_roots(order);
  const StorePathSet present = to.find_valid({order.begin(), order.end()});
  for (const StorePath& path : order) {
    if (present.contains(path)) continue;
    check_cancelled(stop);
    PathInfo info = closure.at(path);
    // These two speak of the store that the object comes from.
    info.ultimate = false;
    info.registration_time = 0;
    try {
      run_piped([&](Sink& sink) { from.read_nar(path, sink, stop); },
                [&](Source& source) { to.add_nar(info, source, policy, stop); });
    } catch (Error& error) {
      error.add_context("copying '" + from.store_dir().print(path) + "'");
      throw;
    }
  }
}

}  // namespace cinch
