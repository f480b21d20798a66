#include "database_writer.hh"

#include <utility>

namespace cinch::local {

namespace {

// Starting and ending a statement takes as long as writing a row or two.
constexpr std::size_t references_together = 16;

std::string insert_references_sql(std::size_t count) {
  std::string sql = "insert or ignore into Refs (referrer, reference) values (?, ?)";
  for (std::size_t at = 1; at < count; ++at) sql += ", (?, ?)";
  return sql;
}

}  // namespace

Database::Writer::Writer(std::unique_ptr<SqliteConnection> opened)
    : connection(std::move(opened)),
      id(*connection, "select id from ValidPaths where path = ?"),
      insert(*connection, std::string("insert into ValidPaths (path, ") + path_columns +
                              ") values (?, ?, ?, ?, ?, ?, ?, ?)"),
      update(*connection,
             "update ValidPaths set hash = ?, narSize = ?, ultimate = ?, sigs = ?, ca = ? "
             "where id = ?"),
      insert_reference(*connection, insert_references_sql(1)),
      insert_references(*connection, insert_references_sql(references_together)),
      insert_output(*connection,
                    "insert or replace into DerivationOutputs (drv, id, path) "
                    "values (?, ?, ?)"),
      signatures(*connection, "select id, sigs from ValidPaths where path = ?"),
      update_signatures(*connection, "update ValidPaths set sigs = ? where id = ?") {}

std::optional<std::int64_t> Database::Writer::find_id(const std::string& full_path) {
  const StatementScope scope(id);
  if (!id.begin().bind(full_path).step()) return std::nullopt;
  return id.number(0);
}

std::int64_t Database::Writer::put(const PathRow& row) {
  if (const std::optional<std::int64_t> existing = find_id(row.path)) {
    const StatementScope scope(update);
    row.bind_content(update.begin()).bind(*existing).run();
    return *existing;
  }
  const StatementScope scope(insert);
  row.bind(insert.begin()).run();
  return connection->last_row_id();
}

void Database::Writer::put(std::span<const Reference> references) {
  while (!references.empty()) {
    const bool are_many = references.size() >= references_together;
    SqliteStatement& statement = are_many ? insert_references : insert_reference;
    const std::span<const Reference> some = references.first(are_many ? references_together : 1);
    statement.begin();
    for (const Reference& row : some) statement.bind(row.referrer).bind(row.reference);
    statement.run();
    references = references.subspan(some.size());
  }
}

}  // namespace cinch::local
