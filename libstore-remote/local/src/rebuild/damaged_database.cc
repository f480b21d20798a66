#include "damaged_database.hh"

#include "../path_row.hh"

#include <cinch/core/cancellation.hh>
#include <cinch/core/error.hh>

#include <algorithm>
#include <cerrno>
#include <limits>
#include <unordered_set>

#include <sys/stat.h>

namespace cinch::local {

namespace {

// What is not the damaged file's fault must not be taken for it.
bool is_damage(const Error& error) {
  switch (error.code()) {
    case Code::corrupt:
    case Code::io:
    case Code::not_found:
      return true;
    default:
      return false;
  }
}

// The smallest number, above `bad`, from which rows can be read, if that is so from `good` on.
std::int64_t first_readable(SqliteStatement& statement, std::int64_t bad, std::int64_t good) {
  while (good - bad > 1) {
    const std::int64_t middle = bad + (good - bad) / 2;
    try {
      const StatementScope scope(statement);
      (void)statement.begin().bind(middle).step();
      good = middle;
    } catch (const Error&) {
      bad = middle;
    }
  }
  return good;
}

}  // namespace

DamagedDatabase::DamagedDatabase(const std::string& file_name, StoreDir store_dir,
                                 std::stop_token stop)
    : store_dir_(std::move(store_dir)), stop_(std::move(stop)) {
  struct stat status;
  if (::stat(file_name.c_str(), &status) != 0 && errno == ENOENT) {
    damage_.emplace_back("there is no database");
    return;
  }
  try {
    connection_ = open_for_reading({.file_name = file_name, .busy_ms_max = stranger_ms_max});
    const std::string found = connection_->query_text("pragma integrity_check(1)");
    if (found != "ok") damage_.push_back("SQLite finds it damaged: " + found);
  } catch (const Error& error) {
    if (!is_damage(error)) throw;
    damage_.emplace_back(error.what());
    try {
      // Some tables may be readable all the same.
      if (connection_) (void)connection_->query_text("select count(*) from sqlite_master");
    } catch (const Error&) {
      connection_.reset();
    }
  }
}

bool DamagedDatabase::walk(const std::string& table, const std::string& select, const OnRow& row) {
  if (!connection_) return false;
  constexpr std::int64_t rows_end = std::numeric_limits<std::int64_t>::max() / 4;  // else junk
  std::int64_t next = 1;
  std::int64_t bad = 0;   // the last number from which nothing could be read
  std::int64_t step = 1;  // how far to go on from there
  bool whole = true;
  try {
    SqliteStatement statement(*connection_, select);
    for (;;) {
      try {
        if (bad != 0) {
          (void)statement.begin().bind(next).step();
          next = first_readable(statement, bad, next);
        }
        statement.begin().bind(next);
        while (statement.step()) {
          check_cancelled(stop_);
          const std::int64_t number = statement.number(0);
          if (number < rows_end) next = std::max(next, number + 1);  // never back
          row(statement);
        }
        break;
      } catch (const Error& error) {
        if (!is_damage(error)) throw;
        whole = false;
        step = bad == next - step ? step * 2 : 1;
        bad = next;
        check_cancelled(stop_);
        if (next > rows_end) break;
        next += step;
      }
    }
  } catch (const Error& error) {
    if (!is_damage(error)) throw;
    note("the table " + table + " is not there: " + error.message());
    return false;
  }
  if (!whole) note("some rows of the table " + table + " cannot be read");
  return whole;
}

std::vector<SalvagedPath> DamagedDatabase::paths() {
  std::vector<SalvagedPath> found;
  std::unordered_set<std::string> seen;
  std::uint64_t senseless = 0;
  walk("ValidPaths",
       std::string("select id, path, ") + path_columns +
           " from ValidPaths where id >= ? order by id",
       [&](const SqliteStatement& row) {
         if (!seen.emplace(row.text(1)).second) return;
         try {
           found.push_back({.id = row.number(0), .info = info_of_row(row)});
         } catch (const Error&) {
           ++senseless;
         }
       });
  if (senseless > 0) {
    note(std::to_string(senseless) + " rows of the table ValidPaths make no sense");
  }
  return found;
}

PathInfo DamagedDatabase::info_of_row(const SqliteStatement& row) const {
  PathInfo info = parse_path_row(row, 2, store_dir_.parse(row.text(1)), store_dir_);
  if (info.nar_hash.algorithm() != HashAlgorithm::sha256) {
    throw Error(Code::malformed, "the hash of a NAR is sha256");
  }
  return info;
}

std::vector<SalvagedOutput> DamagedDatabase::outputs() {
  std::vector<SalvagedOutput> found;
  std::unordered_set<std::int64_t> seen;
  walk("DerivationOutputs",
       "select rowid, drv, id, path from DerivationOutputs not indexed "
       "where rowid >= ? order by rowid",
       [&](const SqliteStatement& row) {
         if (!seen.insert(row.number(0)).second) return;
         try {
           found.push_back({.derivation = row.number(1),
                            .name = std::string(row.text(2)),
                            .path = store_dir_.parse(row.text(3))});
         } catch (const Error&) {
           return;  // what a derivation makes is found in the derivation
         }
       });
  return found;
}

std::vector<DamagedDatabase::IdPair> DamagedDatabase::references() {
  std::vector<IdPair> found;
  std::unordered_set<std::int64_t> seen;
  references_are_damaged_ = !walk("Refs",
                                  "select rowid, referrer, reference from Refs not indexed "
                                  "where rowid >= ? order by rowid",
                                  [&](const SqliteStatement& row) {
                                    if (seen.insert(row.number(0)).second) {
                                      found.emplace_back(row.number(1), row.number(2));
                                    }
                                  });
  return found;
}

std::optional<std::vector<std::int64_t>> DamagedDatabase::references_of(std::int64_t id) try {
  if (!connection_) return std::nullopt;
  SqliteStatement query(*connection_, "select reference from Refs where referrer = ?");
  query.bind(id);
  std::vector<std::int64_t> found;
  while (query.step()) found.push_back(query.number(0));
  return found;
} catch (const Error& error) {
  if (!is_damage(error)) throw;
  return std::nullopt;
}

std::optional<std::int64_t> DamagedDatabase::id_of(const StorePath& path) try {
  if (!connection_) return std::nullopt;
  const std::string full_path = store_dir_.print(path);
  SqliteStatement query(*connection_, "select id from ValidPaths where path = ?");
  query.bind(full_path);
  if (!query.step() || query.number(0) <= 0) return std::nullopt;
  return query.number(0);
} catch (const Error& error) {
  if (!is_damage(error)) throw;
  return std::nullopt;
}

std::set<std::int64_t> DamagedDatabase::mentioned_ids() try {
  std::set<std::int64_t> found;
  if (!connection_) return found;
  std::vector<std::pair<std::string, std::string>> columns;
  SqliteStatement keys(*connection_,
                       "select name, \"from\" from sqlite_master, pragma_foreign_key_list(name) "
                       "where type = 'table' and \"table\" = 'ValidPaths'");
  while (keys.step()) columns.emplace_back(keys.text(0), keys.text(1));
  for (const auto& [table, column] : columns) {
    walk(table,
         "select rowid, " + quoted_name(column) + " from " + quoted_name(table) +
             " not indexed where rowid >= ? order by rowid",
         [&](const SqliteStatement& row) { found.insert(row.number(1)); });
  }
  SqliteStatement counter(*connection_,
                          "select seq from sqlite_sequence where name = 'ValidPaths'");
  while (counter.step()) found.insert(counter.number(0));
  return found;
} catch (const Error& error) {
  if (!is_damage(error)) throw;
  note("not all numbers of paths can be read: " + error.message());
  return {};
}

// Each once, although tables are read more than once.
void DamagedDatabase::note(std::string damage) {
  if (std::ranges::find(damage_, damage) == damage_.end()) damage_.push_back(std::move(damage));
}

void DamagedDatabase::copy_others(SqliteConnection& to) try {
  if (!connection_) return;
  SqliteStatement schema(*connection_,
                         "select type, name, sql from sqlite_master "
                         "where sql is not null and name not like 'sqlite_%' "
                         "order by type <> 'table'");
  while (schema.step()) {
    const std::string name(schema.text(1));
    SqliteStatement known(to, "select 1 from sqlite_master where name = ?");
    if (known.bind(name).step()) continue;
    known.reset();
    to.execute(std::string(schema.text(2)));
    if (schema.text(0) == "table") copy_rows(to, name);
  }
} catch (const Error& error) {
  if (!is_damage(error)) throw;
  note("not all tables beside those of every store can be read: " + error.message());
}

void DamagedDatabase::copy_rows(SqliteConnection& to, const std::string& table) {
  std::optional<SqliteStatement> insert;
  std::unordered_set<std::int64_t> seen;
  walk(table, "select rowid, * from " + quoted_name(table) + " where rowid >= ? order by rowid",
       [&](const SqliteStatement& row) {
         if (!seen.insert(row.number(0)).second) return;
         const int count = row.column_count() - 1;
         if (!insert) {
           std::string marks = "?";
           for (int i = 1; i < count; ++i) marks += ", ?";
           insert.emplace(
               to, "insert or ignore into " + quoted_name(table) + " values (" + marks + ")");
         }
         insert->begin();
         for (int i = 1; i <= count; ++i) insert->bind_column(row, i);
         insert->run();
       });
}

}  // namespace cinch::local
