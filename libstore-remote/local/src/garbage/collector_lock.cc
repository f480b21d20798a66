#include "collector_lock.hh"

#include "../file_lock.hh"
#include "collector_socket.hh"

#include <fcntl.h>

namespace cinch::local {

namespace {

constexpr const char* lock_name = "gc.lock";
constexpr unsigned wait_ms_max = 5'000;

}  // namespace

Descriptor open_collector_lock(const Directory& state) {
  return state.open_file(lock_name, O_RDWR | O_CREAT, 0600);
}

std::string collector_lock_name(const Directory& state) { return state.name_of(lock_name); }

Descriptor lock_for_collection(const Directory& state) {
  prepare_collector_socket(state);
  Descriptor lock = open_collector_lock(state);
  lock_within(lock.get(), LockKind::exclusive, collector_lock_name(state), wait_ms_max);
  return lock;
}

}  // namespace cinch::local
