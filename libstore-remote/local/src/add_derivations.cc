// Many derivations at once: checked in memory, and registered in few transactions. For each, the
// steps are those of docs/formats/local-store.md, "Adding an object".
#include "batch_order.hh"
#include "ingest.hh"
#include "object_hash.hh"
#include "state.hh"
#include "text_publisher.hh"

#include <cinch/core/derivation_aterm.hh>
#include <cinch/core/error.hh>
#include <cinch/files/parallel.hh>

#include <ctime>
#include <functional>
#include <future>
#include <optional>
#include <string_view>
#include <unordered_set>
#include <utility>

namespace cinch {

namespace {

// Derivations are small: a thread takes several at a time.
constexpr std::size_t few = 16;

void for_each_in_parallel(std::size_t count, const std::function<void(std::size_t)>& work) {
  run_parallel_pieces(count, {.piece_max = few, .threads_max = local::hash_threads_max},
                      [&](std::size_t begin, std::size_t end) {
                        for (std::size_t at = begin; at < end; ++at) work(at);
                      });
}

struct Described {
  std::string text;
  PathInfo info;
};

Described describe(const Derivation& derivation, const StoreDir& store_dir) {
  check_derivation(derivation);
  std::string text = print_derivation(derivation, store_dir);
  local::IgnoreTree nowhere;
  const local::Ingested ingested = local::ingest_file(text, HashAlgorithm::sha256, nowhere);
  const ContentAddress address{ContentAddressMethod::text, ingested.content_hash};
  StorePathSet references = derivation.references();
  // That of derivation_path(), which would hash the text again.
  PathInfo info{.path = make_content_addressed_path(store_dir, derivation.name + ".drv", address,
                                                    {.others = references}),
                .nar_hash = ingested.nar_hash};
  info.nar_size = ingested.nar_size;
  info.registration_time = std::time(nullptr);
  info.references = std::move(references);
  info.content_address = address;
  return {std::move(text), std::move(info)};
}

std::vector<Described> describe_all(std::span<const Derivation> derivations,
                                    const StoreDir& store_dir) {
  std::vector<std::optional<Described>> found(derivations.size());
  for_each_in_parallel(derivations.size(),
                       [&](std::size_t at) { found[at] = describe(derivations[at], store_dir); });
  std::vector<Described> described;
  described.reserve(found.size());
  for (std::optional<Described>& one : found) described.push_back(*std::move(one));
  return described;
}

// These and what they refer to, as one question.
StorePathSet with_references(std::span<const Described> described) {
  StorePathSet all;
  for (const Described& one : described) {
    all.insert(one.info.path);
    all.insert(one.info.references.begin(), one.info.references.end());
  }
  return all;
}

// Derivations that are added together may refer to each other.
void require_valid(const StoreDir& store_dir, const StorePathSet& needed, const StorePathSet& valid,
                   const local::DerivationChecker::Derivations& together) {
  for (const StorePath& path : needed) {
    if (valid.contains(path) || together.contains(path)) continue;
    throw Error(Code::not_found,
                "a derivation needs '" + store_dir.print(path) + "', which is not valid")
        .about(store_dir.print(path))
        .hint("add what it refers to first");
  }
}

// Such that each comes after those that it refers to.
void sort_inputs_first(std::vector<Described>& some) {
  std::vector<local::BatchMember> members;
  members.reserve(some.size());
  for (const Described& one : some) members.push_back({one.info.path, one.info.references});
  std::vector<Described> sorted;
  sorted.reserve(some.size());
  for (const std::size_t place : local::references_first(members)) {
    sorted.push_back(std::move(some[place]));
  }
  some = std::move(sorted);
}

}  // namespace

std::vector<StorePath> LocalStore::add_derivations(std::span<const Derivation> derivations) {
  prepare_to_add();
  local::TextPublisher::make_room(state_->objects(), derivations.size());
  std::vector<Described> described = describe_all(derivations, store_dir());
  std::vector<StorePath> paths;
  local::DerivationChecker::Derivations by_path;
  for (std::size_t at = 0; at < derivations.size(); ++at) {
    paths.push_back(described[at].info.path);
    by_path.emplace(paths.back(), &derivations[at]);
  }
  // A thread costs more than a few derivations take.
  const auto begin = derivations.size() > few ? std::launch::async : std::launch::deferred;
  std::stop_source all_valid;
  auto outputs = std::async(
      begin, [&, stop = all_valid.get_token()] { return state_->checker.check(by_path, stop); });
  state_->roots.add(paths);
  const StorePathSet needed = with_references(described);
  const StorePathSet valid = find_valid(needed);
  require_valid(store_dir(), needed, valid, by_path);
  std::unordered_set<std::string> seen;
  std::erase_if(described, [&](const Described& one) {
    return valid.contains(one.info.path) || !seen.insert(one.info.path.base_name()).second;
  });
  if (described.empty()) {
    all_valid.request_stop();
    return paths;
  }
  sort_inputs_first(described);
  std::vector<local::NewText> texts;
  std::vector<local::Registration> registrations;
  for (Described& one : described) {
    texts.push_back({one.info.path, one.text});
    registrations.push_back({.info = std::move(one.info), .derivation_outputs = {}});
  }
  state_->install(texts, std::move(registrations), std::move(outputs));
  return paths;
}

// The files are written while all are checked, and while those before them are registered.
void LocalStore::State::install(std::span<const local::NewText> texts,
                                std::vector<local::Registration> registrations,
                                std::future<local::DerivationChecker::KnownOutputs> checked) {
  local::TextPublisher publisher(
      {.objects = objects(),
       .fsync = options.fsync_store_paths,
       .find_valid = [this](const StorePathSet& paths) { return database.find_valid(paths); }},
      texts);
  local::DerivationChecker::KnownOutputs outputs = checked.get();
  for (local::Registration& item : registrations) {
    item.derivation_outputs = std::move(outputs.at(item.info.path));
  }
  for (auto batches = publisher.next(); !batches.empty(); batches = publisher.next()) {
    std::vector<local::Registration> some;
    for (const auto& batch : batches) {
      for (const std::size_t place : batch->places) some.push_back(std::move(registrations[place]));
    }
    if (options.auto_optimise) {
      for (const local::Registration& item : some) optimise_added(item.info.path);
    }
    register_together(some);
    for (const auto& batch : batches) batch->published.keep();
    publisher.release(std::move(batches));
  }
}

}  // namespace cinch
