// nix-store --query.
#include "../maintenance.hh"
#include "closures.hh"
#include "graphs.hh"
#include "realising.hh"
#include "store_call.hh"

#include <cinch/core/closure.hh>
#include <cinch/core/error.hh>

#include <algorithm>
#include <exception>

namespace cinch::cli {

namespace {

struct Query;

// The flags that say what is asked about, rather than what is asked.
struct QueryCall {
  StoreCall& call;
  bool use_output = false;
  bool force_realise = false;
  bool include_outputs = false;
  std::string binding;

  Store& store() { return call.store(); }
};

struct Query {
  std::string_view names;
  void (*run)(QueryCall& query);
};

// The paths that one argument stands for: itself, or its outputs.
std::vector<StorePath> chosen(QueryCall& query, const std::string& argument, bool use_output) {
  const StorePath path = query.call.path_of(argument);
  if (query.force_realise) {
    DerivingPath wanted = OpaquePath{path};
    if (path.is_derivation()) wanted = BuiltPath{path, AllOutputs{}};
    if (realise(query.call, {wanted}) != 0) {
      throw Error(Code::build_failed, "cannot realise '" + query.call.shown(path) + "'");
    }
    if (query.call.add_root) realised_names(query.call, wanted);
  }
  if (!use_output || !path.is_derivation()) return {path};
  const Derivation derivation = query.store().read_derivation(path);
  StorePathSet outputs;
  for (const auto& [name, output] : derivation.output_paths(query.store().store_dir())) {
    if (!output) {
      throw Error(Code::not_supported, "the path of output '" + name + "' of '" +
                                           query.call.shown(path) +
                                           "' is not known before it is built");
    }
    outputs.insert(*output);
  }
  return {outputs.begin(), outputs.end()};
}

StorePathSet all_chosen(QueryCall& query) {
  StorePathSet paths;
  for (const std::string& argument : query.call.arguments) {
    for (const StorePath& path : chosen(query, argument, query.use_output)) paths.insert(path);
  }
  return paths;
}

void print_outputs(QueryCall& query) {
  for (const std::string& argument : query.call.arguments) {
    for (const StorePath& path : chosen(query, argument, true)) query.call.print(path);
  }
}

void print_sorted(QueryCall& query, const StorePathSet& paths) {
  const PathInfos infos(query.store(), paths);
  for (const StorePath& path : infos.sorted(paths)) query.call.print(path);
}

[[noreturn]] void throw_invalid(StoreCall& call, const StorePath& path) {
  throw Error(Code::not_found, "path '" + call.shown(path) + "' is not valid");
}

// Throws for the first path that is not valid.
std::vector<PathInfo> require_all(StoreCall& call, const std::vector<StorePath>& paths) {
  std::vector<PathInfo> infos;
  const std::vector<std::optional<PathInfo>> found = call.store().find(paths);
  for (std::size_t at = 0; at < paths.size(); ++at) {
    if (!found[at]) throw_invalid(call, paths[at]);
    infos.push_back(*found[at]);
  }
  return infos;
}

void print_requisites(QueryCall& query) {
  const StorePathSet paths = all_chosen(query);
  if (query.include_outputs) {
    print_sorted(query, compute_closure_with_outputs(query.store(), paths));
    return;
  }
  require_all(query.call, {paths.begin(), paths.end()});
  const PathInfos infos(query.store(), paths);
  for (const StorePath& path : infos.all_sorted()) query.call.print(path);
}

void print_references(QueryCall& query) {
  const StorePathSet paths = all_chosen(query);
  StorePathSet references;
  for (PathInfo& info : require_all(query.call, {paths.begin(), paths.end()})) {
    references.merge(info.references);
  }
  print_sorted(query, references);
}

void print_referrers(QueryCall& query) {
  const StorePathSet paths = all_chosen(query);
  StorePathSet referrers;
  for (StorePathSet& set : query.store().find_referrers(std::vector(paths.begin(), paths.end()))) {
    referrers.merge(set);
  }
  print_sorted(query, referrers);
}

void print_referrers_closure(QueryCall& query) {
  constexpr LivenessOptions references_only = {.keep_outputs = false, .keep_derivations = false};
  print_sorted(query, referrers_closure(query.store(), all_chosen(query), references_only));
}

// Answers for each argument in turn, until one is not valid or does not tell what it stands for.
template <class Print>
void print_infos(QueryCall& query, bool use_output, Print print) {
  std::vector<StorePath> paths;
  std::exception_ptr failure;
  try {
    for (const std::string& argument : query.call.arguments) {
      for (const StorePath& path : chosen(query, argument, use_output)) paths.push_back(path);
    }
  } catch (const Error&) {
    failure = std::current_exception();
  }
  const std::vector<std::optional<PathInfo>> infos = query.store().find(paths);
  for (std::size_t at = 0; at < paths.size(); ++at) {
    if (!infos[at]) throw_invalid(query.call, paths[at]);
    query.call.context.output.line(print(*infos[at]));
  }
  if (failure) std::rethrow_exception(failure);
}

void print_hashes(QueryCall& query) {
  print_infos(query, query.use_output,
              [](const PathInfo& info) { return info.nar_hash.to_string(HashFormat::nix32); });
}

void print_sizes(QueryCall& query) {
  print_infos(query, query.use_output,
              [](const PathInfo& info) { return std::to_string(info.nar_size); });
}

void print_derivers(QueryCall& query) {
  print_infos(query, false, [&](const PathInfo& info) -> std::string {
    return info.deriver ? query.call.shown(*info.deriver) : "unknown-deriver";
  });
}

void print_valid_derivers(QueryCall& query) {
  const std::vector<StorePath> paths = query.call.argument_paths();
  const std::vector<PathInfo> infos = require_all(query.call, paths);
  StorePathSet derivers;
  for (StorePathSet& set : query.store().find_derivers(paths)) derivers.merge(set);
  for (const StorePath& path : derivers) query.call.print(path);
}

// The derivation itself, or the one that made the path.
StorePath derivation_of(StoreCall& call, const StorePath& path) {
  if (path.is_derivation()) return path;
  const PathInfo info = require_all(call, {path}).front();
  if (info.deriver) return *info.deriver;
  throw Error(Code::not_found, "deriver of path '" + call.shown(path) + "' is not known");
}

void print_bindings(QueryCall& query) {
  for (const std::string& argument : query.call.arguments) {
    const StorePath path = derivation_of(query.call, query.call.path_of(argument));
    const Derivation derivation = query.store().read_derivation(path);
    const auto found = derivation.environment.find(query.binding);
    if (found == derivation.environment.end()) {
      throw Error(Code::not_found, "derivation '" + query.call.shown(path) +
                                       "' has no environment binding named '" + query.binding +
                                       "'");
    }
    query.call.context.output.line(found->second);
  }
}

void print_tree(QueryCall& query) {
  const std::vector<StorePath> paths = query.call.argument_paths();
  const PathInfos infos(query.store(), {paths.begin(), paths.end()});
  StorePathSet done;
  for (const StorePath& path : paths) draw_tree(infos, path, done, query.call.context.output);
}

void print_graph(QueryCall& query) {
  const StorePathSet paths = all_chosen(query);
  draw_dot_graph(PathInfos(query.store(), paths), paths, query.call.context.output);
}

void print_graphml(QueryCall& query) {
  const StorePathSet paths = all_chosen(query);
  draw_graphml(PathInfos(query.store(), paths), paths, query.call.context.output);
}

void print_resolved(QueryCall& query) {
  for (const std::string& argument : query.call.arguments) {
    query.call.print(query.call.path_of(argument));
  }
}

void print_roots(QueryCall& query) {
  const LivenessOptions liveness = liveness_of(query.call.context.settings);
  const StorePathSet kept = referrers_closure(query.store(), all_chosen(query), liveness);
  GarbageStore& garbage = require_capability<GarbageStore>(query.store(), "list roots");
  for (const GarbageRoot& root : garbage.find_roots()) {
    if (!kept.contains(root.path)) continue;
    query.call.context.output.line(root.link + " -> " + query.call.shown(root.path));
  }
}

// Some names were once spelt otherwise.
constexpr Query queries[] = {
    {"--outputs", print_outputs},
    {"-R,--requisites", print_requisites},
    {"--references", print_references},
    {"--referrers,--referers", print_referrers},
    {"--referrers-closure,--referers-closure", print_referrers_closure},
    {"-d,--deriver", print_derivers},
    {"--valid-derivers", print_valid_derivers},
    {"-b,--binding", print_bindings},
    {"--hash", print_hashes},
    {"--size", print_sizes},
    {"--tree", print_tree},
    {"--graph", print_graph},
    {"--graphml", print_graphml},
    {"--resolve", print_resolved},
    {"--roots", print_roots},
};

const Query* find_query(std::string_view flag) {
  const auto found = std::ranges::find_if(
      queries, [&](const Query& query) { return has_name(query.names, flag); });
  return found == std::end(queries) ? nullptr : found;
}

// Takes a flag that is no query.
bool take_flag(QueryCall& query, std::string_view flag) {
  if (flag == "--use-output" || flag == "-u") {
    query.use_output = true;
  } else if (flag == "--force-realise" || flag == "--force-realize" || flag == "-f") {
    query.force_realise = true;
  } else if (flag == "--include-outputs") {
    query.include_outputs = true;
  } else {
    return false;
  }
  return true;
}

int run_query(StoreCall& call) {
  QueryCall query{.call = call, .binding = {}};
  const Query* wanted = nullptr;
  for (const LegacyWord& flag : call.flags) {
    const Query* found = find_query(flag.text);
    if (found == nullptr) {
      if (take_flag(query, flag.text)) continue;
      call.refuse("unknown flag '" + flag.text + "'");
    }
    if (found->run == print_bindings) {
      if (call.arguments.empty()) call.refuse("expected binding name");
      query.binding = call.arguments.front();
      call.arguments.erase(call.arguments.begin());
    }
    if (wanted != nullptr && wanted != found) {
      call.refuse("query type '" + flag.text + "' conflicts with earlier flag");
    }
    wanted = found;
  }
  (wanted == nullptr ? queries[0] : *wanted).run(query);
  return 0;
}

constexpr StoreOperation table[] = {{"-q,--query", run_query}};

}  // namespace

constinit const std::span<const StoreOperation> query_operations = table;

}  // namespace cinch::cli
