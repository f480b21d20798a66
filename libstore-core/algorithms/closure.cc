#include "topological_sort.hh"

#include <cinch/core/cancellation.hh>
#include <cinch/core/closure.hh>
#include <cinch/core/error.hh>

#include <algorithm>
#include <bit>
#include <string_view>
#include <unordered_map>
#include <utility>

namespace cinch {

ClosureStore::~ClosureStore() = default;

std::map<StorePath, PathInfo> require_all(Store& store, const StorePathSet& paths) {
  const std::vector<StorePath> asked(paths.begin(), paths.end());
  std::vector<std::optional<PathInfo>> found = store.find(asked);
  std::map<StorePath, PathInfo> infos;
  for (std::size_t at = 0; at < asked.size(); ++at) {
    if (!found.at(at)) {
      throw Error(Code::not_found, "path '" + store.store_dir().print(asked[at]) + "' is not valid")
          .about(store.url());
    }
    infos.emplace_hint(infos.end(), asked[at], *std::move(found[at]));
  }
  return infos;
}

std::map<StorePath, PathInfo> compute_closure(Store& store, const StorePathSet& roots) {
  if (auto* faster = capability<ClosureStore>(store)) return faster->find_closure(roots);
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

StorePathSet known_outputs(Store& store, std::span<const StorePath> derivations) {
  StorePathSet outputs;
  for (const Derivation& derivation : store.read_derivations(derivations)) {
    for (const auto& [name, path] : derivation.output_paths(store.store_dir())) {
      if (path) outputs.insert(*path);
    }
  }
  return outputs;
}

StorePathSet compute_closure_with_outputs(Store& store, const StorePathSet& roots) {
  StorePathSet closure;
  StorePathSet wanted = roots;
  while (!wanted.empty()) {
    std::vector<StorePath> derivations;
    for (const auto& [path, info] : compute_closure(store, wanted)) {
      if (closure.insert(path).second && path.is_derivation()) derivations.push_back(path);
    }
    wanted.clear();
    for (const StorePath& output : store.find_valid(known_outputs(store, derivations))) {
      if (!closure.contains(output)) wanted.insert(output);
    }
  }
  return closure;
}

std::vector<StorePath> sort_topologically(const std::map<StorePath, PathInfo>& infos) {
  return topological_order(
      infos, [](const PathInfo& info) -> const StorePathSet& { return info.references; });
}

std::vector<std::uint64_t> closure_sizes(const std::map<StorePath, PathInfo>& infos,
                                         std::span<const StorePath> paths) {
  struct Node {
    std::uint64_t nar_size;
    std::vector<std::uint32_t> references;
    std::uint64_t reached_by;  // a bit for each of the paths that are looked at together
  };
  std::unordered_map<std::string_view, std::uint32_t> numbers(infos.size());
  std::vector<Node> nodes;  // references first
  for (const StorePath& path : sort_topologically(infos)) {
    const auto at = infos.find(path);
    Node node{.nar_size = at->second.nar_size, .references = {}, .reached_by = 0};
    for (const StorePath& reference : at->second.references) {
      if (reference != path) node.references.push_back(numbers.at(reference.base_name()));
    }
    numbers.emplace(at->first.base_name(), static_cast<std::uint32_t>(nodes.size()));
    nodes.push_back(std::move(node));
  }
  constexpr std::size_t together = 64;
  std::vector<std::uint64_t> sizes(paths.size());
  for (std::size_t first = 0; first < paths.size(); first += together) {
    for (Node& node : nodes) node.reached_by = 0;
    for (std::size_t at = first; at < std::min(paths.size(), first + together); ++at) {
      nodes[numbers.at(paths[at].base_name())].reached_by |= std::uint64_t{1} << (at - first);
    }
    for (auto node = nodes.rbegin(); node != nodes.rend(); ++node) {
      for (const std::uint32_t reference : node->references) {
        nodes[reference].reached_by |= node->reached_by;
      }
      for (std::uint64_t left = node->reached_by; left != 0; left &= left - 1) {
        sizes[first + static_cast<std::size_t>(std::countr_zero(left))] += node->nar_size;
      }
    }
  }
  return sizes;
}

namespace {

void check_same_directory(const Store& from, const Store& to) {
  if (from.store_dir() == to.store_dir()) return;
  throw Error(Code::invalid_argument,
              "the stores '" + from.url() + "' and '" + to.url() +
                  "' have different store directories, so that no path of one fits the other");
}

// Passes on, and tells how much that was.
class ReportingSink final : public Sink {
 public:
  ReportingSink(Sink& sink, const CopyOptions& options, CopyProgress& progress)
      : sink_(sink), options_(options), progress_(progress) {}
  ~ReportingSink() override = default;
  void write(Bytes bytes) override {
    sink_.write(bytes);
    progress_.bytes_done += bytes.size();
    if (options_.progress) options_.progress(progress_);
  }

 private:
  Sink& sink_;
  const CopyOptions& options_;
  CopyProgress& progress_;
};

// What is to be copied, references first.
std::vector<PathInfo> missing_objects(Store& to, const std::map<StorePath, PathInfo>& objects) {
  const std::vector<StorePath> order = sort_topologically(objects);
  to.add_temporary_roots(order);
  const StorePathSet present = to.find_valid({order.begin(), order.end()});
  std::vector<PathInfo> missing;
  for (const StorePath& path : order) {
    if (present.contains(path)) continue;
    PathInfo& info = missing.emplace_back(objects.at(path));
    // These two speak of the store that the object comes from.
    info.ultimate = false;
    info.registration_time = 0;
  }
  return missing;
}

}  // namespace

DirectCopyStore::~DirectCopyStore() = default;

std::uint64_t copy_objects(Store& from, Store& to, const std::map<StorePath, PathInfo>& objects,
                           const CopyOptions& options, std::stop_token stop) {
  check_same_directory(from, to);
  const std::vector<PathInfo> missing = missing_objects(to, objects);
  std::vector<StorePath> paths;
  CopyProgress progress{.paths_expected = missing.size()};
  for (const PathInfo& info : missing) {
    paths.push_back(info.path);
    progress.bytes_expected += info.nar_size;
  }
  from.add_temporary_roots(paths);
  auto* direct = capability<DirectCopyStore>(to);
  if (direct && direct->copy_directly(from, missing, options, progress, stop)) {
    return missing.size();
  }
  for (const PathInfo& info : missing) {
    check_cancelled(stop);
    const auto produce = [&](Sink& sink) {
      ReportingSink reporting(sink, options, progress);
      from.read_nar(info.path, reporting, stop);
    };
    const auto consume = [&](Source& source) { to.add_nar(info, source, options.policy, stop); };
    try {
      options.run_piped(produce, consume);
    } catch (Error& error) {
      error.add_context("copying '" + from.store_dir().print(info.path) + "'");
      throw;
    }
    ++progress.paths_done;
    if (options.progress) options.progress(progress);
  }
  return missing.size();
}

std::uint64_t copy_closure(Store& from, Store& to, const StorePathSet& roots,
                           const CopyOptions& options, std::stop_token stop) {
  check_same_directory(from, to);
  return copy_objects(from, to, compute_closure(from, roots), options, std::move(stop));
}

}  // namespace cinch
