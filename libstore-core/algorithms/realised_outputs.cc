#include <cinch/core/derivation_hash.hh>
#include <cinch/core/error.hh>
#include <cinch/core/realisation_store.hh>
#include <cinch/core/realised_outputs.hh>

#include <vector>

namespace cinch {

namespace {

using Outputs = std::map<std::string, std::optional<StorePath>>;

std::vector<std::string> unknown(const Outputs& outputs) {
  std::vector<std::string> names;
  for (const auto& [name, path] : outputs) {
    if (!path) names.push_back(name);
  }
  return names;
}

void find_by_path(RealisationStore& store, const StorePath& path, Outputs& outputs) {
  std::vector<RealisationKey> keys;
  for (const std::string& name : unknown(outputs)) keys.push_back({path, name});
  if (keys.empty()) return;
  const auto found = store.find_realisations(keys);
  for (std::size_t at = 0; at < keys.size(); ++at) {
    if (found[at]) outputs.at(keys[at].output) = found[at]->path;
  }
}

void find_by_hash(Store& store, RealisationStore& realisations, const Derivation& derivation,
                  Outputs& outputs) try {
  const std::vector<std::string> names = unknown(outputs);
  if (names.empty()) return;
  DerivationHasher hasher(store.store_dir(),
                          [&](const StorePath& input) { return store.read_derivation(input); });
  const std::map<std::string, Hash> hashes = hasher.realisation_hashes(derivation);
  if (hashes.empty()) return;
  std::vector<HashedRealisationKey> keys;
  for (const std::string& name : names) keys.push_back({hashes.at(name), name});
  const auto found = realisations.find_hashed_realisations(keys);
  for (std::size_t at = 0; at < keys.size(); ++at) {
    if (found[at]) outputs.at(keys[at].output) = found[at]->path;
  }
} catch (const Error& error) {
  // Without its inputs, it has no hash.
  if (error.code() != Code::not_found) throw;
}

}  // namespace

std::map<std::string, std::optional<StorePath>> find_output_paths(Store& store,
                                                                  const StorePath& path,
                                                                  const Derivation& derivation) {
  Outputs outputs = derivation.output_paths(store.store_dir());
  auto* realisations = capability<RealisationStore>(store);
  if (realisations == nullptr || unknown(outputs).empty()) return outputs;
  const RealisationForms forms = realisations->realisation_forms();
  if (forms.by_path) find_by_path(*realisations, path, outputs);
  if (forms.by_hash) find_by_hash(store, *realisations, derivation, outputs);
  return outputs;
}

}  // namespace cinch
