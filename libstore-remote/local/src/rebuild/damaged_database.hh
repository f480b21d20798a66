// What can be read of a database that is damaged, or of one that is not. It is only read; what is
// in its write-ahead log counts.
//
// Tables are walked by row numbers: where a page cannot be read, the next row that can be is
// searched for. Rows that make no sense are passed over, too.
#pragma once

#include "../sqlite.hh"

#include <cinch/core/path_info.hh>
#include <cinch/core/store_path.hh>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

namespace cinch::local {

struct SalvagedPath {
  std::int64_t id;
  PathInfo info;  // without references
};

struct SalvagedOutput {
  std::int64_t derivation;  // an id of ValidPaths
  std::string name;
  StorePath path;
};

// How long to wait for who has the database open without the locks of the store.
constexpr std::uint32_t stranger_ms_max = 1'000;

class DamagedDatabase {
 public:
  // There need be no file, and it need be no database: then nothing can be read. Throws
  // Code::permission_denied, Code::read_only and Code::busy: it may be whole, and readable later.
  DamagedDatabase(const std::string& file_name, StoreDir store_dir, std::stop_token stop = {});

  std::vector<SalvagedPath> paths();
  std::vector<SalvagedOutput> outputs();
  // As pairs of ids: what refers, and to what.
  using IdPair = std::pair<std::int64_t, std::int64_t>;
  std::vector<IdPair> references();
  // By the index of the table alone, which may be whole where the table is not. Empty if it cannot
  // be read, either.
  std::optional<std::vector<std::int64_t>> references_of(std::int64_t id);
  // By the index of paths: what the path's row had as its number.
  std::optional<std::int64_t> id_of(const StorePath& path);
  // Every number that rows of any table, or the counter, say a row of ValidPaths has or had.
  std::set<std::int64_t> mentioned_ids();
  // Tables, indexes and triggers that the other one does not have, with their rows: those of
  // settings that this program does not know.
  void copy_others(SqliteConnection& to);

  // Whether some page of the table of references could not be read.
  bool references_are_damaged() const { return references_are_damaged_; }
  // What was found to be wrong so far.
  const std::vector<std::string>& damage() const { return damage_; }

 private:
  using OnRow = std::function<void(const SqliteStatement&)>;
  // `select` begins with the row's number, and ends with "where rowid >= ? order by rowid". Returns
  // whether every page could be read. Where a page is in the place of another one, rows come out of
  // order, or more than once.
  bool walk(const std::string& table, const std::string& select, const OnRow& row);
  PathInfo info_of_row(const SqliteStatement& row) const;
  void note(std::string damage);
  void copy_rows(SqliteConnection& to, const std::string& table);

  StoreDir store_dir_;
  const std::stop_token stop_;
  std::unique_ptr<SqliteConnection> connection_;
  bool references_are_damaged_ = false;
  std::vector<std::string> damage_;
};

}  // namespace cinch::local
