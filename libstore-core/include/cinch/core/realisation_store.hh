// Realisations that a store keeps, in both forms (docs/formats/realisation.md). They keep no object
// alive, and tell no more than who registered them knew.
#pragma once

#include <cinch/core/export.hh>
#include <cinch/core/realisation.hh>
#include <cinch/core/store.hh>

#include <optional>
#include <span>
#include <vector>

namespace cinch {

// Which forms a store keeps. Asking for, or registering, another one throws Code::not_supported.
struct RealisationForms {
  bool by_path = false;  // Realisation
  bool by_hash = false;  // HashedRealisation
};

class CINCH_CORE_API RealisationStore {
 public:
  virtual ~RealisationStore();

  virtual RealisationForms realisation_forms() = 0;

  // One answer for each key, in order; empty: none is known.
  virtual std::vector<std::optional<Realisation>> find_realisations(
      std::span<const RealisationKey> keys) = 0;
  virtual std::vector<std::optional<HashedRealisation>> find_hashed_realisations(
      std::span<const HashedRealisationKey> keys) = 0;

  // Adds them, or their signatures to what is known. Throws Code::not_trusted as the policy says;
  // Code::invalid_argument if a key is known with another path, or with other dependencies (some
  // replace none). Those by hash need valid paths, and dependencies that are known or among the
  // others, with the same paths: else Code::not_found. A local store takes all or none.
  virtual void register_realisations(std::span<const Realisation> realisations,
                                     SignaturePolicy policy) = 0;
  virtual void register_hashed_realisations(std::span<const HashedRealisation> realisations,
                                            SignaturePolicy policy) = 0;
};

}  // namespace cinch
