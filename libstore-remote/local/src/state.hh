// What a LocalStore is made of.
#pragma once

#include "database.hh"
#include "derivation_check.hh"
#include "durability.hh"
#include "garbage/automatic.hh"
#include "layout.hh"
#include "object_hash.hh"
#include "own_database.hh"
#include "staging.hh"
#include "temporary_roots.hh"
#include "text_publisher.hh"

#include <cinch/local/local_store.hh>

#include <functional>
#include <future>
#include <span>
#include <stop_token>
#include <string>

namespace cinch {

namespace local {
class Verifier;
}

struct LocalStore::State {
  explicit State(const LocalStoreOptions& given);

  const Directory& objects() const { return directories.objects; }
  WriteTreeOptions write_options() const {
    return {.canonical = true, .fsync = options.fsync_store_paths};
  }
  // Throws Code::read_only for a store that was opened so.
  void check_writable() const;
  std::optional<PathInfo> find_one(const StorePath& path) {
    return std::move(database.find({&path, 1}).front());
  }

  // Registers objects that lie in their places; if that fails, removes them again.
  // REQUIRES: the paths are locked.
  void register_or_remove(std::span<const PathInfo> infos);
  // The same, but leaves them where they are.
  void register_published(std::span<const PathInfo> infos);
  // Finishes what stage() began; returns the paths. Throws Code::invalid_argument.
  StorePathSet finish_staged(std::span<const StagedCommit> commits) const;
  // Moves objects into their places and registers them, all or none. REQUIRES: the paths are locked
  // and not valid.
  struct Publication {
    PathInfo info;
    std::function<void()> publish;
  };
  void publish_and_register(std::span<const Publication> publications);
  // All or nothing. REQUIRES: the objects lie in their places.
  void register_together(std::span<const local::Registration> batch);
  // Takes the lock and the temporary root, publishes and registers, unless the path has become
  // valid. Returns what is registered.
  PathInfo install(const local::StagingDirectory& staged, PathInfo info,
                   const std::stop_token& stop);

  // Links the files of what is about to be registered, where there is such a setting.
  void optimise_added(const StorePath& path);
  void repair(VerifyReport& report, const VerifyOptions& how, local::Verifier& verifier,
              const std::stop_token& stop);
  bool repair_object(const PathInfo& info, VerifyProblemKind kind, Store* source,
                     local::Verifier& verifier, const std::stop_token& stop);
  void forget_gone(VerifyReport& report, const std::stop_token& stop);
  void build_again(VerifyReport& report, const VerifyOptions& how, local::Verifier& verifier,
                   const std::stop_token& stop);
  std::optional<StorePath> find_maker(const StorePath& path);
  // Makes derivations valid; none of them unless all were checked. `registrations` are those of the
  // texts, and get their outputs. REQUIRES: the paths are temporary roots; each derivation refers
  // to nothing but valid paths and some before it.
  void install(std::span<const local::NewText> texts,
               std::vector<local::Registration> registrations,
               std::future<local::DerivationChecker::KnownOutputs> checked);

  // What to register of an object that lies in its place.
  local::Registration examine(const ValidityRegistration& registration, bool canonicalise,
                              const local::HashTreeOptions& how);

  LocalStoreOptions options;
  local::Layout layout;
  local::Database database;
  local::OwnDatabase own_database;
  local::OpenDirectories directories;
  local::TemporaryRoots roots;
  local::StagingArea staging;
  local::DerivationChecker checker;
  local::Durability durability;
  local::AutomaticCollector automatic_collector;
  std::vector<LostPath> lost;
};

}  // namespace cinch
