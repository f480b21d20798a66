#include "load_derivations.hh"

#include <cinch/core/error.hh>

#include <optional>
#include <string>
#include <utility>

namespace cinch {
namespace {

DerivationNotLoaded not_loaded(const StorePath& path, std::string message) {
  BuildResult result{.wanted = BuiltPath{path, AllOutputs{}}};
  result.status = BuildStatus::misc_failure;
  result.error_message = std::move(message);
  return {path, std::move(result)};
}

// Reads all at once; only if that fails one by one, to learn which one it is.
std::map<StorePath, Derivation> read(Store& store, const StorePathSet& valid,
                                     std::map<StorePath, std::string>& failures) {
  std::vector<StorePath> paths(valid.begin(), valid.end());
  std::map<StorePath, Derivation> derivations;
  try {
    std::vector<Derivation> found = store.read_derivations(paths);
    for (std::size_t i = 0; i < paths.size(); ++i) {
      derivations.emplace(paths[i], std::move(found[i]));
    }
    return derivations;
  } catch (const Error&) {
    derivations.clear();
  }
  for (const StorePath& path : paths) {
    try {
      derivations.emplace(path, store.read_derivation(path));
    } catch (const Error& error) {
      failures.emplace(path, error.what());
    }
  }
  return derivations;
}

// Protects everything that is known by name, and returns which outputs are valid.
StorePathSet find_valid_outputs(Store& store, const std::map<StorePath, Derivation>& derivations) {
  StorePathSet outputs;
  StorePathSet roots;
  for (const auto& [path, derivation] : derivations) {
    for (const auto& [name, output] : derivation.output_paths(store.store_dir())) {
      if (output) outputs.insert(*output);
    }
    roots.insert(path);
    roots.insert(derivation.input_sources.begin(), derivation.input_sources.end());
  }
  roots.insert(outputs.begin(), outputs.end());
  std::vector<StorePath> all(roots.begin(), roots.end());
  store.add_temporary_roots(all);
  return store.find_valid(outputs);
}

DerivationLoaded describe(Store& store, const StorePath& path, const Derivation& derivation,
                          const StorePathSet& valid) {
  DerivationLoaded loaded{.derivation = path, .inputs = derivation.input_derivations};
  loaded.is_impure = derivation.is_impure();
  loaded.may_need_impure = derivation.may_need_impure();
  for (const auto& [name, output] : derivation.output_paths(store.store_dir())) {
    loaded.outputs.insert(name);
    if (!output || valid.count(*output) == 0) loaded.missing.insert(name);
  }
  return loaded;
}

}  // namespace

LoadedDerivations load_derivations(Store& store, std::span<const StorePath> paths) {
  LoadedDerivations loaded;
  std::map<StorePath, std::string> failures;
  StorePathSet valid_outputs;
  try {
    StorePathSet valid = store.find_valid(StorePathSet(paths.begin(), paths.end()));
    loaded.derivations = read(store, valid, failures);
    valid_outputs = find_valid_outputs(store, loaded.derivations);
  } catch (const Error& error) {
    loaded.derivations.clear();
    for (const StorePath& path : paths) failures.emplace(path, error.what());
  }
  for (const StorePath& path : paths) {
    auto found = loaded.derivations.find(path);
    if (found != loaded.derivations.end()) {
      loaded.events.emplace_back(describe(store, path, found->second, valid_outputs));
      continue;
    }
    auto failure = failures.find(path);
    std::string printed = store.store_dir().print(path);
    loaded.events.emplace_back(not_loaded(
        path, failure != failures.end()
                  ? failure->second
                  : "derivation '" + printed + "' is not in the store '" + store.url() + "'"));
  }
  return loaded;
}

}  // namespace cinch
