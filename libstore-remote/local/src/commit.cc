// How objects become valid: written aside, moved into place under the lock, registered. An object
// that lies in its place without being registered is a left-over of a crash, and whoever makes that
// path next removes it.
#include "ingest.hh"
#include "path_lock.hh"
#include "published.hh"
#include "state.hh"
#include "verify/repair.hh"

#include <cinch/core/error.hh>

#include <cerrno>
#include <ctime>

#include <unistd.h>

namespace cinch {

void LocalStore::State::register_or_remove(std::span<const PathInfo> infos) {
  local::Published published(objects());
  for (const PathInfo& info : infos) published.add(info.path);
  register_published(infos);
  published.keep();
}

void LocalStore::State::register_published(std::span<const PathInfo> infos) {
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

StorePathSet LocalStore::State::finish_staged(std::span<const StagedCommit> commits) const {
  check_writable();
  StorePathSet paths;
  for (const StagedCommit& object : commits) {
    auto* staged = dynamic_cast<local::StagedTree*>(object.object.get());
    if (!staged || staged->path() != object.info.path) {
      throw Error(Code::invalid_argument, "an object is committed that was not staged so")
          .about(layout.store_dir.print(object.info.path));
    }
    staged->finish();
    paths.insert(object.info.path);
  }
  return paths;
}

void LocalStore::commit(std::vector<StagedCommit> objects) {
  // A valid object is never replaced.
  const StorePathSet valid = find_valid(state_->finish_staged(objects));
  std::vector<State::Publication> publications;
  for (const StagedCommit& object : objects) {
    if (valid.contains(object.info.path)) continue;
    const auto& staged = static_cast<const local::StagedTree&>(*object.object);
    publications.push_back({object.info, [&staged] { staged.publish(); }});
  }
  state_->publish_and_register(publications);
}

void LocalStore::replace(std::vector<StagedCommit> objects) {
  (void)state_->finish_staged(objects);
  std::vector<StorePath> paths;
  for (const StagedCommit& object : objects) paths.push_back(object.info.path);
  const std::vector<std::optional<PathInfo>> registered = find(paths);
  local::Published published(state_->objects());
  std::vector<PathInfo> infos;
  for (std::size_t at = 0; at < objects.size(); ++at) {
    const auto& staged = static_cast<const local::StagedTree&>(*objects[at].object);
    PathInfo info = std::move(objects[at].info);
    local::remove_damaged_links(state_->objects(), staged.directory(),
                                local::StagingDirectory::object_name, {});
    if (!registered[at]) published.add(info.path);
    staged.replace();
    // Signatures are of the contents.
    if (registered[at] && registered[at]->nar_hash == info.nar_hash) {
      info.signatures.insert(registered[at]->signatures.begin(), registered[at]->signatures.end());
    }
    infos.push_back(std::move(info));
  }
  state_->register_published(infos);
  published.keep();
}

}  // namespace cinch
