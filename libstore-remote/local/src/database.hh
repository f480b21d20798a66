// What is valid, and what is known about it: Nix's database, schema 10. Its SQL is in database.cc,
// database_writer.cc, closure_query.cc and realisation_tables.cc; tables and invariants:
// docs/formats/local-store.md.
//
// Safe for several threads at once: readers have connections of their own, writers take turns.
#pragma once

#include "garbage/store_graph.hh"
#include "sqlite.hh"

#include <cinch/core/path_info.hh>

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace cinch::local {

// The number in db/schema; part of the on-disk format.
constexpr int database_schema = 10;

// What to do about a database that is damaged or gone: a hint.
extern const char* const database_remedy;
// A row means a row of ValidPaths that is not there. Throws Code::corrupt.
[[noreturn]] void throw_unknown_id(std::int64_t id);

// Makes the tables that every store has; part of the on-disk format.
extern const char* const create_tables_sql;

struct DatabaseOptions {
  std::string file_name;
  StoreDir store_dir;
  bool read_only = false;
  bool wal = true;
  bool synchronous = true;
  std::uint32_t busy_ms_max = 60'000;
};

struct Registration {
  PathInfo info;
  // For derivations: what they make.
  std::map<std::string, StorePath> derivation_outputs;
};

class Database {
 public:
  // Opens an existing database, or a new and empty one. REQUIRES for a new one: nobody else does
  // so at the same time, and create_tables() follows.
  explicit Database(const DatabaseOptions& options);
  ~Database();
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  void create_tables();

  std::vector<std::optional<PathInfo>> find(std::span<const StorePath> paths);
  StorePathSet find_valid(const StorePathSet& paths);
  std::optional<StorePath> find_by_hash_part(std::string_view hash_part);
  StorePathSet all_valid_paths();
  std::vector<StorePathSet> find_referrers(std::span<const StorePath> paths);
  std::vector<StorePathSet> find_derivers(std::span<const StorePath> paths);
  // As compute_closure(): rows are found by their numbers, so that each path is looked up and read
  // once, however many refer to it.
  std::map<StorePath, PathInfo> find_closure(const StorePathSet& roots);
  GraphRows read_graph();
  // The greatest id of a row of ValidPaths; 0 if there is none.
  std::int64_t last_id();
  // Paths with a greater id, as far as they were registered within so many seconds before the last
  // one of them.
  std::vector<StorePath> registered_after(std::int64_t id, std::int64_t seconds);

  // All or nothing. References must be valid or part of the batch; else Code::not_found. Rows that
  // exist are updated.
  void register_valid(std::span<const Registration> batch);
  // Takes paths, by their ids, from the database, one after the other and in one transaction. Says
  // of each whether it is gone: not if another path refers to it.
  std::vector<bool> invalidate(std::span<const std::int64_t> ids);
  // Brings what was committed into the database's file, as far as no reader is in the way. Whoever
  // closes the database last does so, too, and then has less to do.
  void checkpoint();
  // All or nothing. Throws Code::not_found if a path is not valid.
  void add_signatures(const std::map<StorePath, std::set<Signature>>& signatures);

  // For tables with a class of their own (RealisationTables): each does the work in a transaction,
  // one sees one state of the database, the other is all or nothing.
  using Work = std::function<void(SqliteConnection&)>;
  void read(const Work& work);
  void write(const Work& work);

 private:
  struct Reader;
  struct Writer;
  struct Reference;
  class ReaderLease;

  std::unique_ptr<SqliteConnection> connect() const;
  Writer& writer();
  std::unique_ptr<Writer> open_writer();
  void forget_readers();
  GraphRows read_graph(SqliteConnection& connection) const;
  StorePathSet find_valid(SqliteConnection& connection, SqliteStatement& statement,
                          const StorePathSet& paths) const;
  PathInfo read_info(Reader& reader, const StorePath& path) const;
  // Without references. The columns are id and path_columns.
  PathInfo info_of_row(const SqliteStatement& row, const StorePath& path) const;
  StorePath parse_path(std::string_view full_path) const;
  std::vector<StorePathSet> find_sets(std::span<const StorePath> paths,
                                      SqliteStatement Reader::*statement);

  DatabaseOptions options_;
  std::mutex readers_mutex_;
  std::vector<std::unique_ptr<Reader>> idle_readers_;
  std::mutex writer_mutex_;
  std::unique_ptr<Writer> writer_;
  std::unique_ptr<SqliteConnection> next_writer_;
};

}  // namespace cinch::local
