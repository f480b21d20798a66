#include "exclusive_store.hh"

#include "../file_lock.hh"
#include "../garbage/collector_lock.hh"

#include <cinch/core/error.hh>

#include <fcntl.h>

namespace cinch::local {

namespace {

void lock_alone(const Descriptor& lock, const std::string& name) {
  if (try_lock(lock.get(), LockKind::exclusive, name)) return;
  const std::string holders = lock_holders(lock.get());
  throw Error(Code::busy, "the store is in use" + (holders.empty() ? "" : " by " + holders))
      .about(name)
      .hint(
          "end these processes (a daemon: systemctl stop nix-daemon.socket nix-daemon), and try "
          "again")
      .retryable();
}

void check_schema_if_readable(const Directory& database) {
  int schema = 0;
  try {
    schema = read_schema(database);
  } catch (const Error& error) {
    if (error.code() != Code::corrupt) throw;
  }
  if (schema != 0) check_schema(database, schema);
}

}  // namespace

ExclusiveStore open_exclusively(const Layout& layout, const LocalStoreOptions& options) {
  if (options.read_only) {
    throw Error(Code::read_only, "the store was opened read-only")
        .about(layout.real_dir)
        .hint("open it without read-only=true");
  }
  check_store_directory(layout, options);
  Directory objects = open_existing(layout.real_dir);
  Directory state = Directory::create(layout.state_dir, 0755);
  Directory database = Directory::create(state.name_of("db"), 0755);
  Descriptor big_lock = database.open_file("big-lock", O_RDWR | O_CREAT, 0600);
  lock_alone(big_lock, database.name_of("big-lock"));
  Descriptor collector_lock = open_collector_lock(state);
  lock_alone(collector_lock, collector_lock_name(state));
  check_schema_if_readable(database);
  return {std::move(objects), std::move(state), std::move(database), std::move(big_lock),
          std::move(collector_lock)};
}

}  // namespace cinch::local
