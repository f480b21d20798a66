// Does the disk hold what the database says?
#include "state.hh"

#include <cinch/core/cancellation.hh>
#include <cinch/core/error.hh>
#include <cinch/core/hash.hh>
#include <cinch/files/file_tree.hh>

#include <algorithm>
#include <set>

namespace cinch {

namespace {

std::string describe(const Hash& hash, std::uint64_t size_bytes) {
  return hash.to_string(HashFormat::nix32) + " (" + std::to_string(size_bytes) + " bytes)";
}

// What is wrong with the contents of an object; empty if nothing is.
std::string compare_contents(const Directory& objects, const PathInfo& info,
                             const std::stop_token& stop) try {
  Hasher hasher(HashAlgorithm::sha256);
  NarWriter writer(hasher);
  read_tree(objects, info.path.base_name(), writer, {.stop = stop});
  writer.finish();
  const std::uint64_t size_bytes = hasher.size_bytes();
  const Hash hash = hasher.finish();
  // Very old entries have no size.
  if (hash == info.nar_hash && (info.nar_size == 0 || size_bytes == info.nar_size)) return "";
  return "the contents have changed: the hash of the NAR is " + describe(hash, size_bytes) +
         ", and should be " + describe(info.nar_hash, info.nar_size);
} catch (const Error& error) {
  if (error.code() == Code::cancelled) throw;
  return error.what();
}

}  // namespace

std::vector<VerifyProblem> LocalStore::verify(const VerifyOptions& options, std::stop_token stop) {
  const StorePathSet valid = all_valid_paths();
  std::set<std::string> present;
  for (DirectoryEntry& entry : state_->objects().list()) present.insert(std::move(entry.name));

  std::vector<VerifyProblem> problems;
  std::vector<StorePath> readable;
  for (const StorePath& path : valid) {
    if (present.contains(path.base_name()) || state_->objects().stat(path.base_name())) {
      readable.push_back(path);
    } else if (is_valid(path)) {  // not collected since the question
      problems.push_back({path, "the object is gone, although its path is valid"});
    }
  }
  if (!options.check_contents) return problems;
  const std::vector<std::optional<PathInfo>> infos = find(readable);
  for (const std::optional<PathInfo>& info : infos) {
    check_cancelled(stop);
    if (!info) continue;
    std::string message = compare_contents(state_->objects(), *info, stop);
    if (!message.empty() && is_valid(info->path)) {
      problems.push_back({info->path, std::move(message)});
    }
  }
  return problems;
}

}  // namespace cinch
