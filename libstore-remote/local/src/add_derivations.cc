// Many derivations at once: checked in memory, and registered in few transactions. For each, the
// steps are those of docs/formats/local-store.md, "Adding an object".
#include "ingest.hh"
#include "path_lock.hh"
#include "published.hh"
#include "state.hh"

#include <cinch/core/closure.hh>
#include <cinch/core/derivation_aterm.hh>
#include <cinch/core/error.hh>

#include <algorithm>
#include <ctime>
#include <utility>

namespace cinch {

namespace {

// Each holds a lock, which is an open file.
constexpr std::size_t locks_max = 256;

PathInfo describe(const StorePath& path, const Derivation& derivation, std::string_view text) {
  local::IgnoreTree nowhere;
  const local::Ingested ingested = local::ingest_file(text, HashAlgorithm::sha256, nowhere);
  PathInfo info{.path = path, .nar_hash = ingested.nar_hash};
  info.nar_size = ingested.nar_size;
  info.registration_time = std::time(nullptr);
  info.references = derivation.references();
  info.content_address = ContentAddress{ContentAddressMethod::text, ingested.content_hash};
  return info;
}

// Derivations that are added together may refer to each other.
void require_valid(Store& store, const StorePathSet& references,
                   const local::DerivationChecker::Derivations& together) {
  StorePathSet others;
  for (const StorePath& path : references) {
    if (!together.contains(path)) others.insert(others.end(), path);
  }
  const StorePathSet valid = store.find_valid(others);
  for (const StorePath& path : others) {
    if (valid.contains(path)) continue;
    throw Error(Code::not_found,
                "a derivation needs '" + store.store_dir().print(path) + "', which is not valid")
        .about(store.store_dir().print(path))
        .hint("add what it refers to first");
  }
}

}  // namespace

std::vector<StorePath> LocalStore::add_derivations(std::span<const Derivation> derivations) {
  prepare_to_add();
  std::vector<StorePath> paths;
  std::map<StorePath, std::string> texts;
  local::DerivationChecker::Derivations by_path;
  for (const Derivation& derivation : derivations) {
    check_derivation(derivation);
    std::string text = print_derivation(derivation, store_dir());
    paths.push_back(derivation_path(store_dir(), derivation, text));
    if (by_path.emplace(paths.back(), &derivation).second) {
      texts.emplace(paths.back(), std::move(text));
    }
  }
  state_->roots.add(paths);
  for (const StorePath& valid : find_valid(StorePathSet(paths.begin(), paths.end()))) {
    texts.erase(valid);
  }
  if (texts.empty()) return paths;
  auto outputs = state_->checker.check(by_path);
  std::map<StorePath, PathInfo> infos;
  StorePathSet references;
  for (const auto& [path, text] : texts) {
    PathInfo info = describe(path, *by_path.at(path), text);
    references.insert(info.references.begin(), info.references.end());
    infos.emplace_hint(infos.end(), path, std::move(info));
  }
  require_valid(*this, references, by_path);
  std::vector<State::NewText> fresh;
  for (const StorePath& path : sort_topologically(infos)) {
    fresh.push_back({std::move(texts.at(path)), {std::move(infos.at(path)), outputs.at(path)}});
  }
  const std::span<const State::NewText> all(fresh);
  for (std::size_t at = 0; at < all.size(); at += locks_max) {
    state_->install(all.subspan(at, std::min(locks_max, all.size() - at)));
  }
  return paths;
}

void LocalStore::State::install(std::span<const NewText> texts) {
  StorePathSet paths;
  for (const NewText& text : texts) paths.insert(text.registration.info.path);
  const auto lock = local::lock_paths(objects(), paths, {}, {});
  const StorePathSet valid = database.find_valid(paths);
  local::Published published(objects());
  std::vector<local::Registration> batch;
  for (const NewText& text : texts) {
    const StorePath& path = text.registration.info.path;
    if (valid.contains(path)) continue;
    local::StagedFile file(staging, text.text, options.fsync_store_paths);
    published.add(path);
    file.publish(path);
    batch.push_back(text.registration);
  }
  if (options.auto_optimise) {
    for (const local::Registration& item : batch) optimise_added(item.info.path);
  }
  register_together(batch);
  published.keep();
}

}  // namespace cinch
