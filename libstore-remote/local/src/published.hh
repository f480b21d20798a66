// Objects that are in their places and not registered yet.
#pragma once

#include <cinch/core/store_path.hh>
#include <cinch/files/directory.hh>

#include <string_view>

namespace cinch::local {

// Removes them again at the end of a scope, unless told to keep them.
class Published {
 public:
  explicit Published(const Directory& objects) : objects_(objects) {}
  Published(const Published&) = delete;
  Published& operator=(const Published&) = delete;
  ~Published();

  void add(const StorePath& path) { paths_.insert(path); }
  // Writes a plain file to its place at once: nobody looks there before it is registered. What lay
  // there is removed. REQUIRES: the path is locked, a temporary root, and not valid.
  void write_file(const StorePath& path, std::string_view contents, bool fsync);
  void keep() { paths_.clear(); }

 private:
  const Directory& objects_;
  StorePathSet paths_;
};

}  // namespace cinch::local
