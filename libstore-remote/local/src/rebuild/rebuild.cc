// The rebuilding itself: locks, and the change from the old database to the new one.
#include "../canonical.hh"
#include "../durability.hh"
#include "exclusive_store.hh"
#include "rebuilder.hh"

#include <cinch/core/error.hh>
#include <cinch/local/database_rebuild.hh>

#include <array>
#include <cerrno>
#include <ctime>
#include <string>
#include <vector>

#include <fcntl.h>
#include <unistd.h>

namespace cinch {

namespace {

using local::ExclusiveStore;

constexpr const char* database_name = "db.sqlite";
constexpr const char* new_name = "db.sqlite.rebuilt";
constexpr const char* realisations_mark = "ca-schema";
constexpr std::array companions = {"-wal", "-shm", "-journal"};

void flush(const Directory& directory) {
  if (::fsync(directory.get()) != 0) {
    throw system_error(errno, "cannot flush the directory", directory.name());
  }
}

// Brings what is in the log into the database itself, as whoever closes it last does: then the
// database is one file, which can be replaced in one step. What this cannot do nobody can: then
// nothing in the log can be read.
void empty_log(const Directory& directory) {
  if (!directory.stat(database_name)) return;
  try {
    local::SqliteConnection connection(
        {.file_name = directory.name_of(database_name), .busy_ms_max = local::stranger_ms_max});
    if (connection.query_text("pragma wal_checkpoint(truncate)") != "0") {
      throw Error(Code::busy, "the database is in use by a process that has not opened the store")
          .about(directory.name_of(database_name))
          .hint("find the process with 'fuser', end it, and try again")
          .retryable();
    }
  } catch (const Error& error) {
    switch (error.code()) {
      case Code::permission_denied:
      case Code::read_only:
      case Code::no_space:
      case Code::busy:
        throw;
      default:
        return;
    }
  }
}

std::string time_text() {
  const std::time_t now = std::time(nullptr);
  struct tm parts;
  std::array<char, 32> text;
  const std::size_t size =
      std::strftime(text.data(), text.size(), "%Y%m%dT%H%M%SZ", ::gmtime_r(&now, &parts));
  return std::string(text.data(), size);
}

std::string name_for_old(const Directory& directory) {
  std::string name = std::string(database_name) + ".damaged-" + time_text();
  if (!directory.stat(name)) return name;
  int number = 2;
  while (directory.stat(name + "-" + std::to_string(number))) ++number;
  return name + "-" + std::to_string(number);
}

// Whoever is killed here leaves either the old database or the new one.
void replace_database(const Directory& directory, RebuildReport& report) {
  const std::string old_name = name_for_old(directory);
  if (directory.stat(database_name)) {
    if (::linkat(directory.get(), database_name, directory.get(), old_name.c_str(), 0) != 0) {
      throw system_error(errno, "cannot keep the old database as '" + old_name + "'",
                         directory.name_of(database_name));
    }
    report.old_database = directory.name_of(old_name);
  }
  // Nothing in them can be read any more; but they would be taken for parts of the new one.
  for (const char* suffix : companions) {
    const std::string name = std::string(database_name) + suffix;
    if (directory.stat(name)) directory.rename(name, directory, old_name + suffix);
  }
  flush(directory);
  directory.rename(new_name, directory, database_name);
  flush(directory);
}

// Nix before 2.26 takes this file for the tables of realisations. If those are lost, it has to make
// them anew.
void set_aside_realisations_mark(const Directory& directory) {
  if (!directory.stat(realisations_mark)) return;
  local::SqliteConnection connection({.file_name = directory.name_of(new_name), .read_only = true});
  local::SqliteStatement table(connection,
                               "select 1 from sqlite_master where name = 'Realisations'");
  if (table.step()) return;
  directory.rename(realisations_mark, directory,
                   std::string(realisations_mark) + ".damaged-" + time_text());
}

void remove_left_over(const Directory& directory) {
  directory.remove_tree(new_name);
  for (const char* suffix : companions) directory.remove_tree(std::string(new_name) + suffix);
}

// Row by row; what cannot be compared is not the same.
bool says_the_same(const Directory& directory) try {
  local::SqliteConnection connection({.file_name = directory.name_of(new_name), .read_only = true});
  local::SqliteStatement(connection, "attach database ? as old")
      .begin()
      .bind(directory.name_of(database_name))
      .run();
  std::vector<std::string> tables;
  local::SqliteStatement names(
      connection,
      "select name from old.sqlite_master where type = 'table' and name not like "
      "'sqlite!_%' escape '!'");
  while (names.step()) tables.push_back(local::quoted_name(names.text(0)));
  for (const std::string& table : tables) {
    const std::string here = "select * from main." + table;
    const std::string there = "select * from old." + table;
    local::SqliteStatement differs(connection, "select exists(" + here + " except " + there +
                                                   ") or exists(" + there + " except " + here +
                                                   ")");
    if (!differs.step() || differs.number(0) != 0) return false;
  }
  // Rows that mean paths which are not there are not in the new one.
  local::SqliteStatement dangling(connection, "pragma old.foreign_key_check");
  return !dangling.step();
} catch (const Error&) {
  return false;
}

// What the own database remembers of rows is about those of the old one.
void forget_rows(const ExclusiveStore& store, const local::Layout& layout,
                 const LocalStoreOptions& options) {
  local::OwnDatabase own_database({.file_name = layout.own_database_file(),
                                   .wal = options.sqlite_wal,
                                   .synchronous = options.fsync_metadata});
  const std::array directories = {&store.objects, &store.state};
  local::forget_durability(own_database, directories);
}

}  // namespace

RebuildReport rebuild_database(const LocalStoreOptions& store_options,
                               const RebuildOptions& options, const MaintenanceListener& listener,
                               std::stop_token stop) try {
  const local::Layout layout(store_options);
  const ExclusiveStore store = local::open_exclusively(layout, store_options);
  if (!options.dry_run) empty_log(store.database);
  RebuildReport report;
  {
    local::DamagedDatabase old(layout.database_file(), layout.store_dir, stop);
    local::Rebuilder rebuilder(store.objects, layout.store_dir, old, options, stop);
    const std::vector<local::NewRow> rows = rebuilder.decide(listener, report);
    if (!options.dry_run) {
      for (const StorePath& path : rebuilder.to_canonicalise()) {
        local::canonicalise_tree(store.objects, path.base_name(), stop);
      }
      remove_left_over(store.database);
      local::write_database(store.database, new_name, layout.store_dir, rows, old);
    }
    report.damage = old.damage();
  }
  if (options.dry_run) return report;
  report.unchanged =
      report.damage.empty() && store.database.stat(database_name) && says_the_same(store.database);
  if (report.unchanged) {
    remove_left_over(store.database);
  } else {
    forget_rows(store, layout, store_options);
    set_aside_realisations_mark(store.database);
    replace_database(store.database, report);
  }
  store.database.write_file("schema", std::to_string(local::database_schema), 0644);
  return report;
} catch (const Error& error) {
  Error full = local::with_hint(error);
  full.add_context("while rebuilding the database of the store in '" +
                   local::Layout(store_options).real_dir + "'");
  throw full;
}

}  // namespace cinch
