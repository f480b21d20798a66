// What can be asked of a LocalStore.
#include "state.hh"

#include <cinch/core/error.hh>
#include <cinch/files/file_tree.hh>

namespace cinch {

std::vector<std::optional<PathInfo>> LocalStore::find(std::span<const StorePath> paths) {
  return state_->database.find(paths);
}

StorePathSet LocalStore::find_valid(const StorePathSet& paths) {
  return state_->database.find_valid(paths);
}

std::optional<StorePath> LocalStore::find_by_hash_part(std::string_view hash_part) {
  return state_->database.find_by_hash_part(hash_part);
}

StorePathSet LocalStore::all_valid_paths() { return state_->database.all_valid_paths(); }

std::map<StorePath, PathInfo> LocalStore::find_closure(const StorePathSet& roots) {
  try {
    return state_->database.find_closure(roots);
  } catch (Error& error) {
    error.set_subject_if_empty(url());
    throw;
  }
}

std::vector<StorePathSet> LocalStore::find_referrers(std::span<const StorePath> paths) {
  return state_->database.find_referrers(paths);
}

std::vector<StorePathSet> LocalStore::find_derivers(std::span<const StorePath> paths) {
  return state_->database.find_derivers(paths);
}

void LocalStore::read_nar(const StorePath& path, Sink& sink, std::stop_token stop) {
  (void)require(path);
  if (!state_->objects().stat(path.base_name())) {
    throw Error(Code::corrupt, "the object is gone, although its path is valid")
        .about(real_path(path))
        .hint("run 'cinch store verify', and add it again");
  }
  NarWriter writer(sink);
  read_tree(state_->objects(), path.base_name(), writer, {.stop = std::move(stop)});
  writer.finish();
}

std::vector<Derivation> LocalStore::read_derivations(std::span<const StorePath> paths) {
  const StorePathSet valid = find_valid(StorePathSet(paths.begin(), paths.end()));
  std::vector<Derivation> derivations;
  derivations.reserve(paths.size());
  for (const StorePath& path : paths) {
    if (!valid.contains(path)) {
      throw Error(Code::not_found, "path '" + store_dir().print(path) + "' is not valid")
          .about(url());
    }
    derivations.push_back(local::read_derivation_file(state_->objects(), store_dir(), path));
  }
  return derivations;
}

}  // namespace cinch
