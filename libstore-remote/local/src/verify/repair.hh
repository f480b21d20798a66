// Replacing a damaged object by the same object of another store.
#pragma once

#include "../staging.hh"

#include <cinch/core/path_info.hh>
#include <cinch/core/store.hh>

#include <stop_token>

namespace cinch::local {

struct RepairPlace {
  const Directory& objects;
  const StoreDir& store_dir;
  StagingArea& staging;
  const WriteTreeOptions& write_options;
};

// Removes links in `.links` that have the names of the files of a tree, and other contents.
// Otherwise optimising would give these files the damaged content.
void remove_damaged_links(const Directory& objects, const Directory& parent,
                          const std::string& name, const std::stop_token& stop);

// Reads the object from the source, holds it against what is registered here, and only then puts it
// in the place of what lies there, in one step. Neither the source nor its signatures need be
// trusted: the hash says it all. Links in `.links` whose content is not what the files of the
// object have are removed. REQUIRES: the path is locked. Throws Code::not_found if the source does
// not have it, Code::hash_mismatch if it has another object.
void replace_object(const RepairPlace& place, const PathInfo& info, Store& source,
                    const std::stop_token& stop);

}  // namespace cinch::local
