#include "object_survey.hh"

#include "../canonical.hh"
#include "../optimise/file_linker.hh"

#include <cinch/core/cancellation.hh>
#include <cinch/core/content_address_hasher.hh>
#include <cinch/core/error.hh>
#include <cinch/core/nar.hh>
#include <cinch/core/path_info.hh>
#include <cinch/core/references.hh>
#include <cinch/files/file_tree.hh>
#include <cinch/files/parallel.hh>

#include <algorithm>
#include <memory>
#include <mutex>
#include <utility>

#include <sys/stat.h>

namespace cinch::local {

namespace {

std::optional<StorePath> parse_name(const std::string& name) {
  try {
    return StorePath::parse(name);
  } catch (const Error&) {
    return std::nullopt;
  }
}

// One of each hash part: lock files and the like have the hash part of what they are about.
StorePathSet candidates_of(const std::map<StorePath, SurveyedObject>& objects,
                           const StorePathSet& known) {
  std::map<std::string_view, const StorePath*> chosen;
  for (const StorePath& path : known) chosen.emplace(path.hash_part(), &path);
  for (const auto& [path, object] : objects) {
    const auto [place, is_new] = chosen.emplace(path.hash_part(), &path);
    if (is_new || known.contains(*place->second)) continue;
    if (path.base_name().size() < place->second->base_name().size()) place->second = &path;
  }
  StorePathSet candidates;
  for (const auto& [hash_part, path] : chosen) candidates.insert(candidates.end(), *path);
  return candidates;
}

class Surveyor {
 public:
  Surveyor(const Directory& objects, const StorePathSet& candidates,
           const MaintenanceListener& listener, std::stop_token stop)
      : objects_(objects), candidates_(candidates), listener_(listener), stop_(std::move(stop)) {}

  void look_at(std::map<StorePath, SurveyedObject>& objects) {
    std::vector<std::pair<const StorePath, SurveyedObject>*> list;
    list.reserve(objects.size());
    for (auto& item : objects) list.push_back(&item);
    progress_.paths_expected = list.size();
    one_of_several_ = is_one_of_several(list.size());
    run_parallel(list.size(), hash_threads_max, [&](std::size_t at) {
      check_cancelled(stop_);
      look_at(list[at]->first.base_name(), list[at]->second);
      const std::lock_guard lock(mutex_);
      ++progress_.paths_done;
      if (list[at]->second.digest) progress_.bytes_done += list[at]->second.digest->size_bytes;
      if (listener_) listener_(progress_);
    });
  }

 private:
  void look_at(const std::string& name, SurveyedObject& object) try {
    std::unique_ptr<ReferenceScanner> scanner = take_scanner();
    Hasher hasher(HashAlgorithm::sha256);
    TeeSink both(hasher, *scanner);
    NarWriter writer(both);
    read_tree(objects_, name, writer, {.on_this_thread = one_of_several_, .stop = stop_});
    writer.finish();
    const std::uint64_t size_bytes = hasher.size_bytes();
    object.digest = {hasher.finish(), size_bytes};
    object.mentioned = scanner->take_found();
    object.is_finished = is_canonical_tree(objects_, name, stop_);
    const std::lock_guard lock(mutex_);
    scanners_.push_back(std::move(scanner));
  } catch (const Error& error) {
    if (error.code() == Code::cancelled) throw;
    object.fault = error.what();
  }

  // Each takes time to make, as there are many candidates.
  std::unique_ptr<ReferenceScanner> take_scanner() {
    {
      const std::lock_guard lock(mutex_);
      if (!scanners_.empty()) {
        std::unique_ptr<ReferenceScanner> scanner = std::move(scanners_.back());
        scanners_.pop_back();
        return scanner;
      }
    }
    return std::make_unique<ReferenceScanner>(candidates_);
  }

  const Directory& objects_;
  const StorePathSet& candidates_;
  const MaintenanceListener& listener_;
  const std::stop_token stop_;
  std::mutex mutex_;
  std::vector<std::unique_ptr<ReferenceScanner>> scanners_;  // idle
  MaintenanceProgress progress_;
  bool one_of_several_ = false;
};

std::optional<ContentAddress> address_of(const Directory& objects, const StorePath& path,
                                         const ContentAddressHashing& how,
                                         const std::stop_token& stop) {
  try {
    ContentAddressHasher hasher(how);
    NarWriter writer(hasher);
    read_tree(objects, path.base_name(), writer, {.stop = stop});
    writer.finish();
    return hasher.finish();
  } catch (const Error& error) {
    // Not every object has an address by every method.
    if (error.code() != Code::invalid_argument) throw;
    return std::nullopt;
  }
}

}  // namespace

Survey survey_objects(const Directory& objects, const StorePathSet& known,
                      const MaintenanceListener& listener, const std::stop_token& stop) {
  Survey survey;
  for (DirectoryEntry& entry : objects.list()) {
    if (entry.name == links_name) continue;
    if (std::optional<StorePath> path = parse_name(entry.name)) {
      survey.objects.emplace(*std::move(path), SurveyedObject());
    } else {
      survey.foreign.push_back(std::move(entry.name));
    }
  }
  const StorePathSet candidates = candidates_of(survey.objects, known);
  Surveyor(objects, candidates, listener, stop).look_at(survey.objects);
  return survey;
}

bool is_path_of(const StoreDir& store_dir, const StorePath& path, const ContentAddress& address,
                const StorePathSet& references) {
  PathInfo info{.path = path, .nar_hash = address.hash};
  info.references = references;
  info.content_address = address;
  return info.is_content_addressed(store_dir);
}

std::optional<Proof> prove(const Directory& objects, const StoreDir& store_dir,
                           const StorePath& path, const SurveyedObject& object,
                           std::span<const ContentAddress> claims, const std::stop_token& stop) {
  StorePathSet others = object.mentioned;
  const bool mentions_itself = others.erase(path) > 0;
  // What a source mentions is not what it refers to.
  const auto with_some_references = [&](const ContentAddress& address) -> std::optional<Proof> {
    for (const StorePathSet& references : {object.mentioned, others, StorePathSet()}) {
      if (is_path_of(store_dir, path, address, references)) return Proof{address, references};
    }
    return std::nullopt;
  };
  if (auto proof = with_some_references({ContentAddressMethod::nar, object.digest->hash})) {
    return proof;
  }
  std::vector<ContentAddressHashing> ways;
  const std::optional<struct stat> status = objects.stat(path.base_name());
  if (status && S_ISREG(status->st_mode)) ways.push_back({.method = ContentAddressMethod::flat});
  if (mentions_itself) ways.push_back({.self = std::string(path.hash_part())});
  for (const ContentAddress& claim : claims) {
    ways.push_back({.method = claim.method, .algorithm = claim.hash.algorithm()});
  }
  for (const ContentAddressHashing& way : ways) {
    std::optional<ContentAddress> address = address_of(objects, path, way, stop);
    if (!address) continue;
    if (auto proof = with_some_references(*address)) return proof;
    if (way.method != ContentAddressMethod::flat) continue;
    if (way.algorithm != HashAlgorithm::sha256) continue;
    address->method = ContentAddressMethod::text;
    if (auto proof = with_some_references(*address)) return proof;
  }
  return std::nullopt;
}

}  // namespace cinch::local
