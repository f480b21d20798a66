// Asks and changes a database as another program does.
#pragma once

#include "catch.hh"
#include "scratch.hh"

#include <string>
#include <vector>

#include <sqlite3.h>

namespace cinch::test {

inline std::string database_of(const Scratch& scratch) {
  return scratch.path("root/nix/var/nix/db/db.sqlite");
}

inline std::string own_database_of(const Scratch& scratch) {
  return scratch.path("root/nix/var/nix/db/cinch.sqlite");
}

// The first column of each row that the statements give, in order.
inline std::vector<std::string> execute(const std::string& file, const std::string& sql) {
  sqlite3* database = nullptr;
  REQUIRE(sqlite3_open(file.c_str(), &database) == SQLITE_OK);
  std::vector<std::string> values;
  const auto take = [](void* to, int, char** columns, char**) {
    static_cast<std::vector<std::string>*>(to)->emplace_back(columns[0] ? columns[0] : "null");
    return 0;
  };
  const int result = sqlite3_exec(database, sql.c_str(), take, &values, nullptr);
  INFO(sqlite3_errmsg(database));
  CHECK(result == SQLITE_OK);
  sqlite3_close(database);
  return values;
}

// REQUIRES: there is a row.
inline std::string first_value(const std::string& file, const std::string& sql) {
  const std::vector<std::string> values = execute(file, sql);
  REQUIRE_FALSE(values.empty());
  return values.front();
}

}  // namespace cinch::test
