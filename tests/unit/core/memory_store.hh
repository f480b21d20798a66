// A store in memory, for tests of what needs only the waist. It believes what it is told.
#pragma once

#include <cinch/core/error.hh>
#include <cinch/core/nar.hh>
#include <cinch/core/store.hh>

#include <map>
#include <utility>

namespace cinch::test {

class MemoryStore final : public Store {
 public:
  struct Object {
    PathInfo info;
    std::string nar;
  };
  std::map<StorePath, Object> objects;
  std::vector<StorePath> added;  // in order
  StorePathSet temporary_roots;
  std::size_t find_calls = 0;

  explicit MemoryStore(StoreDir store_dir = StoreDir()) : store_dir_(std::move(store_dir)) {}

  // An object with some content; its path says nothing about it.
  StorePath put(const std::string& name, const StorePathSet& references = {}) {
    const std::string nar = file_nar(name);
    const Hash hash = hash_bytes(HashAlgorithm::sha256, as_bytes(nar));
    const StorePath path = make_store_path(store_dir_, "test", hash, name);
    objects.emplace(path, Object{{.path = path,
                                  .nar_hash = hash,
                                  .nar_size = nar.size(),
                                  .references = references,
                                  .registration_time = 1,
                                  .ultimate = true},
                                 nar});
    return path;
  }

  static std::string file_nar(std::string_view contents) {
    StringSink sink(std::uint64_t{1} << 20);
    NarWriter writer(sink);
    writer.file(contents.size(), false);
    if (!contents.empty()) writer.contents(as_bytes(contents));
    writer.leave();
    writer.finish();
    return sink.take();
  }

  const StoreDir& store_dir() const override { return store_dir_; }
  std::string url() const override { return "memory:"; }
  std::vector<std::optional<PathInfo>> find(std::span<const StorePath> paths) override {
    ++find_calls;
    std::vector<std::optional<PathInfo>> infos;
    for (const StorePath& path : paths) {
      const auto found = objects.find(path);
      infos.push_back(found == objects.end() ? std::nullopt
                                             : std::optional<PathInfo>(found->second.info));
    }
    return infos;
  }
  StorePathSet find_valid(const StorePathSet& paths) override {
    StorePathSet valid;
    for (const StorePath& path : paths) {
      if (objects.contains(path)) valid.insert(path);
    }
    return valid;
  }
  std::optional<StorePath> find_by_hash_part(std::string_view) override { return std::nullopt; }
  StorePathSet all_valid_paths() override {
    StorePathSet paths;
    for (const auto& [path, object] : objects) paths.insert(path);
    return paths;
  }
  std::vector<StorePathSet> find_referrers(std::span<const StorePath> paths) override {
    return std::vector<StorePathSet>(paths.size());
  }
  std::vector<StorePathSet> find_derivers(std::span<const StorePath> paths) override {
    return std::vector<StorePathSet>(paths.size());
  }
  void read_nar(const StorePath& path, Sink& sink, std::stop_token) override {
    const auto found = objects.find(path);
    if (found == objects.end()) throw Error(Code::not_found, "there is no such path");
    sink.write(as_bytes(found->second.nar));
  }
  void add_nar(const PathInfo& info, Source& nar, SignaturePolicy, std::stop_token) override {
    for (const StorePath& reference : info.references) {
      if (reference != info.path && !objects.contains(reference)) {
        throw Error(Code::not_found, "a reference is not valid").about(reference.base_name());
      }
    }
    StringSink sink(std::uint64_t{1} << 20);
    copy_nar(nar, sink);
    objects.emplace(info.path, Object{info, sink.take()});
    added.push_back(info.path);
  }
  PathInfo add_content(const AddContent& options, Source& content, std::stop_token) override {
    const std::string text = read_all(content, std::uint64_t{1} << 20);
    const ContentAddress address{options.method, hash_bytes(options.algorithm, as_bytes(text))};
    const StorePath path = make_content_addressed_path(store_dir_, options.name, address,
                                                       {.others = options.references});
    const std::string nar = file_nar(text);
    const PathInfo info{.path = path,
                        .nar_hash = hash_bytes(HashAlgorithm::sha256, as_bytes(nar)),
                        .nar_size = nar.size(),
                        .references = options.references,
                        .content_address = address};
    StringSource source(nar);
    add_nar(info, source, SignaturePolicy::accept_unsigned, {});
    return info;
  }
  void add_signatures(const StorePath&, const std::set<Signature>&) override {}
  void add_temporary_roots(std::span<const StorePath> paths) override {
    temporary_roots.insert(paths.begin(), paths.end());
  }

 private:
  StoreDir store_dir_;
};

}  // namespace cinch::test
