#include "garbage/link_roots.hh"
#include "path_lock.hh"
#include "state.hh"

#include <cinch/core/error.hh>
#include <cinch/files/file_tree.hh>

#include <unistd.h>

namespace cinch {

LocalStore::State::State(const LocalStoreOptions& given)
    : options(given),
      layout(given),
      database({.file_name = layout.database_file(),
                .store_dir = layout.store_dir,
                .read_only = given.read_only,
                .wal = given.sqlite_wal,
                .synchronous = given.fsync_metadata,
                .busy_ms_max = given.busy_ms_max}),
      own_database({.file_name = layout.own_database_file(),
                    .read_only = given.read_only,
                    .wal = given.sqlite_wal,
                    .synchronous = given.fsync_metadata,
                    .busy_ms_max = given.busy_ms_max}),
      directories(local::open_directories(layout, given, [this] { database.create_tables(); })),
      roots(directories.state, layout.store_dir),
      staging(directories.objects, roots),
      checker(directories.objects, layout.store_dir),
      durability(database, own_database, directories),
      automatic_collector(given.automatic_collection, directories.objects) {
  // Whatever is wrong with the database should be said now.
  (void)database.find({});
  if (!options.read_only) lost = durability.recover();
}

void LocalStore::State::check_writable() const {
  if (!options.read_only) return;
  throw Error(Code::read_only, "the store was opened read-only")
      .about(layout.real_dir)
      .hint("open it without read-only=true");
}

LocalStore::LocalStore(std::unique_ptr<State> state) : state_(std::move(state)) {}
LocalStore::~LocalStore() = default;

std::unique_ptr<LocalStore> LocalStore::open(const LocalStoreOptions& options) try {
  return std::unique_ptr<LocalStore>(new LocalStore(std::make_unique<State>(options)));
} catch (const Error& error) {
  Error full = local::with_hint(error);
  full.add_context("while opening the store in '" + local::Layout(options).real_dir + "'");
  throw full;
}

const std::vector<LostPath>& LocalStore::lost_paths() const { return state_->lost; }

const StoreDir& LocalStore::store_dir() const { return state_->layout.store_dir; }

std::string LocalStore::url() const {
  return local::url_of(state_->layout, state_->options.read_only);
}

std::string LocalStore::real_path(const StorePath& path) const {
  return state_->objects().name_of(path.base_name());
}

std::string LocalStore::build_directory() const {
  state_->check_writable();
  return local::prepare_build_directory(state_->layout.build_dir);
}

std::unique_ptr<PathLock> LocalStore::lock(const StorePathSet& paths, std::stop_token stop,
                                           const std::function<void()>& on_wait) {
  state_->check_writable();
  // A garbage collector takes the lock file of a path for rubbish, unless the path is a root.
  state_->roots.add(std::vector(paths.begin(), paths.end()));
  return local::lock_paths(state_->objects(), paths, stop, on_wait);
}

void LocalStore::add_temporary_roots(std::span<const StorePath> paths) {
  // Nobody collects garbage in a store that cannot be written.
  if (!state_->options.read_only) state_->roots.add(paths);
}

void LocalStore::add_indirect_root(std::string_view link) {
  state_->check_writable();
  const std::string name(link);
  if (!name.starts_with('/') || name.find('\0') != name.npos) {
    throw Error(Code::invalid_argument, "a root must be an absolute file name").about(name);
  }
  if (store_dir().containing(name)) {
    throw Error(Code::invalid_argument, "a root must lie outside the store").about(name);
  }
  const Directory& state = state_->directories.state;
  local::ensure_automatic_root(state, name);
  if (const auto path = local::find_target(store_dir(), name)) state_->roots.confirm(*path);
  // A collector that was looking for stale roots just before there was the link has removed it.
  local::ensure_automatic_root(state, name);
}

}  // namespace cinch
