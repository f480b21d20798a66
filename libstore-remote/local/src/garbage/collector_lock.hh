// `<state>/gc.lock`: held alone by the garbage collector, and together, for a moment, by those who
// add temporary roots. docs/formats/local-store.md, "Temporary roots".
#pragma once

#include <cinch/files/directory.hh>

#include <string>

namespace cinch::local {

// Not locked yet.
Descriptor open_collector_lock(const Directory& state);
std::string collector_lock_name(const Directory& state);  // for messages
// Waits for those who hold it for a moment. Throws Code::busy if a collector runs.
Descriptor lock_for_collection(const Directory& state);

}  // namespace cinch::local
