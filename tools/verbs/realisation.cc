// realisation info.
#include "../context.hh"
#include "../installable.hh"
#include "../json_text.hh"
#include "../verbs.hh"

#include <cinch/core/derivation_hash.hh>
#include <cinch/core/error.hh>
#include <cinch/core/realisation_store.hh>
#include <cinch/local/local_store.hh>

#include <map>
#include <set>

namespace cinch::cli {

namespace {

// What is to be shown, each sorted.
struct Shown {
  std::map<HashedRealisationKey, HashedRealisation> hashed;
  std::map<RealisationKey, Realisation> named;
  StorePathSet paths;  // that somebody asked for in place of outputs
};

class Finder {
 public:
  Finder(Store& store, RealisationStore& realisations)
      : store_(store),
        realisations_(realisations),
        forms_(realisations.realisation_forms()),
        hasher_(store.store_dir(),
                [&store](const StorePath& path) { return store.read_derivation(path); }) {}

  void find(const std::string& text) {
    if (!text.starts_with('/') && text.find('!') != text.npos) {
      const HashedRealisationKey key = HashedRealisationKey::parse(text);
      if (!find_hashed(key)) refuse(text);
      return;
    }
    const DerivingPath wanted = parse_installable(text, store_.store_dir());
    if (const auto* opaque = std::get_if<OpaquePath>(&wanted)) {
      shown_.paths.insert(opaque->path);
      return;
    }
    find_outputs(std::get<BuiltPath>(wanted));
  }
  void find_all(LocalStore& local) {
    for (const HashedRealisationKey& key : local.all_hashed_realisations()) (void)find_hashed(key);
    for (const RealisationKey& key : local.all_realisations()) (void)find_named(key);
  }
  const Shown& shown() const { return shown_; }

 private:
  void find_outputs(const BuiltPath& built) {
    const Derivation derivation = store_.read_derivation(built.derivation);
    std::map<std::string, Hash> hashes;
    if (forms_.by_hash) hashes = hasher_.realisation_hashes(derivation);
    std::set<std::string> names;
    if (const auto* some = std::get_if<std::set<std::string>>(&built.outputs)) names = *some;
    for (const auto& [name, output] : derivation.outputs) {
      if (wants_output(built.outputs, name)) names.insert(name);
    }
    for (const std::string& name : names) {
      if (!derivation.outputs.contains(name)) {
        throw Error(Code::not_found, "the derivation has no output '" + name + "'")
            .about(store_.store_dir().print(built.derivation));
      }
      const RealisationKey key{.derivation = built.derivation, .output = name};
      bool found = forms_.by_path && find_named(key);
      if (const auto hash = hashes.find(name); hash != hashes.end()) {
        found = find_hashed({.derivation_hash = hash->second, .output = name}) || found;
      }
      if (!found) refuse(key.to_string(store_.store_dir()));
    }
  }
  bool find_hashed(const HashedRealisationKey& key) {
    auto found = std::move(realisations_.find_hashed_realisations({&key, 1}).front());
    if (!found) return false;
    shown_.hashed.insert_or_assign(key, *std::move(found));
    return true;
  }
  bool find_named(const RealisationKey& key) {
    auto found = std::move(realisations_.find_realisations({&key, 1}).front());
    if (!found) return false;
    shown_.named.insert_or_assign(key, *std::move(found));
    return true;
  }
  [[noreturn]] void refuse(const std::string& key) const {
    throw Error(Code::not_found, "no realisation of '" + key + "' is known")
        .about(store_.url())
        .hint("it is known once the output has been built");
  }

  Store& store_;
  RealisationStore& realisations_;
  const RealisationForms forms_;
  DerivationHasher hasher_;
  Shown shown_;
};

std::string as_json(const Shown& shown, const StoreDir& store_dir) {
  std::vector<std::string> values;
  for (const auto& [key, found] : shown.hashed) {
    values.push_back(print_hashed_realisation_json(found));
  }
  for (const auto& [key, found] : shown.named) values.push_back(print_realisation_json(found));
  for (const StorePath& path : shown.paths) {
    values.push_back(json_object({{"opaquePath", json_string(store_dir.print(path))}}));
  }
  return json_array(values);
}

void print_text(Output& output, const Shown& shown, const StoreDir& store_dir) {
  for (const auto& [key, found] : shown.hashed) {
    output.line(key.to_string() + " " + store_dir.print(found.path));
  }
  for (const auto& [key, found] : shown.named) {
    output.line(key.derivation.base_name() + "^" + key.output + " " + store_dir.print(found.path));
  }
  for (const StorePath& path : shown.paths) output.line(store_dir.print(path));
}

int run_realisation_info(Context& context) {
  if (context.arguments.positional().empty() && !context.has("--all")) {
    context.refuse("name some outputs, or use --all");
  }
  const std::unique_ptr<Store> store = context.open_store();
  Finder finder(*store, require_capability<RealisationStore>(*store, "keep realisations"));
  for (const std::string& text : context.arguments.positional()) finder.find(text);
  if (context.has("--all")) {
    finder.find_all(require_capability<LocalStore>(*store, "list all realisations"));
  }
  if (context.has("--json")) {
    context.output.line(as_json(finder.shown(), store->store_dir()));
  } else {
    print_text(context.output, finder.shown(), store->store_dir());
  }
  return 0;
}

constexpr Option options[] = {
    {"--all", "", "show every realisation that the store knows"},
    {"--json", "", "print a JSON array"},
};

constexpr Verb table[] = {
    {"realisation info", "Show what outputs of content-addressed derivations came out as",
     "DRV^OUTPUT...", 0, any_number,
     "An output is named as DRV^OUTPUT, or by the hash that older versions of Nix print: "
     "sha256:HASH!OUTPUT. A path stands for itself.",
     "cinch realisation info --json /nix/store/...-hello.drv^out", options, run_realisation_info},
};

}  // namespace

constinit const std::span<const Verb> realisation_verbs = table;

}  // namespace cinch::cli
