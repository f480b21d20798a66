// A whole database, written at once.
#pragma once

#include "damaged_database.hh"

#include <cinch/core/path_info.hh>
#include <cinch/core/store_path.hh>
#include <cinch/files/directory.hh>

#include <cstdint>
#include <map>
#include <span>
#include <string>

namespace cinch::local {

struct NewRow {
  std::int64_t id;
  PathInfo info;  // its references are paths of other rows, or its own
  std::map<std::string, StorePath> outputs;
};

// Makes `<directory>/<name>`, with other tables of `old`, checks it, and returns when it is on
// disk. REQUIRES: there is no such file, and no journal of one.
void write_database(const Directory& directory, const std::string& name, const StoreDir& store_dir,
                    std::span<const NewRow> rows, DamagedDatabase& old);

}  // namespace cinch::local
