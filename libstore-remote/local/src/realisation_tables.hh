// The tables of realisations in Nix's database, of both generations: `Realisations` and
// `RealisationsRefs` (Nix 2.4 to 2.34, by hash) and `BuildTraceV3` (since 2.35, by path). Nix makes
// them where content-addressed derivations are switched on; so here, too, a table that is missing
// has no rows, and is made when the first row is put into it. Format:
// docs/formats/local-store.md, "Realisations".
#pragma once

#include "sqlite.hh"

#include <cinch/core/realisation.hh>

#include <optional>
#include <span>
#include <vector>

namespace cinch::local {

// Works with one connection, in a transaction of the caller.
class RealisationTables {
 public:
  RealisationTables(SqliteConnection& connection, const StoreDir& store_dir)
      : connection_(connection), store_dir_(store_dir) {}

  std::vector<std::optional<Realisation>> find(std::span<const RealisationKey> keys);
  std::vector<std::optional<HashedRealisation>> find(std::span<const HashedRealisationKey> keys);
  std::vector<RealisationKey> all_keys();
  std::vector<HashedRealisationKey> all_hashed_keys();

  // Errors as of RealisationStore.
  void put(std::span<const Realisation> realisations);
  void put(std::span<const HashedRealisation> realisations);

  // Those by hash whose paths are in the table Gone, and what others say of these. Those by path
  // stay: they hold for whoever gets the path again.
  static void forget_gone(SqliteConnection& connection);

 private:
  bool has_table(std::string_view name);
  bool has_hashed_tables();

  SqliteConnection& connection_;
  const StoreDir& store_dir_;
};

}  // namespace cinch::local
