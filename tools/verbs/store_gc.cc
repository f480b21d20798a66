// store gc, store delete, store roots, store add-root.
#include "../context.hh"
#include "../installable.hh"
#include "../maintenance.hh"
#include "../out_links.hh"
#include "../terminal_text.hh"
#include "../verbs.hh"

#include <cinch/core/closure.hh>
#include <cinch/core/error.hh>
#include <cinch/core/garbage.hh>
#include <cinch/local/local_store.hh>

#include <charconv>

namespace cinch::cli {

namespace {

std::uint64_t bytes_wanted(const Context& context) {
  const auto text = context.arguments.value("--max");
  if (!text) return GarbageOptions().bytes_max;
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), number);
  if (error != std::errc() || end != text->data() + text->size()) {
    context.refuse("--max takes a number of bytes, not '" + *text + "'");
  }
  return number;
}

// "3 store paths", "3 store paths and 1 left-overs".
std::string count_in_words(const GarbageReport& report) {
  std::string text = std::to_string(report.paths.size()) + " store paths";
  if (report.left_overs.empty()) return text;
  return text + " and " + std::to_string(report.left_overs.size()) + " left-overs";
}

void tell_result(Console& console, const GarbageReport& report) {
  console.message(Verbosity::notice,
                  count_in_words(report) + " deleted, " + size_in_words(report.bytes) + " freed");
}

void tell_forecast(Console& console, const GarbageReport& report) {
  const GarbageForecast forecast = report.forecast.value_or(GarbageForecast());
  const std::string size = (forecast.estimated ? "about " : "") + size_in_words(report.bytes);
  std::string text = count_in_words(report) + " would be deleted, " + size + " freed";
  if (forecast.files == 0) return console.message(Verbosity::notice, text);
  text += ", in about " + duration_in_words(forecast.duration) + "\n";
  const std::string files = std::to_string(forecast.files) + " files";
  text += forecast.estimated
              ? "estimated from " + std::to_string(forecast.files_seen) + " of about " + files
              : "counted in " + files;
  text += "; the time is that of ";
  text += forecast.duration_measured ? "the last large collection of this store, in proportion"
                                     : "a usual disk, until this store had a large collection";
  console.message(Verbosity::notice, text);
}

int collect(Context& context, Store& store, const GarbageOptions& options) {
  const GarbageReport report =
      collect_garbage(context.console, store, options, context.interruption.begin());
  for (const StorePath& path : report.paths) context.output.line(store.store_dir().print(path));
  for (const std::string& name : report.left_overs) {
    context.output.line(store.store_dir().text() + "/" + name);
  }
  if (options.dry_run) {
    tell_forecast(context.console, report);
  } else {
    tell_result(context.console, report);
  }
  return 0;
}

int run_gc(Context& context) {
  const std::unique_ptr<Store> store = context.open_store();
  GarbageOptions options;
  options.liveness = liveness_of(context.settings);
  options.bytes_max = bytes_wanted(context);
  options.dry_run = context.has("--dry-run");
  return collect(context, *store, options);
}

// With all that they refer to. What is not valid may lie on disk nevertheless.
void add_references(Store& store, StorePathSet& paths) {
  for (const auto& [path, info] : compute_closure(store, store.find_valid(paths))) {
    paths.insert(path);
  }
}

int run_delete(Context& context) {
  const std::unique_ptr<Store> store = context.open_store();
  GarbageOptions options;
  options.only = installable_paths(*store, context.arguments.positional());
  if (context.has("--recursive")) add_references(*store, *options.only);
  options.also_referrers = context.has("--also-referrers");
  options.skip_alive = context.has("--skip-alive");
  options.ignore_liveness = context.has("--ignore-liveness");
  options.dry_run = context.has("--dry-run");
  return collect(context, *store, options);
}

int print_reasons(Context& context, Store& store) {
  const StorePathSet chosen = installable_paths(store, context.arguments.positional());
  const std::vector<StorePath> paths(chosen.begin(), chosen.end());
  const auto reasons =
      garbage_store(store).find_alive_reasons(paths, liveness_of(context.settings));
  for (std::size_t at = 0; at < paths.size(); ++at) {
    const std::string shown = store.store_dir().print(paths[at]);
    if (!reasons[at]) {
      context.output.line(shown + " is not alive");
      continue;
    }
    std::string indent = "  ";
    context.output.line(reasons[at]->root.link);
    for (const StorePath& path : reasons[at]->chain) {
      context.output.line(indent + "-> " + store.store_dir().print(path));
      indent += "  ";
    }
  }
  return 0;
}

int run_roots(Context& context) {
  const std::unique_ptr<Store> store = context.open_store();
  if (context.has("--why")) {
    if (context.arguments.positional().empty()) context.refuse("--why needs a PATH");
    return print_reasons(context, *store);
  }
  if (!context.arguments.positional().empty()) context.refuse("a PATH needs --why");
  if (context.has("--stale") || context.has("--prune")) {
    LocalStore& local = require_capability<LocalStore>(*store, "list stale roots");
    for (const std::string& link :
         context.has("--prune") ? local.remove_stale_roots() : local.find_stale_roots()) {
      context.output.line(link);
    }
    return 0;
  }
  for (const GarbageRoot& root : garbage_store(*store).find_roots()) {
    context.output.line(root.link + " -> " + store->store_dir().print(root.path));
  }
  if (auto* local = capability<LocalStore>(*store)) {
    for (const DanglingRoot& root : local->find_dangling_roots()) {
      context.console.warn("the root '" + root.link + "' keeps nothing alive: '" + root.target +
                           "' is no valid path; remove the link, or get the path again");
    }
  }
  return 0;
}

int run_add_root(Context& context) {
  const std::unique_ptr<Store> store = context.open_store();
  const std::string& link = context.arguments.positional()[0];
  const PathBelow target = parse_path_below(context.arguments.positional()[1], store->store_dir());
  make_out_link(*store, link, target.path);
  return 0;
}

constexpr Option dry_run = {
    "--dry-run", "",
    "only print what would be deleted, its size on disk, and how long it may take"};

constexpr Option gc_options[] = {
    dry_run,
    {"--max", "BYTES", "stop once so many bytes are free"},
};
constexpr Option delete_options[] = {
    dry_run,
    {"-r,--recursive", "", "delete what the paths refer to as well"},
    {"--also-referrers", "", "delete what refers to the paths as well"},
    {"--skip-alive", "", "pass over paths that are alive or needed, instead of failing"},
    {"--ignore-liveness", "", "delete paths that roots lead to; nothing may refer to them"},
};
constexpr Option roots_options[] = {
    {"--why", "", "show how a root leads to each PATH"},
    {"--stale", "", "list the links of automatic roots that are gone"},
    {"--prune", "", "the same, and forget them"},
};

constexpr Verb table[] = {
    {"store gc", "Delete all store objects that nothing keeps alive", "", 0, 0,
     "An object is alive if a root leads to it: a link below gcroots or profiles, such as "
     "./result, or something that a process has open. Other processes may use the store meanwhile. "
     "Prints the paths that were deleted. The settings keep-outputs and keep-derivations say "
     "whether derivations and their outputs keep each other.",
     "cinch store gc --dry-run\ncinch store gc --max 1000000000", gc_options, run_gc},
    {"store delete", "Delete store objects, if nothing keeps them alive", "PATH...", 1, any_number,
     "Nothing is deleted if one of the paths is alive, or is needed by another path, unless "
     "options "
     "say otherwise.",
     "cinch store delete ./result\ncinch store delete --recursive --skip-alive "
     "/nix/store/<hash>-<name>",
     delete_options, run_delete},
    {"store roots", "List what keeps store objects alive", "[PATH...]", 0, any_number, "",
     "cinch store roots\ncinch store roots --why /nix/store/<hash>-<name>", roots_options,
     run_roots},
    {"store add-root",
     "Keep a store object alive by a link to it",
     "LINK PATH",
     2,
     2,
     "LINK becomes a symlink to the object, which is kept alive for as long as the link is there. "
     "An older link into the store is replaced; anything else is left alone, and is an error.",
     "cinch store add-root ./tools /nix/store/<hash>-<name>",
     {},
     run_add_root},
};

}  // namespace

constinit const std::span<const Verb> store_gc_verbs = table;

}  // namespace cinch::cli
