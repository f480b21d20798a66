// derivation show, derivation add, derivation check.
#include "../context.hh"
#include "../file_content.hh"
#include "../installable.hh"
#include "../terminal_text.hh"
#include "../verbs.hh"

#include <cinch/core/cancellation.hh>
#include <cinch/core/derivation_aterm.hh>
#include <cinch/core/derivation_files.hh>
#include <cinch/core/derivation_graph.hh>
#include <cinch/core/derivation_json.hh>
#include <cinch/core/error.hh>

#include <algorithm>
#include <filesystem>

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

// The files that are meant: those that are named, and the derivations that lie in directories.
std::vector<std::string> derivation_files(const std::vector<std::string>& names) {
  std::vector<std::string> files;
  for (const std::string& name : names) {
    std::error_code error;
    if (!std::filesystem::is_directory(name, error)) {
      files.push_back(name);
      continue;
    }
    const std::size_t start = files.size();
    for (auto entry = std::filesystem::directory_iterator(name, error);
         !error && entry != std::filesystem::directory_iterator(); entry.increment(error)) {
      if (entry->path().extension() == ".drv") files.push_back(entry->path().string());
    }
    if (error) throw system_error(error.value(), "cannot list", name);
    if (files.size() == start) {
      throw Error(Code::not_found, "the directory has no file whose name ends in '.drv'")
          .about(name);
    }
    std::sort(files.begin() + static_cast<std::ptrdiff_t>(start), files.end());
  }
  return files;
}

void print_report(Output& output, const DerivationFilesReport& report,
                  const std::vector<std::string>& files) {
  for (const auto& [file, fact, message] : report.mismatches) {
    output.line(printable(files[file] + ": " + std::string(to_string(fact)) + ": " + message));
  }
  output.line(std::to_string(report.files) + " files, " + std::to_string(report.paths_right) +
              " paths right, " + std::to_string(report.outputs_right) + " outputs right, " +
              std::to_string(report.reprints_right) + " reprints right");
}

int run_check(Context& context) {
  const std::vector<std::string> names = derivation_files(context.arguments.positional());
  const std::stop_token stop = context.interruption.begin();
  std::vector<std::string> texts;
  std::vector<std::string> base_names;
  for (const std::string& name : names) {
    check_cancelled(stop);
    texts.push_back(read_whole_file(name, derivation_bytes_max));
    base_names.push_back(name_of_file(name));
  }
  std::vector<DerivationFile> files;
  for (std::size_t at = 0; at < names.size(); ++at) files.push_back({base_names[at], texts[at]});
  const DerivationFilesReport report = check_derivation_files(files, context.store_dir());
  if (context.has("--json")) {
    const std::vector<std::string_view> shown(names.begin(), names.end());
    context.output.line(print_derivation_files_json(report, shown));
  } else {
    print_report(context.output, report, names);
  }
  return report.mismatches.empty() ? 0 : 1;
}

constexpr Option check_options[] = {
    {"--json", "", "print the mismatches and the totals as one JSON object"}};

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
    {"derivation check", "Check derivation files against each other", "FILE|DIR...", 1, any_number,
     "Compares the path, the output paths and the reprinted bytes of each file with what they "
     "should be. Of a directory, checks the files in it that end in '.drv'. Inputs are looked for "
     "among the files that are given. Prints a line for each mismatch and one of totals; the exit "
     "status is 1 if there is a mismatch.",
     "cinch derivation check ./derivations", check_options, run_check},
};

}  // namespace

constinit const std::span<const Verb> derivation_verbs = table;

}  // namespace cinch::cli
