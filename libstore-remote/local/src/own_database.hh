// Cinch's own database beside Nix's: `<state>/db/cinch.sqlite`. What Nix has no table for goes
// here, never into Nix's. Nothing in it is needed: a store that loses it works on as if it were
// new. Tables are in docs/formats/local-store.md, "Cinch's own database"; those who use one have a
// class of their own for it (Verifications), built on read() and write().
//
// The file is made by the first write. Safe for several threads at once.
#pragma once

#include "sqlite.hh"

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>

namespace cinch::local {

// The pragma user_version of the file; part of the on-disk format. See `migrations` in the source.
extern const int own_database_version;

struct OwnDatabaseOptions {
  std::string file_name;
  bool read_only = false;
  bool wal = true;
  bool synchronous = true;
  std::uint32_t busy_ms_max = 60'000;
};

class OwnDatabase {
 public:
  using Work = std::function<void(SqliteConnection&)>;

  // Opens nothing yet.
  explicit OwnDatabase(OwnDatabaseOptions options) : options_(std::move(options)) {}
  OwnDatabase(const OwnDatabase&) = delete;
  OwnDatabase& operator=(const OwnDatabase&) = delete;

  // Does the work in a transaction that sees one state of the database. False, without doing it, if
  // there is no database: then every table is empty. Throws Code::not_supported if a newer version
  // wrote the file, Code::corrupt if it is damaged.
  bool read(const Work& work);
  // Does the work in a transaction that is all or nothing, and makes the database if there is none.
  // Also throws Code::read_only if the store was opened so.
  void write(const Work& work);
  // The same; and it is on disk when this returns, unless `synchronous` is off.
  void write_to_disk(const Work& work);

 private:
  void write(const Work& work, bool to_disk);
  void forget_broken();
  SqliteConnection* connection_if_exists();
  SqliteConnection& connection_for_writing();
  std::unique_ptr<SqliteConnection> connect() const;
  int read_version(SqliteConnection& connection) const;
  void migrate(SqliteConnection& connection) const;

  const OwnDatabaseOptions options_;
  std::mutex mutex_;
  std::unique_ptr<SqliteConnection> connection_;
  bool migrated_ = false;
};

}  // namespace cinch::local
