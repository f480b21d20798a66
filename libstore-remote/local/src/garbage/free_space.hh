// How much space is free, and what frees some for a collection itself.
#pragma once

#include <cinch/files/directory.hh>

#include <cstdint>

namespace cinch::local {

// For those who are not root. Throws if the file system does not say.
std::uint64_t free_bytes(const Directory& directory);

// Gives up `<state>/db/reserved`, unless there is room enough to write what a collection changes in
// the database. REQUIRES: gc.lock is held.
void make_room_to_collect(const Directory& state);

}  // namespace cinch::local
