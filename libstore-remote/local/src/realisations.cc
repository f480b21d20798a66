// Realisations of a LocalStore.
#include "realisation_tables.hh"
#include "state.hh"

#include <cinch/core/error.hh>

#include <type_traits>

namespace cinch {

namespace {

using local::RealisationTables;
using local::SqliteConnection;

void check_trust(const std::string& key, const std::string& fingerprint,
                 const std::set<Signature>& given, const LocalStoreOptions& options) {
  const std::vector<Signature> signatures(given.begin(), given.end());
  if (count_valid_signatures(options.trusted_keys, fingerprint, signatures) > 0) return;
  throw Error(Code::not_trusted, given.empty() ? "the realisation is not signed"
                                               : "the realisation is not signed by a trusted key")
      .about(key)
      .hint("add the signer's key to trusted-public-keys");
}

bool needs_signature(SignaturePolicy policy, const LocalStoreOptions& options) {
  return policy == SignaturePolicy::require_trusted && options.require_signatures;
}

// What the tables answer.
template <class Question>
auto ask(local::Database& database, const StoreDir& store_dir, Question question) {
  std::invoke_result_t<Question, RealisationTables> answer;
  database.read([&](SqliteConnection& connection) {
    answer = question(RealisationTables(connection, store_dir));
  });
  return answer;
}

}  // namespace

RealisationForms LocalStore::realisation_forms() { return {.by_path = true, .by_hash = true}; }

std::vector<std::optional<Realisation>> LocalStore::find_realisations(
    std::span<const RealisationKey> keys) {
  return ask(state_->database, store_dir(),
             [&](RealisationTables tables) { return tables.find(keys); });
}

std::vector<std::optional<HashedRealisation>> LocalStore::find_hashed_realisations(
    std::span<const HashedRealisationKey> keys) {
  return ask(state_->database, store_dir(),
             [&](RealisationTables tables) { return tables.find(keys); });
}

std::vector<RealisationKey> LocalStore::all_realisations() {
  return ask(state_->database, store_dir(),
             [](RealisationTables tables) { return tables.all_keys(); });
}

std::vector<HashedRealisationKey> LocalStore::all_hashed_realisations() {
  return ask(state_->database, store_dir(),
             [](RealisationTables tables) { return tables.all_hashed_keys(); });
}

void LocalStore::register_realisations(std::span<const Realisation> realisations,
                                       SignaturePolicy policy) {
  state_->check_writable();
  if (needs_signature(policy, state_->options)) {
    for (const Realisation& given : realisations) {
      check_trust(given.key.to_string(store_dir()), given.fingerprint(), given.signatures,
                  state_->options);
    }
  }
  state_->database.write([&](SqliteConnection& connection) {
    RealisationTables(connection, store_dir()).put(realisations);
  });
}

void LocalStore::register_hashed_realisations(std::span<const HashedRealisation> realisations,
                                              SignaturePolicy policy) {
  state_->check_writable();
  if (needs_signature(policy, state_->options)) {
    for (const HashedRealisation& given : realisations) {
      check_trust(given.key.to_string(), given.fingerprint(), given.signatures, state_->options);
    }
  }
  state_->database.write([&](SqliteConnection& connection) {
    RealisationTables(connection, store_dir()).put(realisations);
  });
}

}  // namespace cinch
