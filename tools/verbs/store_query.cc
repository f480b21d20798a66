// store path-from-hash-part, store statistics.
#include "../context.hh"
#include "../json_text.hh"
#include "../terminal_text.hh"
#include "../verbs.hh"

#include <cinch/core/error.hh>

#include <algorithm>
#include <charconv>

namespace cinch::cli {

namespace {

int run_path_from_hash_part(Context& context) {
  const std::string& hash_part = context.arguments.positional().front();
  check_hash_part(hash_part);
  const std::unique_ptr<Store> store = context.open_store();
  if (const auto path = store->find_by_hash_part(hash_part)) {
    context.output.line(store->store_dir().print(*path));
    return 0;
  }
  throw Error(Code::not_found, "no valid path has the hash part '" + hash_part + "'")
      .about(store->url());
}

struct Statistics {
  std::uint64_t paths = 0;
  std::uint64_t derivations = 0;
  std::uint64_t content_addressed = 0;
  std::uint64_t signed_paths = 0;
  std::uint64_t references = 0;
  std::uint64_t nar_bytes = 0;
  std::vector<std::pair<std::uint64_t, StorePath>> biggest;  // the biggest first
};

Statistics count(Store& store, std::size_t biggest_count) {
  const StorePathSet all = store.all_valid_paths();
  const std::vector<StorePath> paths(all.begin(), all.end());
  Statistics statistics;
  for (const std::optional<PathInfo>& info : store.find(paths)) {
    if (!info) continue;  // deleted meanwhile
    ++statistics.paths;
    if (info->path.is_derivation()) ++statistics.derivations;
    if (info->content_address) ++statistics.content_addressed;
    if (!info->signatures.empty()) ++statistics.signed_paths;
    statistics.references += info->references.size();
    statistics.nar_bytes += info->nar_size;
    statistics.biggest.emplace_back(info->nar_size, info->path);
  }
  std::ranges::stable_sort(statistics.biggest, std::ranges::greater(),
                           [](const auto& entry) { return entry.first; });
  if (statistics.biggest.size() > biggest_count) {
    statistics.biggest.erase(
        statistics.biggest.begin() + static_cast<std::ptrdiff_t>(biggest_count),
        statistics.biggest.end());
  }
  return statistics;
}

std::string as_json(const Statistics& statistics, const StoreDir& store_dir) {
  std::vector<std::string> biggest;
  for (const auto& [size, path] : statistics.biggest) {
    biggest.push_back(json_object(
        {{"path", json_string(store_dir.print(path))}, {"narSize", std::to_string(size)}}));
  }
  return json_object({{"paths", std::to_string(statistics.paths)},
                      {"derivations", std::to_string(statistics.derivations)},
                      {"contentAddressed", std::to_string(statistics.content_addressed)},
                      {"signed", std::to_string(statistics.signed_paths)},
                      {"references", std::to_string(statistics.references)},
                      {"narSize", std::to_string(statistics.nar_bytes)},
                      {"biggest", json_array(biggest)}});
}

int run_statistics(Context& context) {
  std::size_t biggest_count = 10;
  if (const auto text = context.arguments.value("--biggest")) {
    const auto [end, error] =
        std::from_chars(text->data(), text->data() + text->size(), biggest_count);
    if (error != std::errc() || end != text->data() + text->size()) {
      context.refuse("--biggest takes a number, not '" + *text + "'");
    }
  }
  const std::unique_ptr<Store> store = context.open_store();
  const Statistics statistics = count(*store, biggest_count);
  if (context.has("--json")) {
    context.output.line(as_json(statistics, store->store_dir()));
    return 0;
  }
  const auto line = [&](std::string_view what, std::uint64_t number) {
    context.output.line(std::string(what) + std::to_string(number));
  };
  line("paths:             ", statistics.paths);
  line("derivations:       ", statistics.derivations);
  line("content-addressed: ", statistics.content_addressed);
  line("signed:            ", statistics.signed_paths);
  line("references:        ", statistics.references);
  line("bytes of NARs:     ", statistics.nar_bytes);
  for (const auto& [size, path] : statistics.biggest) {
    context.output.line(human_size(size) + "  " + store->store_dir().print(path));
  }
  return 0;
}

constexpr Option statistics_options[] = {
    {"--biggest", "COUNT", "how many of the biggest objects to name (default: 10)"},
    {"--json", "", "print the answer as JSON"},
};

constexpr Verb table[] = {
    {"store path-from-hash-part",
     "Print the valid path that has a hash part",
     "HASHPART",
     1,
     1,
     "The hash part is the 32 characters before the name.",
     "cinch store path-from-hash-part zr2knphxg8yyy2mkq8akf2hfknjvdiz7",
     {},
     run_path_from_hash_part},
    {"store statistics", "Count the objects of a store and name the biggest", "", 0, 0, "",
     "cinch store statistics --biggest 3", statistics_options, run_statistics},
};

}  // namespace

constinit const std::span<const Verb> store_query_verbs = table;

}  // namespace cinch::cli
