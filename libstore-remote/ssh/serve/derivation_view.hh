// A store as a build sees it that has one derivation which is not in it: a client may have it
// built without adding it first.
#pragma once

#include <cinch/core/closure.hh>
#include <cinch/core/store.hh>

namespace cinch::serve {

class DerivationView final : public Store, public BuildStore, public LogStore, public ClosureStore {
 public:
  // The derivation is what this view says lies at `path`, whatever the store has there. The store
  // must outlive the view. Throws Code::not_supported for a store in which nothing can be built.
  DerivationView(Store& store, StorePath path, Derivation derivation);
  ~DerivationView() override;

  const StoreDir& store_dir() const override { return store_.store_dir(); }
  std::string url() const override { return store_.url(); }
  std::vector<std::optional<PathInfo>> find(std::span<const StorePath> paths) override;
  StorePathSet find_valid(const StorePathSet& paths) override;  // the derivation among them
  std::optional<StorePath> find_by_hash_part(std::string_view hash_part) override;
  StorePathSet all_valid_paths() override;
  std::vector<StorePathSet> find_referrers(std::span<const StorePath> paths) override;
  std::vector<StorePathSet> find_derivers(std::span<const StorePath> paths) override;
  void read_nar(const StorePath& path, Sink& sink, std::stop_token stop) override;
  void add_nar(const PathInfo& info, Source& nar, SignaturePolicy policy,
               std::stop_token stop) override;
  PathInfo add_content(const AddContent& options, Source& content, std::stop_token stop) override;
  void add_signatures(const StorePath& path, const std::set<Signature>& signatures) override;
  void add_temporary_roots(std::span<const StorePath> paths) override;
  std::vector<Derivation> read_derivations(std::span<const StorePath> paths) override;

  std::string real_path(const StorePath& path) const override;
  std::string build_directory() const override;
  std::unique_ptr<StagedObject> stage(const StorePath& path) override;
  void commit(std::vector<StagedCommit> objects) override;
  void replace(std::vector<StagedCommit> objects) override;
  std::unique_ptr<PathLock> lock(const StorePathSet& paths, std::stop_token stop,
                                 const std::function<void()>& on_wait) override;

  bool read_log(const StorePath& derivation, Sink& sink) override;
  std::unique_ptr<Sink> write_log(const StorePath& derivation) override;
  std::string log_location(const StorePath& derivation) const override;

  std::map<StorePath, PathInfo> find_closure(const StorePathSet& roots) override;

 private:
  Store& store_;
  BuildStore& place_;
  LogStore& logs_;
  const StorePath path_;
  const Derivation derivation_;
};

}  // namespace cinch::serve
