// path-info.
#include "../context.hh"
#include "../installable.hh"
#include "../terminal_text.hh"
#include "../verbs.hh"

#include <cinch/core/closure.hh>
#include <cinch/core/error.hh>
#include <cinch/core/path_info_json.hh>

#include <algorithm>
#include <cstdio>

namespace cinch::cli {

namespace {

using Infos = std::map<StorePath, PathInfo>;

std::uint64_t closure_size(const Infos& infos, const StorePath& root) {
  std::uint64_t size = 0;
  StorePathSet seen = {root};
  std::vector<StorePath> waiting = {root};
  while (!waiting.empty()) {
    const PathInfo& info = infos.at(waiting.back());
    waiting.pop_back();
    size += info.nar_size;
    for (const StorePath& reference : info.references) {
      if (seen.insert(reference).second) waiting.push_back(reference);
    }
  }
  return size;
}

std::string size_column(const Context& context, std::uint64_t size) {
  if (context.has("--human-readable")) return "\t" + human_size(size);
  char buffer[32];
  std::snprintf(buffer, sizeof buffer, "\t%11llu", static_cast<unsigned long long>(size));
  return buffer;
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
  Infos infos;  // also of the closures, where sizes need them
};

void print_text(Context& context, const StoreDir& store_dir, const Listing& listing) {
  const bool columns =
      context.has("--size") || context.has("--closure-size") || context.has("--sigs");
  std::size_t width = 0;
  for (const StorePath& path : listing.shown) {
    width = std::max(width, store_dir.print(path).size());
  }
  for (const StorePath& path : listing.shown) {
    const PathInfo& info = listing.infos.at(path);
    std::string line = store_dir.print(path);
    if (columns) line.append(width - line.size(), ' ');
    if (context.has("--size")) line += size_column(context, info.nar_size);
    if (context.has("--closure-size")) {
      line += size_column(context, closure_size(listing.infos, path));
    }
    if (context.has("--sigs")) line += signature_column(info);
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
  for (const StorePath& path : listing.shown) {
    PathInfoEntry& entry = entries.emplace_back(PathInfoEntry{path, listing.infos.at(path), {}});
    if (context.has("--closure-size")) entry.closure_size = closure_size(listing.infos, path);
  }
  for (const StorePath& path : listing.missing) entries.push_back({path, {}, {}});
  context.output.line(print_path_infos_json(entries, store_dir, format));
}

// The paths that are asked for, and those that are not there.
void find_paths(Context& context, Store& store, Listing& listing) {
  StorePathSet wanted = installable_paths(store, context.arguments.positional());
  if (context.has("--all")) wanted.merge(store.all_valid_paths());
  const std::vector<StorePath> asked(wanted.begin(), wanted.end());
  const std::vector<std::optional<PathInfo>> found = store.find(asked);
  for (std::size_t at = 0; at < asked.size(); ++at) {
    if (found[at]) {
      listing.infos.emplace(asked[at], *found[at]);
      listing.shown.push_back(asked[at]);
    } else if (context.has("--json")) {
      listing.missing.insert(asked[at]);
    } else {
      throw Error(Code::not_found, "path '" + store.store_dir().print(asked[at]) + "' is not valid")
          .about(store.url());
    }
  }
}

int run_path_info(Context& context) {
  if (context.arguments.positional().empty() && !context.has("--all")) {
    context.refuse("name some paths, or use --all");
  }
  const PathInfoFormat format = json_format(context);
  const std::unique_ptr<Store> store = context.open_store();
  Listing listing;
  find_paths(context, *store, listing);
  if (context.has("--recursive") || context.has("--closure-size")) {
    const StorePathSet roots(listing.shown.begin(), listing.shown.end());
    listing.infos = compute_closure(*store, roots);
    if (context.has("--recursive")) listing.shown = sort_topologically(listing.infos);
  }
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
