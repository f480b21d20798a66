// path-info.
#include "../context.hh"
#include "../installable.hh"
#include "../terminal_text.hh"
#include "../verbs.hh"

#include <cinch/core/closure.hh>
#include <cinch/core/error.hh>
#include <cinch/core/path_info_json.hh>

#include <algorithm>
#include <iterator>

namespace cinch::cli {

namespace {

using Infos = std::map<StorePath, PathInfo>;

std::string size_column(const Context& context, std::uint64_t size) {
  if (context.has("--human-readable")) return "\t" + human_size(size);
  constexpr std::size_t width = 11;
  const std::string digits = std::to_string(size);
  return "\t" + std::string(width - std::min(width, digits.size()), ' ') + digits;
}

std::string signature_column(const PathInfo& info) {
  std::vector<std::string> words;
  if (info.ultimate) words.push_back("ultimate");
  if (info.content_address) words.push_back("ca:" + info.content_address->to_string());
  for (const Signature& signature : info.signatures) words.push_back(signature.to_string());
  std::string column = "\t";
  for (const std::string& word : words) column += (column.size() > 1 ? " " : "") + word;
  return column;
}

struct Listing {
  std::vector<StorePath> shown;  // in the order of printing
  StorePathSet missing;
  Infos infos;                               // also of the closures, where sizes need them
  std::vector<std::uint64_t> closure_sizes;  // of those that are shown; empty: not asked for
};

void print_text(Context& context, const StoreDir& store_dir, const Listing& listing) {
  const bool columns =
      context.has("--size") || context.has("--closure-size") || context.has("--sigs");
  if (!columns) {
    for (const StorePath& path : listing.shown) context.output.line(store_dir.print(path));
    return;
  }
  const bool size = context.has("--size");
  const bool signatures = context.has("--sigs");
  std::size_t width = 0;
  for (const StorePath& path : listing.shown) {
    width = std::max(width, path.base_name().size());
  }
  for (std::size_t at = 0; at < listing.shown.size(); ++at) {
    const StorePath& path = listing.shown[at];
    const PathInfo& info = listing.infos.at(path);
    std::string line = store_dir.print(path);
    line.append(width - path.base_name().size(), ' ');
    if (size) line += size_column(context, info.nar_size);
    if (!listing.closure_sizes.empty()) line += size_column(context, listing.closure_sizes[at]);
    if (signatures) line += signature_column(info);
    context.output.line(line);
  }
}

PathInfoFormat json_format(Context& context) {
  const std::string text(context.arguments.value("--json-format").value_or("1"));
  if (text == "1") return PathInfoFormat::v1;
  if (text == "2") return PathInfoFormat::v2;
  if (text == "3") return PathInfoFormat::v3;
  context.refuse("--json-format must be 1, 2 or 3");
}

void print_json(Context& context, const StoreDir& store_dir, const Listing& listing,
                PathInfoFormat format) {
  std::vector<PathInfoEntry> entries;
  for (std::size_t at = 0; at < listing.shown.size(); ++at) {
    const StorePath& path = listing.shown[at];
    PathInfoEntry& entry = entries.emplace_back(PathInfoEntry{path, listing.infos.at(path), {}});
    if (!listing.closure_sizes.empty()) entry.closure_size = listing.closure_sizes[at];
  }
  for (const StorePath& path : listing.missing) entries.push_back({path, {}, {}});
  context.output.line(print_path_infos_json(entries, store_dir, format));
}

// The derivations that these were built by; derivations themselves stay.
StorePathSet derivations_of(Store& store, const StorePathSet& paths) {
  const std::vector<StorePath> asked(paths.begin(), paths.end());
  const std::vector<std::optional<PathInfo>> found = store.find(asked);
  StorePathSet derivations;
  for (std::size_t at = 0; at < asked.size(); ++at) {
    if (asked[at].is_derivation()) {
      derivations.insert(asked[at]);
    } else if (found[at] && found[at]->deriver) {
      derivations.insert(*found[at]->deriver);
    } else {
      throw Error(Code::not_found,
                  "no derivation of '" + store.store_dir().print(asked[at]) + "' is known");
    }
  }
  return derivations;
}

StorePathSet wanted_paths(Context& context, Store& store) {
  const auto other = context.arguments.value("--eval-store");
  const std::unique_ptr<Store> derivations =
      other ? open_store(*other, context.settings, context.environment) : nullptr;
  StorePathSet wanted =
      installable_paths(derivations ? *derivations : store, context.arguments.positional());
  if (context.has("--derivation")) wanted = derivations_of(store, wanted);
  if (context.has("--all")) wanted.merge(store.all_valid_paths());
  return wanted;
}

Listing make_listing(Context& context, Store& store) {
  Listing listing;
  StorePathSet wanted = wanted_paths(context, store);
  if (context.has("--json")) {
    StorePathSet valid = store.find_valid(wanted);
    std::ranges::set_difference(wanted, valid,
                                std::inserter(listing.missing, listing.missing.end()));
    wanted = std::move(valid);
  }
  const bool recursive = context.has("--recursive");
  listing.infos = recursive ? compute_closure(store, wanted) : require_all(store, wanted);
  listing.shown = sort_topologically(listing.infos);
  if (context.has("--closure-size")) {
    if (!recursive) listing.infos = compute_closure(store, wanted);
    listing.closure_sizes = closure_sizes(listing.infos, listing.shown);
  }
  return listing;
}

int run_path_info(Context& context) {
  if (context.arguments.positional().empty() && !context.has("--all")) {
    context.refuse("name some paths, or use --all");
  }
  const PathInfoFormat format = json_format(context);
  const std::unique_ptr<Store> store = context.open_store();
  // Never given back: that would take longer than printing it, and the process ends.
  static const Listing* const kept = new Listing(make_listing(context, *store));
  const Listing& listing = *kept;
  if (context.has("--json")) {
    print_json(context, store->store_dir(), listing, format);
  } else {
    print_text(context, store->store_dir(), listing);
  }
  return 0;
}

constexpr Option options[] = {
    {"-r,--recursive", "", "show the whole closures, references first"},
    {"--all", "", "show every valid path"},
    {"-s,--size", "", "show the size of the NAR"},
    {"-S,--closure-size", "", "show the size of the closure"},
    {"-h,--human-readable", "", "show sizes as 1.5K, 20.3M"},
    {"--sigs", "", "show signatures and content addresses"},
    {"--derivation", "", "show the derivations that the objects were built by"},
    {"--eval-store", "URL", "where the DRV of DRV^OUTPUT is read (default: that of --store)"},
    {"--json", "", "print a JSON object by path"},
    {"--json-format", "VERSION", "the form of --json: 1 (the default), 2 or 3"},
};

constexpr Verb table[] = {
    {"path-info", "Show what the store knows about store objects", "PATH...", 0, any_number,
     "A path that is not valid is an error, but with --json an entry that is null.",
     "cinch path-info -rSh ./result", options, run_path_info},
};

}  // namespace

constinit const std::span<const Verb> path_info_verbs = table;

}  // namespace cinch::cli
