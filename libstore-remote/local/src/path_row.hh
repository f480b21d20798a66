// A row of the table ValidPaths: how what is known of a path becomes one, and is read from one.
// Part of the on-disk format: docs/formats/local-store.md.
#pragma once

#include "sqlite.hh"

#include <cinch/core/path_info.hh>
#include <cinch/core/store_path.hh>

#include <cstdint>
#include <string>

namespace cinch::local {

// The columns beside a path and its number, in the order in which they are read and bound here.
constexpr const char* path_columns = "registrationTime, deriver, hash, narSize, ultimate, sigs, ca";

// Of a row that has these columns from `first` on; without references. Throws Code::malformed.
PathInfo parse_path_row(const SqliteStatement& row, int first, StorePath path,
                        const StoreDir& store_dir);

// The texts of a row. What is bound to them is valid for as long as they are.
struct PathRow {
  // Registered now, unless the info has a time.
  PathRow(const PathInfo& info, const StoreDir& store_dir);

  // The path, then all of these columns.
  SqliteStatement& bind(SqliteStatement& statement) const;
  // Those that change when a path that is valid is registered again: from the hash on.
  SqliteStatement& bind_content(SqliteStatement& statement) const;

  std::string path;
  std::int64_t registration_time;  // in seconds since 1970
  std::string deriver;             // empty: none
  std::string hash;
  std::int64_t nar_size;
  bool ultimate;
  std::string sigs;
  std::string ca;  // empty: none
};

}  // namespace cinch::local
