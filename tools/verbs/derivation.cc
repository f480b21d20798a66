// derivation show, derivation add.
#include "../context.hh"
#include "../file_content.hh"
#include "../installable.hh"
#include "../verbs.hh"

#include <cinch/core/cancellation.hh>
#include <cinch/core/derivation_graph.hh>
#include <cinch/core/derivation_json.hh>
#include <cinch/core/error.hh>

namespace cinch::cli {

namespace {

constexpr std::uint64_t graph_bytes_max = std::uint64_t{1} << 30;

// The derivation that is meant: the path itself, or the deriver of an output.
StorePath derivation_of(Store& store, const std::string& text) {
  const DerivingPath wanted = parse_installable(text, store.store_dir());
  if (const auto* built = std::get_if<BuiltPath>(&wanted)) return built->derivation;
  const StorePath& path = std::get<OpaquePath>(wanted).path;
  if (path.is_derivation()) return path;
  const PathInfo info = store.require(path);
  if (info.deriver && store.is_valid(*info.deriver)) return *info.deriver;
  const StorePathSet derivers = store.find_derivers({&path, 1}).front();
  if (!derivers.empty()) return *derivers.begin();
  throw Error(Code::not_found,
              "the store does not know the derivation of '" + store.store_dir().print(path) + "'");
}

// Reads the derivations and, with `recursive`, all that they need, a level at a time.
std::map<StorePath, Derivation> read_graph(Store& store, StorePathSet wanted, bool recursive) {
  std::map<StorePath, Derivation> graph;
  while (!wanted.empty()) {
    const std::vector<StorePath> level(wanted.begin(), wanted.end());
    std::vector<Derivation> derivations = store.read_derivations(level);
    wanted.clear();
    for (std::size_t at = 0; at < level.size(); ++at) {
      graph.emplace(level[at], std::move(derivations[at]));
    }
    if (!recursive) break;
    for (const StorePath& path : level) {
      for (const auto& [input, outputs] : graph.at(path).input_derivations) {
        if (!graph.contains(input)) wanted.insert(input);
      }
    }
  }
  return graph;
}

int run_show(Context& context) {
  const std::unique_ptr<Store> store = context.open_store();
  StorePathSet wanted;
  for (const std::string& text : context.arguments.positional()) {
    wanted.insert(derivation_of(*store, text));
  }
  const auto graph = read_graph(*store, std::move(wanted), context.has("--recursive"));
  context.output.line(print_derivations_json(graph, store->store_dir()));
  return 0;
}

// Returns the paths in the order of the list.
std::vector<StorePath> add_graph(Store& store, const std::map<StorePath, Derivation>& listed) {
  std::map<StorePath, StorePath> added;
  for (AddedDerivation& derivation : add_incomplete_derivations(store, listed)) {
    added.emplace(std::move(derivation.listed), std::move(derivation.path));
  }
  std::vector<StorePath> paths;
  for (const auto& [path, real] : added) paths.push_back(real);
  return paths;
}

// Whether the text is one derivation, not an object of them: it has a derivation's fields at the
// top. Looks at strings and brackets only; whatever is wrong with the text, the parser will say.
bool is_single(std::string_view text) {
  constexpr std::string_view fields[] = {"name", "outputs", "builder"};
  int depth = 0;
  for (std::size_t at = 0; at < text.size(); ++at) {
    const char c = text[at];
    if (c == '{' || c == '[') ++depth;
    if (c == '}' || c == ']') --depth;
    if (c != '"') continue;
    const std::size_t start = at++;
    while (at < text.size() && text[at] != '"') at += text[at] == '\\' ? 2 : 1;
    const std::size_t next = text.find_first_not_of(" \t\r\n", at + 1);
    const bool is_key = next != std::string_view::npos && text[next] == ':';
    if (depth != 1 || !is_key) continue;
    const std::string_view key = text.substr(start + 1, at - start - 1);
    if (std::find(std::begin(fields), std::end(fields), key) != std::end(fields)) return true;
  }
  return false;
}

int run_add(Context& context) {
  std::vector<std::string> files = context.arguments.positional();
  if (files.empty()) files.push_back("-");
  std::vector<std::string> texts;
  // Read before anything is added, so that a bad name or a closed terminal leaves nothing half
  // done.
  for (const std::string& file : files) {
    texts.push_back(read_whole_file(file, graph_bytes_max));
  }
  const std::stop_token stop = context.interruption.begin();
  const std::unique_ptr<Store> store = context.open_store();
  for (std::size_t at = 0; at < files.size(); ++at) {
    check_cancelled(stop);
    try {
      const std::vector<StorePath> added =
          is_single(texts[at])
              ? std::vector{add_incomplete_derivation(
                    *store, parse_derivation_json(texts[at], store->store_dir()))}
              : add_graph(*store, parse_derivations_json(texts[at], store->store_dir()));
      for (const StorePath& path : added) context.output.line(store->store_dir().print(path));
    } catch (Error& error) {
      error.add_context(files[at] == "-" ? "standard input" : files[at]);
      throw;
    }
  }
  return 0;
}

constexpr Option show_options[] = {
    {"-r,--recursive", "", "show everything that the derivations need, too"}};

constexpr Verb table[] = {
    {"derivation show", "Print derivations as JSON", "PATH...", 1, any_number,
     "PATH is a derivation or one of its outputs.", "cinch derivation show -r ./result",
     show_options, run_show},
    {"derivation add",
     "Add derivations from JSON to the store",
     "[FILE...]",
     0,
     any_number,
     "Reads one derivation, or an object of them as 'derivation show' prints it, from each file "
     "or from standard input, and prints their paths. The paths of outputs that are given as {} "
     "are computed and filled in.",
     "cinch derivation add < hello.json",
     {},
     run_add},
};

}  // namespace

constinit const std::span<const Verb> derivation_verbs = table;

}  // namespace cinch::cli
