#include "database.hh"

#include "batch_order.hh"
#include "database_writer.hh"
#include "path_row.hh"
#include "realisation_tables.hh"
#include "signature_list.hh"

#include <cinch/core/error.hh>

#include <algorithm>
#include <set>
#include <unordered_set>
#include <utility>

namespace cinch::local {

const char* const database_remedy =
    "make it anew with 'cinch store rebuild-database'; the objects themselves are not affected";

void throw_unknown_id(std::int64_t id) {
  throw Error(Code::corrupt, "the store's database refers to a path that it does not have")
      .about("id " + std::to_string(id))
      .hint(database_remedy);
}

// Part of the on-disk format (docs/formats/local-store.md): other programs read these tables.
const char* const create_tables_sql = R"sql(
create table if not exists ValidPaths (
  id integer primary key autoincrement not null,
  path text unique not null,
  hash text not null,
  registrationTime integer not null,
  deriver text,
  narSize integer,
  ultimate integer,
  sigs text,
  ca text
);
create table if not exists Refs (
  referrer integer not null,
  reference integer not null,
  primary key (referrer, reference),
  foreign key (referrer) references ValidPaths(id) on delete cascade,
  foreign key (reference) references ValidPaths(id) on delete restrict
);
create index if not exists IndexReference on Refs(reference);
create trigger if not exists DeleteSelfRefs before delete on ValidPaths
begin
  delete from Refs where referrer = old.id and reference = old.id;
end;
create table if not exists DerivationOutputs (
  drv integer not null,
  id text not null,
  path text not null,
  primary key (drv, id),
  foreign key (drv) references ValidPaths(id) on delete cascade
);
create index if not exists IndexDerivationOutputs on DerivationOutputs(path);
)sql";

namespace {

constexpr std::size_t idle_readers_max = 8;

// Batches come in any order; references inside one must not form a cycle.
void check_no_cycle(std::span<const Registration> batch) {
  std::vector<BatchMember> members;
  members.reserve(batch.size());
  for (const Registration& item : batch) members.push_back({item.info.path, item.info.references});
  const std::vector<std::size_t> order = references_first(members);
  if (order.size() == members.size()) return;
  StorePathSet left;
  for (const BatchMember& member : members) left.insert(member.path);
  for (const std::size_t at : order) left.erase(members[at].path);
  throw Error(Code::invalid_argument, "the references of the new objects form a cycle")
      .about(left.begin()->base_name());
}

// A setting of a connection for the time of a scope. REQUIRES: no transaction is open.
class ScopedPragma {
 public:
  ScopedPragma(SqliteConnection& connection, std::string inside, std::string outside)
      : connection_(connection), outside_(std::move(outside)) {
    connection_.execute("pragma " + inside);
  }
  ScopedPragma(const ScopedPragma&) = delete;
  ScopedPragma& operator=(const ScopedPragma&) = delete;
  ~ScopedPragma() {
    try {
      connection_.execute("pragma " + outside_);
    } catch (const Error&) {
      // Then it goes on as inside, which is the stricter way.
    }
  }

 private:
  SqliteConnection& connection_;
  const std::string outside_;
};

// Takes from the table Gone what other paths refer to, and what that refers to, and so on.
void keep_referenced(SqliteConnection& connection) {
  SqliteStatement keep(connection,
                       "delete from Gone where id in ("
                       "select reference from Refs where reference in (select id from Gone) "
                       "and referrer not in (select id from Gone))");
  SqliteStatement changes(connection, "select changes()");
  for (bool more = true; more;) {
    keep.begin().run();
    more = changes.begin().step() && changes.number(0) > 0;
  }
}

}  // namespace

struct Database::Reader {
  explicit Reader(std::unique_ptr<SqliteConnection> opened)
      : connection(std::move(opened)),
        info(*connection,
             std::string("select id, ") + path_columns + " from ValidPaths where path = ?"),
        references(*connection,
                   "select path from Refs join ValidPaths on reference = id where referrer = ?"),
        valid(*connection, "select 1 from ValidPaths where path = ?"),
        first_from(*connection,
                   "select path from ValidPaths where path >= ? order by path limit 1"),
        all(*connection, "select path from ValidPaths order by path"),
        referrers(*connection,
                  "select path from Refs join ValidPaths on referrer = id "
                  "where reference = (select id from ValidPaths where path = ?)"),
        derivers(*connection,
                 "select ValidPaths.path from DerivationOutputs "
                 "join ValidPaths on drv = ValidPaths.id where DerivationOutputs.path = ?") {}

  std::unique_ptr<SqliteConnection> connection;
  SqliteStatement info;
  SqliteStatement references;
  SqliteStatement valid;
  SqliteStatement first_from;
  SqliteStatement all;
  SqliteStatement referrers;
  SqliteStatement derivers;
};

// A reader for the time of one query.
class Database::ReaderLease {
 public:
  explicit ReaderLease(Database& database) : database_(database) {
    {
      const std::lock_guard lock(database.readers_mutex_);
      if (!database.idle_readers_.empty()) {
        reader_ = std::move(database.idle_readers_.back());
        database.idle_readers_.pop_back();
      }
    }
    if (!reader_) reader_ = std::make_unique<Reader>(database.connect());
  }
  ReaderLease(const ReaderLease&) = delete;
  ReaderLease& operator=(const ReaderLease&) = delete;
  ~ReaderLease() {
    if (reader_->connection->is_broken()) return;
    const std::lock_guard lock(database_.readers_mutex_);
    if (database_.idle_readers_.size() < idle_readers_max) {
      database_.idle_readers_.push_back(std::move(reader_));
    }
  }
  Reader& operator*() const { return *reader_; }

 private:
  Database& database_;
  std::unique_ptr<Reader> reader_;
};

Database::Database(const DatabaseOptions& options) : options_(options) {
  idle_readers_.reserve(idle_readers_max);
}
Database::~Database() = default;

std::unique_ptr<SqliteConnection> Database::connect() const {
  SqliteOptions sqlite{.file_name = options_.file_name,
                       .vfs = options_.wal ? "" : "unix-dotfile",
                       .read_only = options_.read_only,
                       .busy_ms_max = options_.busy_ms_max,
                       .when_corrupt = database_remedy};
  if (options_.read_only) return open_for_reading(sqlite);
  auto connection = std::make_unique<SqliteConnection>(sqlite);
  connection->execute("pragma foreign_keys = 1");
  connection->execute(options_.synchronous ? "pragma synchronous = normal"
                                           : "pragma synchronous = off");
  const std::string mode = options_.wal ? "wal" : "truncate";
  if (connection->query_text("pragma main.journal_mode") != mode) {
    (void)connection->query_text("pragma main.journal_mode = " + mode);
  }
  if (options_.wal) {
    connection->execute("pragma wal_autocheckpoint = 40000");
    // Whoever closes the database last empties the log, so that the next to open it need not read
    // it all (160 MiB at most, as above); the file itself stays.
    connection->execute("pragma journal_size_limit = 167772160");
    connection->keep_wal_file();
  }
  return connection;
}

void Database::create_tables() { connect()->execute(create_tables_sql); }

StorePath Database::parse_path(std::string_view full_path) const {
  try {
    return options_.store_dir.parse(full_path);
  } catch (Error& error) {
    throw Error(Code::corrupt,
                "the store's database has a path that is not one of this store: " + error.message())
        .about(std::string(full_path))
        .hint(database_remedy);
  }
}

std::vector<std::optional<PathInfo>> Database::find(std::span<const StorePath> paths) {
  const ReaderLease lease(*this);
  Reader& reader = *lease;
  // One snapshot for the whole batch.
  SqliteTransaction transaction(*reader.connection, SqliteTransaction::Kind::read);
  std::vector<std::optional<PathInfo>> found;
  found.reserve(paths.size());
  for (const StorePath& path : paths) {
    const std::string full_path = options_.store_dir.print(path);
    const StatementScope scope(reader.info);
    if (reader.info.begin().bind(full_path).step()) {
      found.emplace_back(read_info(reader, path));
    } else {
      found.emplace_back();
    }
  }
  transaction.commit();
  return found;
}

PathInfo Database::read_info(Reader& reader, const StorePath& path) const {
  PathInfo info = info_of_row(reader.info, path);
  const StatementScope scope(reader.references);
  reader.references.begin().bind(reader.info.number(0));
  while (reader.references.step()) info.references.insert(parse_path(reader.references.text(0)));
  return info;
}

PathInfo Database::info_of_row(const SqliteStatement& row, const StorePath& path) const try {
  return parse_path_row(row, 1, path, options_.store_dir);
} catch (Error& error) {
  if (error.code() != Code::malformed) throw;
  throw Error(Code::corrupt, "the store's database has a broken entry: " + error.message())
      .about(options_.store_dir.print(path))
      .hint(database_remedy);
}

// Readers forget what they have in memory whenever somebody writes; the writer keeps what it wrote
// itself. So whoever asks in between, for a few paths, asks there, unless it is at work.
StorePathSet Database::find_valid(const StorePathSet& paths) {
  constexpr std::size_t few = 64;
  if (paths.size() <= few) {
    const std::unique_lock lock(writer_mutex_, std::try_to_lock);
    if (lock && writer_ && !writer_->connection->is_broken()) {
      return find_valid(*writer_->connection, writer_->id, paths);
    }
  }
  const ReaderLease lease(*this);
  return find_valid(*(*lease).connection, (*lease).valid, paths);
}

// `statement` finds a row by its path.
StorePathSet Database::find_valid(SqliteConnection& connection, SqliteStatement& statement,
                                  const StorePathSet& paths) const {
  SqliteTransaction transaction(connection, SqliteTransaction::Kind::read);
  StorePathSet valid;
  for (const StorePath& path : paths) {
    const std::string full_path = options_.store_dir.print(path);
    const StatementScope scope(statement);
    if (statement.begin().bind(full_path).step()) valid.insert(valid.end(), path);
  }
  transaction.commit();
  return valid;
}

std::optional<StorePath> Database::find_by_hash_part(std::string_view hash_part) {
  if (hash_part.size() != store_path_hash_part_length) return std::nullopt;
  const ReaderLease lease(*this);
  SqliteStatement& query = (*lease).first_from;
  const std::string prefix = options_.store_dir.text() + "/" + std::string(hash_part);
  const StatementScope scope(query);
  if (!query.begin().bind(prefix).step() || !query.text(0).starts_with(prefix)) {
    return std::nullopt;
  }
  return parse_path(query.text(0));
}

StorePathSet Database::all_valid_paths() {
  const ReaderLease lease(*this);
  SqliteStatement& query = (*lease).all;
  const StatementScope scope(query);
  StorePathSet paths;
  query.begin();
  while (query.step()) paths.insert(paths.end(), parse_path(query.text(0)));
  return paths;
}

std::vector<StorePathSet> Database::find_sets(std::span<const StorePath> paths,
                                              SqliteStatement Reader::*statement) {
  const ReaderLease lease(*this);
  Reader& reader = *lease;
  SqliteTransaction transaction(*reader.connection, SqliteTransaction::Kind::read);
  std::vector<StorePathSet> sets(paths.size());
  for (std::size_t i = 0; i < paths.size(); ++i) {
    const std::string full_path = options_.store_dir.print(paths[i]);
    SqliteStatement& query = reader.*statement;
    const StatementScope scope(query);
    query.begin().bind(full_path);
    while (query.step()) sets[i].insert(parse_path(query.text(0)));
  }
  transaction.commit();
  return sets;
}

std::vector<StorePathSet> Database::find_referrers(std::span<const StorePath> paths) {
  return find_sets(paths, &Reader::referrers);
}

std::vector<StorePathSet> Database::find_derivers(std::span<const StorePath> paths) {
  return find_sets(paths, &Reader::derivers);
}

// Connections share what SQLite knows about a file, until the last of them is closed.
void Database::forget_readers() {
  const std::lock_guard lock(readers_mutex_);
  idle_readers_.clear();
}

// REQUIRES: writer_mutex_ is held.
Database::Writer& Database::writer() {
  if (writer_ && writer_->connection->is_broken()) {
    writer_.reset();
    forget_readers();
  }
  if (writer_) return *writer_;
  writer_ = open_writer();
  try {
    const SqliteTransaction probe(*writer_->connection, SqliteTransaction::Kind::write);
  } catch (const Error&) {
    // SQLite could not open one of its files for writing at some moment, and sticks to it as long
    // as any connection is open.
    if (!writer_->connection->is_broken()) throw;
    writer_.reset();
    forget_readers();
    writer_ = open_writer();
  }
  return *writer_;
}

// Foreign keys would have each row that comes or goes looked for in other tables, one by one,
// although whoever writes it has just looked.
std::unique_ptr<Database::Writer> Database::open_writer() {
  std::unique_ptr<SqliteConnection> connection = next_writer_ ? std::move(next_writer_) : connect();
  connection->execute("pragma foreign_keys = 0");
  return std::make_unique<Writer>(std::move(connection));
}

void Database::register_valid(std::span<const Registration> batch) {
  check_no_cycle(batch);
  const StoreDir& store_dir = options_.store_dir;
  const std::lock_guard lock(writer_mutex_);
  Writer& to = writer();
  SqliteTransaction transaction(*to.connection, SqliteTransaction::Kind::write);
  std::map<StorePath, std::int64_t> ids;
  for (const Registration& item : batch) {
    const std::int64_t id = to.put(PathRow(item.info, store_dir));
    ids.emplace(item.info.path, id);
    for (const auto& [output, path] : item.derivation_outputs) {
      const std::string full_path = store_dir.print(path);
      to.insert_output.begin().bind(id).bind(output).bind(full_path).run();
    }
  }
  std::vector<Reference> references;
  for (const Registration& item : batch) {
    const std::int64_t referrer = ids.at(item.info.path);
    for (const StorePath& reference : item.info.references) {
      auto known = ids.find(reference);
      if (known == ids.end()) {
        const std::optional<std::int64_t> id = to.find_id(store_dir.print(reference));
        if (!id) {
          throw Error(Code::not_found, "path '" + store_dir.print(item.info.path) +
                                           "' refers to '" + store_dir.print(reference) +
                                           "', which is not valid")
              .about(store_dir.print(reference))
              .hint("add what it refers to first");
        }
        known = ids.emplace(reference, *id).first;
      }
      references.push_back({referrer, known->second});
    }
  }
  std::ranges::sort(references);  // as they lie in the table
  to.put(references);
  transaction.commit();
}

// What belongs to the paths goes table by table, in the order in which it lies there.
std::vector<bool> Database::invalidate(std::span<const std::int64_t> ids) {
  const std::lock_guard lock(writer_mutex_);
  SqliteConnection& connection = *writer().connection;
  // What is committed is on disk: the objects are deleted next, and if the disk heard of that
  // before it hears of this, a power failure would leave valid paths without objects.
  std::optional<ScopedPragma> on_disk;
  if (options_.synchronous)
    on_disk.emplace(connection, "synchronous = full", "synchronous = normal");
  connection.execute(
      "pragma cache_size = -65536; "  // KiB, if that much is needed
      "create temp table if not exists Gone (id integer primary key)");
  SqliteTransaction transaction(connection, SqliteTransaction::Kind::write);
  connection.execute("delete from Gone");
  SqliteStatement insert(connection, "insert into Gone values (?)");
  for (const std::int64_t id : ids) insert.begin().bind(id).run();
  keep_referenced(connection);
  connection.execute(
      "delete from Refs where referrer in (select id from Gone);"
      "delete from DerivationOutputs where drv in (select id from Gone)");
  RealisationTables::forget_gone(connection);
  connection.execute("delete from ValidPaths where id in (select id from Gone)");
  std::unordered_set<std::int64_t> gone_ids;
  SqliteStatement all_gone(connection, "select id from Gone");
  while (all_gone.step()) gone_ids.insert(all_gone.number(0));
  all_gone.reset();
  transaction.commit();
  std::vector<bool> gone;
  for (const std::int64_t id : ids) gone.push_back(gone_ids.contains(id));
  return gone;
}

void Database::checkpoint() {
  const std::lock_guard lock(writer_mutex_);
  if (options_.wal) (void)writer().connection->query_text("pragma wal_checkpoint(passive)");
}

void Database::read(const Work& work) {
  const ReaderLease lease(*this);
  SqliteTransaction transaction(*(*lease).connection, SqliteTransaction::Kind::read);
  work(*(*lease).connection);
  transaction.commit();
}

void Database::write(const Work& work) {
  const std::lock_guard lock(writer_mutex_);
  SqliteConnection& connection = *writer().connection;
  const ScopedPragma checked(connection, "foreign_keys = 1", "foreign_keys = 0");
  SqliteTransaction transaction(connection, SqliteTransaction::Kind::write);
  work(connection);
  transaction.commit();
}

std::int64_t Database::last_id() {
  const ReaderLease lease(*this);
  SqliteStatement query(*(*lease).connection, "select max(id) from ValidPaths");
  return query.step() ? query.number(0) : 0;
}

std::vector<StorePath> Database::registered_after(std::int64_t id, std::int64_t seconds) {
  const ReaderLease lease(*this);
  // A time to come is somebody's mistake, and says nothing of the others.
  SqliteStatement query(
      *(*lease).connection,
      "select path from ValidPaths where id > ?1 and registrationTime >= "
      "(select min(max(registrationTime), cast(strftime('%s', 'now') as integer)) from ValidPaths "
      "where id > ?1) - ?2");
  query.bind(id).bind(seconds);
  std::vector<StorePath> paths;
  while (query.step()) paths.push_back(parse_path(query.text(0)));
  return paths;
}

// A collector writes next, and then finds in the connection's memory what was read here.
GraphRows Database::read_graph() {
  std::unique_ptr<SqliteConnection> connection = connect();
  GraphRows rows = read_graph(*connection);
  const std::unique_lock lock(writer_mutex_, std::try_to_lock);
  if (lock && !writer_) next_writer_ = std::move(connection);
  return rows;
}

GraphRows Database::read_graph(SqliteConnection& connection) const {
  SqliteTransaction transaction(connection, SqliteTransaction::Kind::read);
  const std::size_t prefix = options_.store_dir.text().size() + 1;
  const auto base_name = [&](std::string_view full_path) {
    return std::string(full_path.substr(std::min(prefix, full_path.size())));
  };
  GraphRows rows;
  SqliteStatement paths(connection, "select id, path, deriver, narSize from ValidPaths");
  while (paths.step()) {
    (void)parse_path(paths.text(1));
    rows.paths.push_back({.id = paths.number(0),
                          .base_name = base_name(paths.text(1)),
                          .deriver = base_name(paths.text(2)),
                          .nar_size = static_cast<std::uint64_t>(paths.number(3))});
  }
  SqliteStatement references(connection, "select referrer, reference from Refs");
  while (references.step()) {
    rows.references.emplace_back(references.number(0), references.number(1));
  }
  SqliteStatement outputs(connection, "select drv, path from DerivationOutputs");
  while (outputs.step()) {
    rows.outputs.push_back({.derivation = outputs.number(0), .path = base_name(outputs.text(1))});
  }
  transaction.commit();
  return rows;
}

void Database::add_signatures(const std::map<StorePath, std::set<Signature>>& signatures) {
  const std::lock_guard lock(writer_mutex_);
  Writer& to = writer();
  SqliteTransaction transaction(*to.connection, SqliteTransaction::Kind::write);
  for (const auto& [path, added] : signatures) {
    const std::string full_path = options_.store_dir.print(path);
    std::set<Signature> merged;
    std::int64_t id = 0;
    {
      const StatementScope scope(to.signatures);
      if (!to.signatures.begin().bind(full_path).step()) {
        throw Error(Code::not_found, "the path is not valid").about(full_path);
      }
      id = to.signatures.number(0);
      merged = split_signatures(to.signatures.text(1));
    }
    merged.insert(added.begin(), added.end());
    const std::string text = join_signatures(merged);
    to.update_signatures.begin().bind_or_null(text).bind(id).run();
  }
  transaction.commit();
}

}  // namespace cinch::local
