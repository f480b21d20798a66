// When each path was last verified, and with what result: so that one who verifies a large store
// now and then need not begin anew each time.
//
// Safe for several threads at once.
#pragma once

#include "own_database.hh"

#include <cinch/core/hash.hh>
#include <cinch/core/store_path.hh>

#include <cstdint>
#include <map>
#include <optional>
#include <span>

namespace cinch::local {

// Part of the on-disk format: never renumber.
enum class VerificationResult : std::int64_t {
  intact = 1,
  changed = 2,     // the contents have another hash, or other permissions
  gone = 3,        // there is no object
  unreadable = 4,  // the object could not be read
};

struct Verification {
  StorePath path;
  Hash nar_hash;      // what it was compared with
  std::int64_t time;  // Unix seconds
  VerificationResult result;
};

class Verifications {
 public:
  // The database must outlive it.
  explicit Verifications(OwnDatabase& database) : database_(database) {}

  // All that is known, by path.
  std::map<StorePath, Verification> all();
  // Replaces what was known about these paths.
  void record(std::span<const Verification> verifications);
  // Forgets what is not among the paths.
  void keep_only(const StorePathSet& paths);

 private:
  OwnDatabase& database_;
};

}  // namespace cinch::local
