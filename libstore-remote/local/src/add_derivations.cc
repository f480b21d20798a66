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
#include <future>
#include <map>
#include <optional>
#include <string_view>
#include <utility>

#include <fcntl.h>

namespace cinch {

namespace {

// Each holds a lock, which is an open file.
constexpr std::size_t locks_max = 128;

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
constexpr std::size_t few = 16;

void for_each_in_parallel(std::size_t count, const std::function<void(std::size_t)>& work) {
  run_parallel_pieces(count, {.piece_max = few, .threads_max = local::hash_threads_max},
                      [&](std::size_t begin, std::size_t end) {
                        for (std::size_t at = begin; at < end; ++at) work(at);
                      });
}

// In a process of several threads, who opens a file waits some milliseconds each time the table of
// open files has to grow. So it grows once, while there may be one thread yet.
void make_room_for_locks(const Directory& directory) {
  constexpr int others_max = 64;
  const Descriptor beyond(
      ::fcntl(directory.get(), F_DUPFD_CLOEXEC, static_cast<int>(2 * locks_max) + others_max));
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
void require_valid(const StoreDir& store_dir, const std::map<StorePath, PathInfo>& infos,
                   const StorePathSet& valid,
                   const local::DerivationChecker::Derivations& together) {
  for (const auto& [referrer, info] : infos) {
    for (const StorePath& path : info.references) {
      if (valid.contains(path) || together.contains(path)) continue;
      throw Error(Code::not_found,
                  "a derivation needs '" + store_dir.print(path) + "', which is not valid")
          .about(store_dir.print(path))
          .hint("add what it refers to first");
    }
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
  if (missing.size() > locks_max) make_room_for_locks(state_->objects());
  // A thread costs more than a few derivations take.
  auto checked = std::async(missing.size() > few ? std::launch::async : std::launch::deferred,
                            [&] { return state_->checker.check(by_path); });
  std::map<StorePath, PathInfo> infos;
  std::map<StorePath, std::string_view> texts;
  for (const std::size_t at : missing) {
    const StorePath& path = named.paths[at];
    infos.emplace(path, describe(path, derivations[at], named.texts[at]));
    texts.emplace(path, named.texts[at]);
  }
  require_valid(store_dir(), infos, valid, by_path);
  std::vector<State::NewText> fresh;
  for (const StorePath& path : sort_topologically(infos)) {
    fresh.push_back({texts.at(path), {std::move(infos.at(path)), {}}});
  }
  state_->install(fresh, std::move(checked));
  return named.paths;
}

// Files in their places, locked, and not registered yet.
struct LocalStore::State::PublishedTexts {
  std::unique_ptr<PathLock> lock;
  local::Published published;
  std::vector<const NewText*> texts;
};

// While some are registered, the files of the next are written; those of the first while all are
// checked.
void LocalStore::State::install(std::span<NewText> texts,
                                std::future<local::DerivationChecker::KnownOutputs> checked) {
  const bool is_one_batch = texts.size() <= locks_max;
  const auto publish_some = [&](std::size_t at) {
    return std::async(is_one_batch ? std::launch::deferred : std::launch::async,
                      [this, some = texts.subspan(at, std::min(locks_max, texts.size() - at))] {
                        return publish(some);
                      });
  };
  std::future<std::unique_ptr<PublishedTexts>> next = publish_some(0);
  local::DerivationChecker::KnownOutputs outputs = checked.get();
  for (NewText& text : texts) {
    local::Registration& registration = text.registration;
    registration.derivation_outputs = std::move(outputs.at(registration.info.path));
  }
  for (std::size_t at = locks_max; next.valid(); at += locks_max) {
    const std::unique_ptr<PublishedTexts> some = next.get();
    if (at < texts.size()) next = publish_some(at);
    std::vector<local::Registration> registrations;
    for (const NewText* text : some->texts) registrations.push_back(text->registration);
    register_together(registrations);
    some->published.keep();
  }
}

std::unique_ptr<LocalStore::State::PublishedTexts> LocalStore::State::publish(
    std::span<const NewText> texts) {
  StorePathSet paths;
  for (const NewText& text : texts) paths.insert(text.registration.info.path);
  std::unique_ptr<PublishedTexts> result(new PublishedTexts{
      .lock = local::lock_paths(objects(), paths, {}, {}),
      .published = local::Published(objects()),
      .texts = {},
  });
  const StorePathSet valid = database.find_valid(paths);
  for (const NewText& text : texts) {
    const StorePath& path = text.registration.info.path;
    if (valid.contains(path)) continue;
    local::StagedFile file(staging, text.text, options.fsync_store_paths);
    result->published.add(path);
    file.publish(path);
    result->texts.push_back(&text);
  }
  if (options.auto_optimise) {
    for (const NewText* text : result->texts) optimise_added(text->registration.info.path);
  }
  return result;
}

}  // namespace cinch
