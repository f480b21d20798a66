#include "sqlite.hh"

#include <cinch/core/error.hh>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <thread>

#include <sys/stat.h>
#include <unistd.h>

namespace cinch::local {

namespace {

Code code_of_result(int result) {
  switch (result & 0xff) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_PROTOCOL:
      return Code::busy;
    case SQLITE_FULL:
      return Code::no_space;
    case SQLITE_READONLY:
      return Code::read_only;
    case SQLITE_PERM:
    case SQLITE_AUTH:
    case SQLITE_CANTOPEN:
      return Code::permission_denied;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return Code::corrupt;
    case SQLITE_MISUSE:
      return Code::internal;
    default:
      return Code::io;
  }
}

std::string uri_of(const SqliteOptions& options) {
  std::string uri = "file:";
  for (const char character : options.file_name) {
    if (character == '%' || character == '?' || character == '#') {
      constexpr std::string_view digits = "0123456789abcdef";
      const auto byte = static_cast<unsigned char>(character);
      uri += '%';
      uri += digits[byte >> 4];
      uri += digits[byte & 15];
    } else {
      uri += character;
    }
  }
  return uri + options.uri_parameters;
}

}  // namespace

SqliteConnection::SqliteConnection(const SqliteOptions& options)
    : file_name_(options.file_name),
      busy_ms_max_(options.busy_ms_max),
      when_corrupt_(options.when_corrupt) {
  const int access =
      options.read_only ? SQLITE_OPEN_READONLY : (SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE);
  sqlite3* database = nullptr;
  const int result = sqlite3_open_v2(uri_of(options).c_str(), &database,
                                     access | SQLITE_OPEN_URI | SQLITE_OPEN_NOMUTEX,
                                     options.vfs.empty() ? nullptr : options.vfs.c_str());
  database_.reset(database);
  if (result != SQLITE_OK) throw_error(result);
  // SQLite opens for reading what it cannot open for writing, and says so only when it writes.
  if (!options.read_only && sqlite3_db_readonly(database, "main") == 1) {
    const int reason = ::access(file_name_.c_str(), W_OK) != 0 ? errno : EIO;
    throw system_error(reason, "cannot open the store's database for writing", file_name_);
  }
  sqlite3_extended_result_codes(database, 1);
  sqlite3_busy_handler(database, &SqliteConnection::wait_when_busy, this);
}

// Waits a little longer each time, up to the limit. Called by SQLite, so it must not throw.
int SqliteConnection::wait_when_busy(void* self, int attempts) {
  const auto& connection = *static_cast<const SqliteConnection*>(self);
  constexpr std::uint32_t step_ms_max = 20;
  constexpr std::uint32_t growing_ms = step_ms_max * (step_ms_max - 1) / 2;
  const auto count = static_cast<std::uint32_t>(attempts);
  const std::uint32_t step_ms = std::min(count + 1, step_ms_max);
  const std::uint32_t waited_ms = count < step_ms_max
                                      ? count * (count + 1) / 2
                                      : growing_ms + (count - step_ms_max + 1) * step_ms_max;
  if (waited_ms >= connection.busy_ms_max_) return 0;
  std::this_thread::sleep_for(std::chrono::milliseconds(step_ms));
  return 1;
}

void SqliteConnection::throw_error(int result) const {
  const Code code = code_of_result(result);
  broken_ = code != Code::busy;
  if (code == Code::busy) {
    throw Error(Code::busy, "the store's database has been in use by another process for " +
                                std::to_string(busy_ms_max_ / 1000) + " seconds")
        .about(file_name_)
        .hint("find the process with 'fuser', or try again later")
        .retryable();
  }
  const char* reason = database_ ? sqlite3_errmsg(database_.get()) : sqlite3_errstr(result);
  Error error(code, std::string("the store's database reports: ") + reason);
  if (code == Code::no_space) throw std::move(error).about(file_name_).hint("free some disk space");
  if (code == Code::corrupt) {
    throw std::move(error).about(file_name_).hint(std::string(when_corrupt_));
  }
  throw std::move(error).about(file_name_);
}

void SqliteConnection::execute(const std::string& sql) {
  const int result = sqlite3_exec(database_.get(), sql.c_str(), nullptr, nullptr, nullptr);
  if (result != SQLITE_OK) throw_error(result);
}

std::string SqliteConnection::query_text(const std::string& sql) {
  SqliteStatement statement(*this, sql);
  if (!statement.step()) throw_error(SQLITE_ERROR);
  return std::string(statement.text(0));
}

std::int64_t SqliteConnection::last_row_id() const {
  return sqlite3_last_insert_rowid(database_.get());
}

void SqliteConnection::keep_wal_file() {
  int enable = 1;
  sqlite3_file_control(database_.get(), nullptr, SQLITE_FCNTL_PERSIST_WAL, &enable);
}

SqliteStatement::SqliteStatement(SqliteConnection& connection, std::string_view sql)
    : connection_(&connection) {
  sqlite3_stmt* statement = nullptr;
  const int result =
      sqlite3_prepare_v3(connection.database_.get(), sql.data(), static_cast<int>(sql.size()),
                         SQLITE_PREPARE_PERSISTENT, &statement, nullptr);
  statement_.reset(statement);
  check(result);
}

void SqliteStatement::check(int result) const {
  if (result != SQLITE_OK) connection_->throw_error(result);
}

void SqliteStatement::reset() {
  // The result repeats the error of the last step, which has been thrown already.
  (void)sqlite3_reset(statement_.get());
  parameter_ = 0;
}

SqliteStatement& SqliteStatement::begin() {
  reset();
  return *this;
}

SqliteStatement& SqliteStatement::bind(std::string_view text) {
  check(sqlite3_bind_text64(statement_.get(), ++parameter_, text.data(), text.size(), SQLITE_STATIC,
                            SQLITE_UTF8));
  return *this;
}

SqliteStatement& SqliteStatement::bind(std::int64_t number) {
  check(sqlite3_bind_int64(statement_.get(), ++parameter_, number));
  return *this;
}

SqliteStatement& SqliteStatement::bind_null() {
  check(sqlite3_bind_null(statement_.get(), ++parameter_));
  return *this;
}

SqliteStatement& SqliteStatement::bind_or_null(std::string_view text) {
  return text.empty() ? bind_null() : bind(text);
}

SqliteStatement& SqliteStatement::bind_column(const SqliteStatement& row, int column) {
  check(sqlite3_bind_value(statement_.get(), ++parameter_,
                           sqlite3_column_value(row.statement_.get(), column)));
  return *this;
}

bool SqliteStatement::step() {
  const int result = sqlite3_step(statement_.get());
  if (result == SQLITE_ROW) return true;
  if (result != SQLITE_DONE) connection_->throw_error(result);
  return false;
}

void SqliteStatement::run() {
  while (step()) {
  }
  reset();
}

std::int64_t SqliteStatement::number(int column) const {
  return sqlite3_column_int64(statement_.get(), column);
}

std::string_view SqliteStatement::text(int column) const {
  const auto* text = reinterpret_cast<const char*>(sqlite3_column_text(statement_.get(), column));
  if (!text) return {};
  return {text, static_cast<std::size_t>(sqlite3_column_bytes(statement_.get(), column))};
}

bool SqliteStatement::is_null(int column) const {
  return sqlite3_column_type(statement_.get(), column) == SQLITE_NULL;
}

int SqliteStatement::column_count() const { return sqlite3_column_count(statement_.get()); }

std::string quoted_name(std::string_view name) {
  std::string text = "\"";
  for (const char character : name) {
    if (character == '"') text += '"';
    text += character;
  }
  return text + '"';
}

// What is in the log is part of the database, and would be missing from what is read without it.
static void refuse_unreadable_log(const std::string& file_name) {
  const std::string log_name = file_name + "-wal";
  struct stat status;
  const bool has_log = ::stat(log_name.c_str(), &status) == 0 && status.st_size != 0;
  if (!has_log || ::access(file_name.c_str(), R_OK) != 0) return;
  throw Error(Code::read_only,
              "the database has a log of changes, which can be read only where it can be written")
      .about(log_name)
      .hint("open the store once where it can be written, or copy it to such a place");
}

std::unique_ptr<SqliteConnection> open_for_reading(SqliteOptions options) {
  options.read_only = true;
  try {
    auto connection = std::make_unique<SqliteConnection>(options);
    (void)connection->query_text("pragma schema_version");
    return connection;
  } catch (const Error& error) {
    if (error.code() != Code::permission_denied && error.code() != Code::read_only) throw;
  }
  refuse_unreadable_log(options.file_name);
  // A database in WAL mode needs its companion files; without them, and without the right to make
  // them, nobody else is writing either.
  options.uri_parameters = "?immutable=1";
  return std::make_unique<SqliteConnection>(options);
}

SqliteTransaction::SqliteTransaction(SqliteConnection& connection, Kind kind)
    : connection_(connection) {
  connection.execute(kind == Kind::write ? "begin immediate" : "begin");
}

SqliteTransaction::~SqliteTransaction() {
  if (!open_) return;
  try {
    connection_.execute("rollback");
  } catch (const Error&) {
    // SQLite has rolled back by itself (a full disk), or does when the connection closes.
  }
}

void SqliteTransaction::commit() {
  connection_.execute("commit");
  open_ = false;
}

}  // namespace cinch::local
