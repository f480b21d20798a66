#include "own_database.hh"

#include <cinch/core/error.hh>

#include <array>
#include <charconv>

#include <unistd.h>

namespace cinch::local {

namespace {

// Each entry takes the database from the version that is its index to the next one. Part of the
// on-disk format (docs/formats/local-store.md): entries that a release had are never changed; a new
// table is a new entry at the end.
constexpr std::array migrations = {
    // Verifications, 1: when each path was last verified, and with what result.
    R"sql(
create table Verifications (
  path text primary key not null,
  narHash text not null,
  time integer not null,
  result integer not null
) without rowid;
)sql",
    // Durability, 2: the last registration that is known to be on disk; one row.
    R"sql(
create table Durability (
  id integer primary key check (id = 0),
  bootId text not null,
  lastId integer not null,
  time integer not null
);
)sql",
    // Collections, 3: how fast the last large collection of garbage was; one row.
    R"sql(
create table Collections (
  id integer primary key check (id = 0),
  files integer not null,
  milliseconds integer not null,
  time integer not null
);
)sql",
};

}  // namespace

const int own_database_version = static_cast<int>(migrations.size());

bool OwnDatabase::read(const Work& work) {
  const std::lock_guard lock(mutex_);
  forget_broken();
  SqliteConnection* connection = connection_if_exists();
  if (!connection) return false;
  SqliteTransaction transaction(*connection, SqliteTransaction::Kind::read);
  work(*connection);
  transaction.commit();
  return true;
}

void OwnDatabase::write(const Work& work) { write(work, false); }

void OwnDatabase::write_to_disk(const Work& work) { write(work, options_.synchronous); }

void OwnDatabase::write(const Work& work, bool to_disk) {
  if (options_.read_only) {
    throw Error(Code::read_only, "the store was opened read-only").about(options_.file_name);
  }
  const std::lock_guard lock(mutex_);
  forget_broken();
  SqliteConnection& connection = connection_for_writing();
  if (to_disk) connection.execute("pragma synchronous = full");
  SqliteTransaction transaction(connection, SqliteTransaction::Kind::write);
  work(connection);
  transaction.commit();
  if (to_disk) connection.execute("pragma synchronous = normal");
}

// What the disk has failed once is opened anew.
void OwnDatabase::forget_broken() {
  if (!connection_ || !connection_->is_broken()) return;
  connection_.reset();
  migrated_ = false;
}

// Null also for a file whose creator has not come to make its tables, or lacks some: those that a
// reader asks for would not be there.
SqliteConnection* OwnDatabase::connection_if_exists() {
  if (migrated_) return connection_.get();
  if (!connection_) {
    if (::access(options_.file_name.c_str(), F_OK) != 0) return nullptr;
    try {
      connection_ = connect();
    } catch (const Error& error) {
      // Nothing in it is needed, so it may as well not be there.
      if (options_.read_only && error.code() == Code::read_only) return nullptr;
      throw;
    }
  }
  const int version = read_version(*connection_);
  if (version == 0) return nullptr;
  if (version < own_database_version) {
    if (options_.read_only) return nullptr;
    migrate(*connection_);
  }
  migrated_ = true;
  return connection_.get();
}

SqliteConnection& OwnDatabase::connection_for_writing() {
  if (!connection_) connection_ = connect();
  if (!migrated_) migrate(*connection_);
  migrated_ = true;
  return *connection_;
}

std::unique_ptr<SqliteConnection> OwnDatabase::connect() const {
  SqliteOptions sqlite{.file_name = options_.file_name,
                       .vfs = options_.wal ? "" : "unix-dotfile",
                       .read_only = options_.read_only,
                       .busy_ms_max = options_.busy_ms_max,
                       .when_corrupt = "remove this file: nothing in it is needed"};
  if (options_.read_only) return open_for_reading(sqlite);
  auto connection = std::make_unique<SqliteConnection>(sqlite);
  connection->execute(options_.synchronous ? "pragma synchronous = normal"
                                           : "pragma synchronous = off");
  (void)connection->query_text(options_.wal ? "pragma main.journal_mode = wal"
                                            : "pragma main.journal_mode = truncate");
  return connection;
}

int OwnDatabase::read_version(SqliteConnection& connection) const {
  const std::string text = connection.query_text("pragma user_version");
  int version = 0;
  (void)std::from_chars(text.data(), text.data() + text.size(), version);
  if (version >= 0 && version <= own_database_version) return version;
  throw Error(Code::not_supported, "the database has version " + text +
                                       ", and this program knows versions up to " +
                                       std::to_string(own_database_version))
      .about(options_.file_name)
      .hint("use a newer version of this program, or remove this file: nothing in it is needed");
}

void OwnDatabase::migrate(SqliteConnection& connection) const {
  SqliteTransaction transaction(connection, SqliteTransaction::Kind::write);
  for (int version = read_version(connection); version < own_database_version; ++version) {
    connection.execute(migrations.at(static_cast<std::size_t>(version)));
  }
  connection.execute("pragma user_version = " + std::to_string(own_database_version));
  transaction.commit();
}

}  // namespace cinch::local
