// SQLite with owners: connections and statements that close themselves, errors as Error.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include <sqlite3.h>

namespace cinch::local {

class SqliteConnection;

// A prepared statement, to be used again and again. Not for several threads at once.
class SqliteStatement {
 public:
  SqliteStatement(SqliteConnection& connection, std::string_view sql);

  // Begins anew: forgets the last run, binds nothing yet.
  SqliteStatement& begin();
  // Each binds the next parameter. Text must stay valid until the statement is reset.
  SqliteStatement& bind(std::string_view text);
  SqliteStatement& bind(std::int64_t number);
  SqliteStatement& bind_null();
  SqliteStatement& bind_or_null(std::string_view text);  // null if empty
  SqliteStatement& bind_column(const SqliteStatement& row, int column);

  bool step();  // true: there is a row
  void run();   // to the end
  void reset();

  std::int64_t number(int column) const;
  std::string_view text(int column) const;  // valid until the next step; null reads as ""
  bool is_null(int column) const;
  int column_count() const;

 private:
  struct Finalize {
    void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
  };
  void check(int result) const;

  SqliteConnection* connection_;
  std::unique_ptr<sqlite3_stmt, Finalize> statement_;
  int parameter_ = 0;
};

// Resets a statement at the end of a scope, so that it holds no lock.
class StatementScope {
 public:
  explicit StatementScope(SqliteStatement& statement) : statement_(statement) {}
  StatementScope(const StatementScope&) = delete;
  StatementScope& operator=(const StatementScope&) = delete;
  ~StatementScope() { statement_.reset(); }

 private:
  SqliteStatement& statement_;
};

struct SqliteOptions {
  std::string file_name;
  std::string uri_parameters;  // "?immutable=1"
  std::string vfs;             // empty: the default
  bool read_only = false;
  std::uint32_t busy_ms_max = 60'000;  // how long to wait for another process
  std::string when_corrupt;            // what to do about a damaged file: a hint
};

// The name of a table or column as SQL takes it, whatever is in it.
std::string quoted_name(std::string_view name);

// One connection; not for several threads at once.
class SqliteConnection {
 public:
  explicit SqliteConnection(const SqliteOptions& options);
  SqliteConnection(const SqliteConnection&) = delete;
  SqliteConnection& operator=(const SqliteConnection&) = delete;

  void execute(const std::string& sql);
  std::string query_text(const std::string& sql);  // the first column of the only row
  std::int64_t last_row_id() const;
  void keep_wal_file();

  // An error of the disk was reported by it: do not use it again. SQLite may have opened a file for
  // reading only because it could not open it for writing at that moment, and sticks to it.
  bool is_broken() const { return broken_; }

  [[noreturn]] void throw_error(int result) const;

 private:
  friend class SqliteStatement;
  struct Close {
    void operator()(sqlite3* database) const { sqlite3_close_v2(database); }
  };
  static int wait_when_busy(void* self, int attempts);

  std::string file_name_;
  std::uint32_t busy_ms_max_;
  std::string when_corrupt_;
  mutable bool broken_ = false;
  std::unique_ptr<sqlite3, Close> database_;
};

// A connection to a database that may lie where nothing can be written.
std::unique_ptr<SqliteConnection> open_for_reading(SqliteOptions options);

// Rolls back unless committed.
class SqliteTransaction {
 public:
  enum class Kind { read, write };
  SqliteTransaction(SqliteConnection& connection, Kind kind);
  SqliteTransaction(const SqliteTransaction&) = delete;
  SqliteTransaction& operator=(const SqliteTransaction&) = delete;
  ~SqliteTransaction();
  void commit();

 private:
  SqliteConnection& connection_;
  bool open_ = true;
};

}  // namespace cinch::local
