// Whether objects are what is registered of them.
#pragma once

#include <cinch/core/event.hh>
#include <cinch/core/store.hh>

#include <map>
#include <stop_token>
#include <string>

namespace cinch {

// Of these valid paths, those whose objects are gone, changed or unreadable, each with a sentence
// that says so. Permissions do not count. Changes nothing. Throws Code::not_supported for a store
// that cannot verify, Code::cancelled.
std::map<StorePath, std::string> find_damage(Store& store, const StorePathSet& valid,
                                             const std::stop_token& stop);

// The same for one operation that comes by paths again and again: nothing is looked at twice. Sets
// permissions right, and tells of damage.
class ContentCheck {
 public:
  // Both must outlive it.
  ContentCheck(Store& store, EventSink& events) : store_(store), events_(events) {}

  // Those of the paths that are not valid or not intact.
  // REQUIRES: the caller holds no lock on the paths.
  StorePathSet find_bad(const StorePathSet& paths, const std::stop_token& stop);
  // What has just been built.
  void mark_intact(const StorePath& path);

 private:
  Store& store_;
  EventSink& events_;
  StorePathSet intact_;
  StorePathSet damaged_;
};

}  // namespace cinch
