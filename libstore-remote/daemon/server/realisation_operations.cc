// Realisations, in the form of the client's dialect.
#include "server/handlers.hh"
#include "wire/values.hh"

#include <cinch/core/realisation_store.hh>

#include <optional>
#include <vector>

namespace cinch::handlers {
namespace {

// As for objects: who is trusted may say what it likes, anybody may pass on what a trusted key has
// signed.
SignaturePolicy policy_for(const Session& session) {
  return session.trusted ? SignaturePolicy::accept_unsigned : SignaturePolicy::require_trusted;
}

RealisationStore& realisations_of(const Session& session) {
  return require_capability<RealisationStore>(session.store, "register realisations");
}

// A store that keeps none of this form has none.
template <bool RealisationForms::*Form>
RealisationStore* readable(const Session& session) {
  auto* store = capability<RealisationStore>(session.store);
  return store != nullptr && store->realisation_forms().*Form ? store : nullptr;
}

std::optional<Realisation> find(Session& session, const RealisationKey& key) {
  RealisationStore* store = readable<&RealisationForms::by_path>(session);
  if (store == nullptr) return std::nullopt;
  return std::move(store->find_realisations({&key, 1}).front());
}

std::optional<HashedRealisation> find(Session& session, const HashedRealisationKey& key) {
  RealisationStore* store = readable<&RealisationForms::by_hash>(session);
  if (store == nullptr) return std::nullopt;
  return std::move(store->find_hashed_realisations({&key, 1}).front());
}

}  // namespace

void register_derivation_output(Session& session) {
  if (session.dialect.realisation_with_path) {
    const Realisation given = wire::read_realisation(session.in, session.dialect);
    session.work([&] {
      realisations_of(session).register_realisations({&given, 1}, policy_for(session));
    });
    return;
  }
  const HashedRealisation given = wire::read_hashed_realisation(session.in, session.dialect);
  session.work([&] {
    realisations_of(session).register_hashed_realisations({&given, 1}, policy_for(session));
  });
}

void query_realisation(Session& session) {
  if (session.dialect.realisation_with_path) {
    const RealisationKey key = wire::read_realisation_key(session.in, session.dialect);
    const auto found = session.work([&] { return find(session, key); });
    session.out.flag(found.has_value());
    if (found) wire::write_realisation_value(session.out, session.dialect, *found);
    return;
  }
  const HashedRealisationKey key = wire::read_hashed_key(session.in);
  const auto found = session.work([&] { return find(session, key); });
  session.out.number(found ? 1 : 0);  // of a list
  if (!found) return;
  if (session.dialect.minor >= wire::since_realisation_values) {
    wire::write_hashed_realisation(session.out, session.dialect, *found);
  } else {
    wire::write_path(session.out, session.dialect, found->path);
  }
}

}  // namespace cinch::handlers
