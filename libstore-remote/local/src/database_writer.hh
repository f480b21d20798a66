// The connection through which a Database writes, and the statements that write paths and what they
// refer to. REQUIRES for all of it: the database's writers wait for each other.
#pragma once

#include "database.hh"
#include "path_row.hh"

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>

namespace cinch::local {

// A row of Refs, by the ids of the two paths.
struct Database::Reference {
  std::int64_t referrer = 0;
  std::int64_t reference = 0;

  auto operator<=>(const Reference&) const = default;
};

struct Database::Writer {
  explicit Writer(std::unique_ptr<SqliteConnection> opened);

  std::optional<std::int64_t> find_id(const std::string& full_path);
  // A new row, or what may change of the one that is there; its id.
  std::int64_t put(const PathRow& row);
  void put(std::span<const Reference> references);

  std::unique_ptr<SqliteConnection> connection;
  SqliteStatement id;
  SqliteStatement insert;
  SqliteStatement update;
  SqliteStatement insert_reference;
  SqliteStatement insert_references;
  SqliteStatement insert_output;
  SqliteStatement signatures;
  SqliteStatement update_signatures;
};

}  // namespace cinch::local
