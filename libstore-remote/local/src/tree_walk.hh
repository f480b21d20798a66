// Goes through a tree on disk without reading its files.
#pragma once

#include <cinch/files/directory.hh>

#include <functional>
#include <memory>
#include <stop_token>
#include <string>

#include <sys/stat.h>

namespace cinch::local {

struct TreeEntry {
  // Held open; it may be kept beyond the visit.
  const std::shared_ptr<const Directory>& parent;
  const std::string& name;
  const struct stat& status;  // of the entry itself
};

// Calls `visit` for the entry `name` of `parent` and for all below it, directories before what is
// in them. `parent` must outlive what the visitor keeps. Throws Code::not_found, and
// Code::limit_exceeded for trees that are too deep for an object.
void walk_tree(const Directory& parent, const std::string& name,
               const std::function<void(const TreeEntry&)>& visit,
               const std::stop_token& stop = {});

}  // namespace cinch::local
