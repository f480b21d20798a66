#include "new_database.hh"

#include "../database.hh"
#include "../path_row.hh"

#include <cinch/core/error.hh>

#include <cerrno>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <unistd.h>

namespace cinch::local {

namespace {

void insert_paths(SqliteConnection& connection, const StoreDir& store_dir,
                  std::span<const NewRow> rows) {
  SqliteStatement insert(connection, std::string("insert into ValidPaths (id, path, ") +
                                         path_columns + ") values (?, ?, ?, ?, ?, ?, ?, ?, ?)");
  SqliteStatement insert_output(connection,
                                "insert into DerivationOutputs (drv, id, path) values (?, ?, ?)");
  for (const NewRow& row : rows) {
    PathRow(row.info, store_dir).bind(insert.begin().bind(row.id)).run();
    for (const auto& [name, output] : row.outputs) {
      const std::string output_path = store_dir.print(output);
      insert_output.begin().bind(row.id).bind(name).bind(output_path).run();
    }
  }
}

void insert_references(SqliteConnection& connection, std::span<const NewRow> rows) {
  std::map<StorePath, std::int64_t> ids;
  for (const NewRow& row : rows) ids.emplace(row.info.path, row.id);
  SqliteStatement insert(connection, "insert into Refs (referrer, reference) values (?, ?)");
  for (const NewRow& row : rows) {
    for (const StorePath& reference : row.info.references) {
      insert.begin().bind(row.id).bind(ids.at(reference)).run();
    }
  }
}

std::vector<std::pair<std::string, std::int64_t>> find_dangling(SqliteConnection& connection) {
  std::vector<std::pair<std::string, std::int64_t>> dangling;
  SqliteStatement check(connection, "select \"table\", rowid from pragma_foreign_key_check");
  while (check.step()) dangling.emplace_back(check.text(0), check.number(1));
  return dangling;
}

// Rows of other tables that mean paths which are not there, then those that mean these rows, and so
// on.
void delete_dangling(SqliteConnection& connection) {
  for (auto dangling = find_dangling(connection); !dangling.empty();
       dangling = find_dangling(connection)) {
    const std::string before = connection.query_text("select total_changes()");
    for (const auto& [table, row] : dangling) {
      SqliteStatement remove(connection, "delete from " + quoted_name(table) + " where rowid = ?");
      remove.bind(row).run();
    }
    // A trigger may forbid it: check_whole says so.
    if (connection.query_text("select total_changes()") == before) return;
  }
}

void check_whole(SqliteConnection& connection, const std::string& full_name) {
  std::string found = connection.query_text("pragma integrity_check(1)");
  if (found == "ok") {
    SqliteStatement foreign(connection, "select count(*) from pragma_foreign_key_check");
    if (foreign.step() && foreign.number(0) == 0) return;
    found = "rows refer to others that are not there";
  }
  throw Error(Code::corrupt, "the new database is not whole: " + found).about(full_name);
}

void flush(const Directory& directory, const std::string& name) {
  const Descriptor file = directory.open_file(name, O_RDONLY);
  if (::fsync(file.get()) != 0) {
    throw system_error(errno, "cannot flush", directory.name_of(name));
  }
}

}  // namespace

void write_database(const Directory& directory, const std::string& name, const StoreDir& store_dir,
                    std::span<const NewRow> rows, DamagedDatabase& old) {
  const std::string full_name = directory.name_of(name);
  {
    SqliteConnection connection({.file_name = full_name});
    // Nobody reads it before it is complete, and whoever is interrupted begins anew.
    (void)connection.query_text("pragma journal_mode = off");
    connection.execute("pragma synchronous = off");
    connection.execute(create_tables_sql);
    SqliteTransaction transaction(connection, SqliteTransaction::Kind::write);
    insert_paths(connection, store_dir, rows);
    insert_references(connection, rows);
    old.copy_others(connection);
    delete_dangling(connection);
    transaction.commit();
    check_whole(connection, full_name);
  }
  flush(directory, name);
}

}  // namespace cinch::local
