// Many derivations at once: checked in memory, and registered in few transactions. For each, the
// steps are those of docs/formats/local-store.md, "Adding an object".
#include "ingest.hh"
#include "object_hash.hh"
#include "path_lock.hh"
#include "published.hh"
#include "state.hh"

#include <cinch/core/closure.hh>
#include <cinch/core/derivation_aterm.hh>
#include <cinch/core/error.hh>
#include <cinch/files/parallel.hh>

#include <algorithm>
#include <ctime>
#include <functional>
#include <map>
#include <optional>
#include <string_view>
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

// Derivations are small: a thread takes several at a time.
void for_each_in_parallel(std::size_t count, const std::function<void(std::size_t)>& work) {
  constexpr std::size_t together = 16;
  run_parallel((count + together - 1) / together, local::hash_threads_max, [&](std::size_t piece) {
    const std::size_t end = std::min(count, (piece + 1) * together);
    for (std::size_t at = piece * together; at < end; ++at) work(at);
  });
}

struct Named {
  std::vector<StorePath> paths;
  std::vector<std::string> texts;
};

Named name_all(std::span<const Derivation> derivations, const StoreDir& store_dir) {
  Named named{.paths = {}, .texts = std::vector<std::string>(derivations.size())};
  std::vector<std::optional<StorePath>> paths(derivations.size());
  for_each_in_parallel(derivations.size(), [&](std::size_t at) {
    check_derivation(derivations[at]);
    named.texts[at] = print_derivation(derivations[at], store_dir);
    paths[at] = derivation_path(store_dir, derivations[at], named.texts[at]);
  });
  named.paths.reserve(paths.size());
  for (std::optional<StorePath>& path : paths) named.paths.push_back(*std::move(path));
  return named;
}

// Derivations that are added together may refer to each other.
void require_valid(const StoreDir& store_dir, const StorePathSet& references,
                   const StorePathSet& valid,
                   const local::DerivationChecker::Derivations& together) {
  for (const StorePath& path : references) {
    if (valid.contains(path) || together.contains(path)) continue;
    throw Error(Code::not_found,
                "a derivation needs '" + store_dir.print(path) + "', which is not valid")
        .about(store_dir.print(path))
        .hint("add what it refers to first");
  }
}

// These and what they refer to, as one question.
StorePathSet with_references(const std::vector<StorePath>& paths,
                             std::span<const Derivation> derivations) {
  StorePathSet all(paths.begin(), paths.end());
  for (const Derivation& derivation : derivations) all.merge(derivation.references());
  return all;
}

}  // namespace

std::vector<StorePath> LocalStore::add_derivations(std::span<const Derivation> derivations) {
  prepare_to_add();
  const Named named = name_all(derivations, store_dir());
  state_->roots.add(named.paths);
  const StorePathSet valid = find_valid(with_references(named.paths, derivations));
  local::DerivationChecker::Derivations by_path;
  std::vector<std::size_t> missing;
  for (std::size_t at = 0; at < named.paths.size(); ++at) {
    const bool is_first = by_path.emplace(named.paths[at], &derivations[at]).second;
    if (is_first && !valid.contains(named.paths[at])) missing.push_back(at);
  }
  if (missing.empty()) return named.paths;
  auto outputs = state_->checker.check(by_path);
  std::vector<std::optional<PathInfo>> described(missing.size());
  for_each_in_parallel(missing.size(), [&](std::size_t at) {
    const std::size_t number = missing[at];
    described[at] = describe(named.paths[number], derivations[number], named.texts[number]);
  });
  StorePathSet references;
  std::map<StorePath, PathInfo> infos;
  std::map<StorePath, std::string_view> texts;
  for (std::size_t at = 0; at < missing.size(); ++at) {
    const StorePath& path = named.paths[missing[at]];
    references.insert(described[at]->references.begin(), described[at]->references.end());
    infos.emplace(path, *std::move(described[at]));
    texts.emplace(path, named.texts[missing[at]]);
  }
  require_valid(store_dir(), references, valid, by_path);
  std::vector<State::NewText> fresh;
  for (const StorePath& path : sort_topologically(infos)) {
    fresh.push_back({texts.at(path), {std::move(infos.at(path)), std::move(outputs.at(path))}});
  }
  const std::span<const State::NewText> all(fresh);
  for (std::size_t at = 0; at < all.size(); at += locks_max) {
    state_->install(all.subspan(at, std::min(locks_max, all.size() - at)));
  }
  return named.paths;
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
