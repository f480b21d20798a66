// What is valid survives a power failure. Objects are not flushed to disk one by one; instead, the
// last registration that is known to be on disk is remembered, and when the machine has stopped
// since, younger ones are looked at again, once, by whoever opens the store first.
// docs/formats/local-store.md, "Durability".
//
// Safe for several threads at once.
#pragma once

#include "database.hh"
#include "layout.hh"
#include "own_database.hh"

#include <cinch/local/local_store.hh>

#include <cstdint>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <thread>
#include <vector>

namespace cinch::local {

class Durability {
 public:
  // All must outlive it.
  Durability(Database& database, OwnDatabase& own_database, const OpenDirectories& directories)
      : database_(database), own_database_(own_database), directories_(directories) {}
  Durability(const Durability&) = delete;
  Durability& operator=(const Durability&) = delete;

  // If the machine has started anew since the last registration that is known to be on disk: takes
  // from the database what is damaged, and what refers to it. Returns these paths. Waits for
  // another process that does the same.
  std::vector<LostPath> recover();

  // Around each registration.
  void before_registration();
  void after_registration();

 private:
  struct Mark {
    std::string boot_id;      // when the machine last started
    std::int64_t last_id;     // the last row of ValidPaths that is on disk
    std::int64_t moved_time;  // Unix seconds
  };

  std::optional<Mark> read_mark();
  void write_mark(const Mark& mark);
  std::vector<LostPath> recover_from(const Mark& mark);
  std::vector<LostPath> find_damaged(const std::vector<StorePath>& paths);
  void flush() const;
  void move_mark();

  Database& database_;
  OwnDatabase& own_database_;
  const OpenDirectories& directories_;
  std::mutex mutex_;
  std::optional<Mark> mark_;
  bool unusable_ = false;  // there is no mark, and none can be made
  std::jthread mover_;
};

// For whoever gives rows other numbers: what is registered is on disk when this returns, and no row
// is remembered.
void forget_durability(OwnDatabase& own_database, std::span<const Directory* const> directories);

}  // namespace cinch::local
