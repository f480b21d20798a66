// build.
#include "../build_report.hh"
#include "../context.hh"
#include "../installable.hh"
#include "../json_text.hh"
#include "../out_links.hh"
#include "../verbs.hh"

#include <cinch/build/make_realiser.hh>
#include <cinch/core/error.hh>

namespace cinch::cli {

namespace {

struct Wanted {
  std::vector<DerivingPath> paths;
  std::vector<std::map<std::string, StorePath>> outputs;  // by name; "out" for a plain path
};

Wanted parse_wanted(Context& context, Store& store) {
  Wanted wanted;
  for (const std::string& text : context.arguments.positional()) {
    wanted.paths.push_back(parse_installable(text, store.store_dir()));
    if (const auto* built = std::get_if<BuiltPath>(&wanted.paths.back())) {
      wanted.outputs.push_back(output_paths(store, *built));
      continue;
    }
    const StorePath& path = std::get<OpaquePath>(wanted.paths.back()).path;
    if (path.is_derivation()) {
      context.console.warn("'" + store.store_dir().print(path) +
                           "' is the derivation itself; to build its outputs, write '" +
                           store.store_dir().print(path) + "^*'");
    }
    wanted.outputs.push_back({{"out", path}});
  }
  return wanted;
}

std::string results_json(const StoreDir& store_dir, const Wanted& wanted,
                         const std::vector<BuildResult>& results) {
  const auto path_text = [&](const StorePath& path) { return json_string(store_dir.print(path)); };
  std::vector<std::string> list;
  for (std::size_t at = 0; at < wanted.paths.size(); ++at) {
    if (const auto* opaque = std::get_if<OpaquePath>(&wanted.paths[at])) {
      list.push_back(json_object({{"path", path_text(opaque->path)}}));
      continue;
    }
    JsonMembers outputs;
    for (const auto& [name, path] : wanted.outputs[at]) outputs.emplace_back(name, path_text(path));
    JsonMembers entry = {{"drvPath", path_text(std::get<BuiltPath>(wanted.paths[at]).derivation)},
                         {"outputs", json_object(outputs)}};
    if (at < results.size() && results[at].start_time != 0) {
      entry.emplace_back("startTime", std::to_string(results[at].start_time));
      entry.emplace_back("stopTime", std::to_string(results[at].stop_time));
    }
    list.push_back(json_object(entry));
  }
  return json_array(list);
}

void make_links(Context& context, Store& store, const Wanted& wanted,
                const std::vector<BuildResult>& results) {
  if (context.has("--no-link")) return;
  const std::string link = context.arguments.value("--out-link").value_or("result");
  for (std::size_t at = 0; at < wanted.outputs.size(); ++at) {
    if (!results[at].succeeded()) continue;
    for (const auto& [name, path] : wanted.outputs[at]) {
      make_out_link(store, out_link_name(link, at, name), path);
    }
  }
}

BuildMode mode_of(const Context& context) {
  const bool checks = context.has("--rebuild") || context.has("--check");
  if (checks && context.has("--repair")) {
    context.refuse("--repair replaces what is damaged, and --rebuild changes nothing: take one");
  }
  return checks                    ? BuildMode::check
         : context.has("--repair") ? BuildMode::repair
                                   : BuildMode::normal;
}

int run_build(Context& context) {
  const std::stop_token stop = context.interruption.begin();
  const std::unique_ptr<Store> store = context.open_store();
  const StoreDir& store_dir = store->store_dir();
  const Wanted wanted = parse_wanted(context, *store);
  const std::unique_ptr<Realiser> realiser = make_realiser(*store, context.settings);

  std::vector<BuildResult> results;
  int status = 0;
  if (context.has("--dry-run")) {
    print_plan(context, store_dir, realiser->plan(wanted.paths), Verbosity::error);
  } else {
    if (context.console.verbosity() >= Verbosity::info) {
      print_plan(context, store_dir, realiser->plan(wanted.paths), Verbosity::info);
    }
    const RealiseOptions options{.mode = mode_of(context),
                                 .keep_going = context.settings.keep_going};
    results = realiser->realise(wanted.paths, options, context.console, stop);
    context.console.finish();
    make_links(context, *store, wanted, results);
    status = report_failures(context, *store, results);
  }
  if (context.has("--json")) {
    if (status == 0) context.output.line(results_json(store_dir, wanted, results));
  } else if (context.has("--print-out-paths") && !context.has("--dry-run")) {
    for (std::size_t at = 0; at < results.size(); ++at) {
      if (!results[at].succeeded()) continue;
      for (const auto& [name, path] : wanted.outputs[at])
        context.output.line(store_dir.print(path));
    }
  }
  return status;
}

constexpr Option options[] = {
    {"-o,--out-link", "LINK", "call the symlinks to the results LINK, not 'result'"},
    {"--no-link", "", "make no symlinks"},
    {"--print-out-paths", "", "print the paths of the results"},
    {"--json", "", "print the results as JSON"},
    {"--dry-run", "", "only show what would be built"},
    {"--rebuild", "", "build again what is valid, and compare; nothing is replaced"},
    {"--check", "", "the same, as nix-build calls it"},
    {"--repair", "", "build again what is damaged or missing, also of what the results need"},
    {"-k,--keep-going", "", "after a failure, finish what does not depend on it"},
    {"-K,--keep-failed", "", "keep the build directories of failed builds"},
    {"-j,--max-jobs", "NUMBER", "how many builds at once; 'auto': one for each processor"},
    {"--cores", "NUMBER", "how many processors one build may use; 0: all"},
    {"--timeout", "SECONDS", "stop builds that take longer"},
    {"--max-silent-time", "SECONDS", "stop builds that print nothing for so long"},
};

constexpr Verb table[] = {
    {"build", "Build derivations", "PATH...", 1, any_number,
     "PATH is DRV^OUTPUT,... or DRV^* for all outputs of a derivation, or any store path, which is "
     "made valid. Symlinks to the results are made in the working directory and keep them from "
     "being collected as garbage. Exit status: 100 if a build failed, 101 if it took too long, 102 "
     "if a fixed output has another hash, 104 if a build is not deterministic.",
     "cinch build -L '/nix/store/...-hello-2.10.drv^*'", options, run_build},
};

}  // namespace

constinit const std::span<const Verb> build_verbs = table;

}  // namespace cinch::cli
