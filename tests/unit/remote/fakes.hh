// A store in memory and a realiser that pretends, for tests of the daemon.
#pragma once

#include <cinch/core/error.hh>
#include <cinch/core/nar.hh>
#include <cinch/core/realisation_store.hh>
#include <cinch/core/realiser.hh>
#include <cinch/core/store.hh>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <vector>

namespace cinch::test {

class MemoryStore final : public Store, public RootStore, public RealisationStore {
 public:
  const StoreDir& store_dir() const override { return store_dir_; }
  std::string url() const override { return "memory"; }

  std::vector<std::optional<PathInfo>> find(std::span<const StorePath> paths) override {
    const std::lock_guard lock(mutex_);
    std::vector<std::optional<PathInfo>> found;
    for (const StorePath& path : paths) {
      const auto object = objects_.find(path);
      found.push_back(object == objects_.end() ? std::nullopt : std::optional(object->second.info));
    }
    return found;
  }
  StorePathSet find_valid(const StorePathSet& paths) override {
    const std::lock_guard lock(mutex_);
    StorePathSet valid;
    for (const StorePath& path : paths) {
      if (objects_.contains(path)) valid.insert(path);
    }
    return valid;
  }
  std::optional<StorePath> find_by_hash_part(std::string_view hash_part) override {
    const std::lock_guard lock(mutex_);
    for (const auto& [path, object] : objects_) {
      if (path.hash_part() == hash_part) return path;
    }
    return std::nullopt;
  }
  StorePathSet all_valid_paths() override {
    const std::lock_guard lock(mutex_);
    StorePathSet paths;
    for (const auto& [path, object] : objects_) paths.insert(path);
    return paths;
  }
  std::vector<StorePathSet> find_referrers(std::span<const StorePath> paths) override {
    const std::lock_guard lock(mutex_);
    std::vector<StorePathSet> answers;
    for (const StorePath& path : paths) {
      StorePathSet& referrers = answers.emplace_back();
      for (const auto& [other, object] : objects_) {
        if (object.info.references.contains(path)) referrers.insert(other);
      }
    }
    return answers;
  }
  std::vector<StorePathSet> find_derivers(std::span<const StorePath> paths) override {
    const std::vector<std::optional<PathInfo>> infos = find(paths);
    std::vector<StorePathSet> answers;
    for (const auto& info : infos) {
      StorePathSet& derivers = answers.emplace_back();
      if (info && info->deriver) derivers.insert(*info->deriver);
    }
    return answers;
  }
  void read_nar(const StorePath& path, Sink& sink, std::stop_token = {}) override {
    std::string nar;
    {
      const std::lock_guard lock(mutex_);
      const auto object = objects_.find(path);
      if (object == objects_.end()) throw Error(Code::not_found, "there is no such path");
      nar = object->second.nar;
    }
    sink.write(as_bytes(nar));
  }
  void add_nar(const PathInfo& info, Source& nar, SignaturePolicy policy,
               std::stop_token = {}) override {
    StringSink content(std::uint64_t{1} << 30);
    copy_nar(nar, content);
    last_policy = policy;
    if (policy == SignaturePolicy::require_trusted && info.signatures.empty()) {
      throw Error(Code::not_trusted, "the path has no signature by a trusted key");
    }
    if (hash_bytes(HashAlgorithm::sha256, as_bytes(content.text())) != info.nar_hash ||
        content.text().size() != info.nar_size) {
      throw Error(Code::hash_mismatch, "the content is not what was promised");
    }
    const std::lock_guard lock(mutex_);
    objects_.insert_or_assign(info.path, Object{info, content.take()});
  }
  PathInfo add_content(const AddContent& options, Source& content, std::stop_token = {}) override {
    std::string bytes = read_all(content, std::uint64_t{1} << 30);
    const ContentAddress address{options.method, hash_bytes(options.algorithm, as_bytes(bytes))};
    StorePath path = make_content_addressed_path(store_dir_, options.name, address,
                                                 {.others = options.references});
    std::string nar = options.method == ContentAddressMethod::nar ? bytes : file_nar(bytes);
    PathInfo info{.path = path,
                  .nar_hash = hash_bytes(HashAlgorithm::sha256, as_bytes(nar)),
                  .nar_size = nar.size(),
                  .references = options.references,
                  .content_address = address};
    const std::lock_guard lock(mutex_);
    objects_.insert_or_assign(path, Object{info, std::move(nar)});
    return info;
  }
  void add_signatures(const StorePath& path, const std::set<Signature>& signatures) override {
    const std::lock_guard lock(mutex_);
    objects_.at(path).info.signatures.insert(signatures.begin(), signatures.end());
  }
  void add_temporary_roots(std::span<const StorePath> paths) override {
    const std::lock_guard lock(mutex_);
    temporary_roots.insert(paths.begin(), paths.end());
  }
  void add_indirect_root(std::string_view link) override {
    const std::lock_guard lock(mutex_);
    indirect_roots.insert(std::string(link));
  }

  RealisationForms realisation_forms() override { return {.by_path = true, .by_hash = true}; }
  std::vector<std::optional<Realisation>> find_realisations(
      std::span<const RealisationKey> keys) override {
    return look_up(realisations, keys);
  }
  std::vector<std::optional<HashedRealisation>> find_hashed_realisations(
      std::span<const HashedRealisationKey> keys) override {
    return look_up(hashed_realisations, keys);
  }
  void register_realisations(std::span<const Realisation> given, SignaturePolicy policy) override {
    last_policy = policy;
    const std::lock_guard lock(mutex_);
    for (const Realisation& one : given) realisations.insert_or_assign(one.key, one);
  }
  void register_hashed_realisations(std::span<const HashedRealisation> given,
                                    SignaturePolicy policy) override {
    last_policy = policy;
    const std::lock_guard lock(mutex_);
    for (const HashedRealisation& one : given) hashed_realisations.insert_or_assign(one.key, one);
  }

  static std::string file_nar(std::string_view contents) {
    StringSink nar(std::uint64_t{1} << 30);
    NarWriter writer(nar);
    writer.file(contents.size(), false);
    if (!contents.empty()) writer.contents(as_bytes(contents));
    writer.leave();
    writer.finish();
    return nar.take();
  }

  std::size_t size() {
    const std::lock_guard lock(mutex_);
    return objects_.size();
  }

  std::atomic<SignaturePolicy> last_policy = SignaturePolicy::require_trusted;
  StorePathSet temporary_roots;
  std::set<std::string> indirect_roots;
  std::map<RealisationKey, Realisation> realisations;
  std::map<HashedRealisationKey, HashedRealisation> hashed_realisations;

 private:
  template <class Key, class Value>
  std::vector<std::optional<Value>> look_up(const std::map<Key, Value>& known,
                                            std::span<const Key> keys) {
    const std::lock_guard lock(mutex_);
    std::vector<std::optional<Value>> found;
    for (const Key& key : keys) {
      const auto at = known.find(key);
      found.push_back(at == known.end() ? std::nullopt : std::optional(at->second));
    }
    return found;
  }

  struct Object {
    PathInfo info;
    std::string nar;
  };
  StoreDir store_dir_;
  std::mutex mutex_;
  std::map<StorePath, Object> objects_;
};

// Does what `on_realise` says.
class FakeRealiser final : public Realiser {
 public:
  using OnRealise = std::function<std::vector<BuildResult>(
      std::span<const DerivingPath>, const RealiseOptions&, EventSink&, const std::stop_token&)>;
  std::vector<BuildResult> realise(std::span<const DerivingPath> wanted,
                                   const RealiseOptions& options, EventSink& events,
                                   std::stop_token stop) override {
    return on_realise(wanted, options, events, stop);
  }
  MissingPlan plan(std::span<const DerivingPath> wanted) override {
    MissingPlan plan;
    for (const DerivingPath& path : wanted) {
      if (const auto* built = std::get_if<BuiltPath>(&path)) {
        plan.will_build.insert(built->derivation);
      } else {
        plan.unknown.insert(std::get<OpaquePath>(path).path);
      }
    }
    plan.download_bytes = 1;
    plan.nar_bytes = 2;
    return plan;
  }

  OnRealise on_realise = [](auto, const auto&, auto&, const auto&) {
    return std::vector<BuildResult>();
  };
};

// Waits until a stop is requested, as a long build does.
inline void wait_for_stop(const std::stop_token& stop) {
  std::mutex mutex;
  std::condition_variable_any changed;
  std::unique_lock lock(mutex);
  if (!changed.wait_for(lock, stop, std::chrono::seconds(20), [] { return false; }) &&
      !stop.stop_requested()) {
    throw Error(Code::timed_out, "nobody asked the fake build to stop");
  }
}

}  // namespace cinch::test
