// How fast garbage goes: measured in each large collection, for whoever asks how long the next one
// may take.
#pragma once

#include "../own_database.hh"

#include <chrono>
#include <cstdint>

namespace cinch::local {

struct CollectionSpeed {
  double files_per_second;
  bool measured;  // in this store; else it is what is usual
};

// What an own database says; what is usual if it says nothing, or cannot be read.
CollectionSpeed find_collection_speed(OwnDatabase& database);

// Remembers a collection, if it removed enough files to tell anything. Nothing depends on it, so
// that a failure is no failure of the collection.
void remember_collection(OwnDatabase& database, std::uint64_t files,
                         std::chrono::milliseconds duration);

}  // namespace cinch::local
