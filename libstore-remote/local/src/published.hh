// Objects that have been moved to their places and are not registered yet.
#pragma once

#include <cinch/core/error.hh>
#include <cinch/core/store_path.hh>
#include <cinch/files/directory.hh>

namespace cinch::local {

// Removes them again at the end of a scope, unless told to keep them.
class Published {
 public:
  explicit Published(const Directory& objects) : objects_(objects) {}
  Published(const Published&) = delete;
  Published& operator=(const Published&) = delete;
  ~Published() {
    for (const StorePath& path : paths_) {
      try {
        objects_.remove_tree(path.base_name());
      } catch (const Error&) {
        // Not registered, so it is garbage that the next one to make this path removes.
      }
    }
  }
  void add(const StorePath& path) { paths_.insert(path); }
  void keep() { paths_.clear(); }

 private:
  const Directory& objects_;
  StorePathSet paths_;
};

}  // namespace cinch::local
