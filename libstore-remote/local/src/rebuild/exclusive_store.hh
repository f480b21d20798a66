// A store that nobody else has open, and that need not have a database.
#pragma once

#include "../layout.hh"

#include <cinch/files/directory.hh>

namespace cinch::local {

struct ExclusiveStore {
  Directory objects;
  Directory state;
  Directory database;
  Descriptor big_lock;
  Descriptor collector_lock;
};

// Makes the state directory if it is gone, too. Throws Code::busy, with the names of the processes
// that have the store open; Code::not_found without a store directory; Code::not_supported for
// another schema.
ExclusiveStore open_exclusively(const Layout& layout, const LocalStoreOptions& options);

}  // namespace cinch::local
