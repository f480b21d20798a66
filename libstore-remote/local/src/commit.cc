// How objects become valid: written aside, moved into place under the lock, registered. An object
// that lies in its place without being registered is a left-over of a crash, and whoever makes that
// path next removes it.
#include "ingest.hh"
#include "path_lock.hh"
#include "published.hh"
#include "state.hh"

#include <cinch/core/error.hh>

#include <cerrno>
#include <ctime>

#include <unistd.h>

namespace cinch {

void LocalStore::State::register_or_remove(std::span<const PathInfo> infos) {
  local::Published published(objects());
  for (const PathInfo& info : infos) published.add(info.path);
  std::vector<local::Registration> batch;
  batch.reserve(infos.size());
  for (const PathInfo& info : infos) {
    local::check_info(info, layout.store_dir);
    local::Registration item{.info = info};
    if (info.path.is_derivation()) item.derivation_outputs = checker.check(info.path);
    batch.push_back(std::move(item));
  }
  if (options.auto_optimise) {
    for (const PathInfo& info : infos) optimise_added(info.path);
  }
  register_together(batch);
  published.keep();
}

void LocalStore::State::register_together(std::span<const local::Registration> batch) {
  if (options.fsync_store_paths && ::fsync(objects().get()) != 0) {
    throw system_error(errno, "cannot flush", objects().name());
  }
  durability.before_registration();
  database.register_valid(batch);
  durability.after_registration();
}

void LocalStore::State::publish_and_register(std::span<const Publication> publications) {
  local::Published published(objects());
  std::vector<PathInfo> infos;
  for (const Publication& publication : publications) {
    published.add(publication.info.path);
    publication.publish();
    infos.push_back(publication.info);
  }
  register_or_remove(infos);
  published.keep();
}

PathInfo LocalStore::State::install(const local::StagingDirectory& staged, PathInfo info,
                                    const std::stop_token& stop) {
  roots.add({&info.path, 1});
  const auto lock = local::lock_paths(objects(), {info.path}, stop, {});
  if (std::optional<PathInfo> existing = find_one(info.path)) return *std::move(existing);
  info.registration_time = std::time(nullptr);
  staged.publish(info.path);
  register_or_remove({&info, 1});
  return info;
}

std::unique_ptr<StagedObject> LocalStore::stage(const StorePath& path) {
  prepare_to_add();
  state_->roots.add({&path, 1});
  return std::make_unique<local::StagedTree>(state_->staging, path, state_->write_options());
}

void LocalStore::commit(std::vector<StagedCommit> objects) {
  state_->check_writable();
  StorePathSet paths;
  for (const StagedCommit& object : objects) {
    auto* staged = dynamic_cast<local::StagedTree*>(object.object.get());
    if (!staged || staged->path() != object.info.path) {
      throw Error(Code::invalid_argument, "an object is committed that was not staged so")
          .about(store_dir().print(object.info.path));
    }
    staged->finish();
    paths.insert(object.info.path);
  }
  // A valid object is never replaced.
  const StorePathSet valid = find_valid(paths);
  std::vector<State::Publication> publications;
  for (const StagedCommit& object : objects) {
    if (valid.contains(object.info.path)) continue;
    const auto& staged = static_cast<const local::StagedTree&>(*object.object);
    publications.push_back({object.info, [&staged] { staged.publish(); }});
  }
  state_->publish_and_register(publications);
}

}  // namespace cinch
