// Making the database of a local store anew, when it is lost or damaged: from what can be read of
// the old one, and from the objects themselves. What is kept, what is lost and how the two are told
// apart: docs/formats/local-store.md, "Rebuilding the database".
#pragma once

#include <cinch/core/export.hh>
#include <cinch/core/maintenance.hh>
#include <cinch/core/store_path.hh>
#include <cinch/local/local_store.hh>

#include <cstdint>
#include <stop_token>
#include <string>
#include <vector>

namespace cinch {

struct RebuildOptions {
  bool dry_run = false;  // only looks; takes the same locks
  // Also takes objects that look as if whoever wrote them had been interrupted: with times or modes
  // that no valid object has. For stores that were copied without their times.
  bool unfinished = false;
};

// A path that the old database did not tell of, or told wrong things of.
struct RecoveredPath {
  StorePath path;
  // Its path follows from its content: it is whole. Of others nobody can say so but one who has
  // their signatures.
  bool proven = false;
};

struct LeftAlone {
  std::string name;  // in the store directory
  std::string reason;
};

struct RebuildReport {
  std::vector<std::string> damage;       // of the old database, in sentences; empty: none
  std::uint64_t paths_kept = 0;          // that the old database told of
  std::vector<RecoveredPath> recovered;  // sorted by path
  std::vector<VerifyProblem> problems;   // of paths that were kept; sorted by path
  std::vector<LeftAlone> left_alone;     // sorted by name; not valid now, and not touched
  std::uint64_t references_dropped = 0;  // of kept paths, to what is not there
  std::string old_database;              // where it lies now; empty if there was none to replace
  bool unchanged = false;  // the old one is whole, and says all that there is: it stays
};

// Nobody else may have the store open: throws Code::busy, with their names, otherwise. Objects are
// only read, but for modes and times of those that are recovered. The new database is complete, and
// on disk, before it takes the place of the old one, in one step. Throws Code::not_found if there
// is no store; Code::not_supported for another schema; Code::read_only.
CINCH_LOCAL_API RebuildReport rebuild_database(const LocalStoreOptions& store,
                                               const RebuildOptions& options = {},
                                               const MaintenanceListener& listener = {},
                                               std::stop_token stop = {});

}  // namespace cinch
