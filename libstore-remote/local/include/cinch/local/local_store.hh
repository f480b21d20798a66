// A store on this machine's file system: a directory of objects and Nix's own SQLite database
// (schema 10) about them. It opens an existing Nix store in place and works beside Nix processes on
// it; a store that it creates is one that Nix opens. Layout: docs/formats/local-store.md.
//
// Safe for several threads at once. Several stores, also on the same directory, may live in one
// process.
#pragma once

#include <cinch/core/closure.hh>
#include <cinch/core/export.hh>
#include <cinch/core/garbage.hh>
#include <cinch/core/maintenance.hh>
#include <cinch/core/realisation_store.hh>
#include <cinch/core/store.hh>
#include <cinch/core/validity_registration.hh>

#include <chrono>
#include <cstdint>
#include <functional>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace cinch {

// Collecting garbage when the disk fills up, by those who add objects.
struct AutomaticCollection {
  LivenessOptions liveness;
  std::uint64_t free_bytes_min = 0;  // collects when less is free; 0: never
  // Stops once as much is free.
  std::uint64_t free_bytes_wanted = std::numeric_limits<std::uint64_t>::max();
  std::chrono::seconds check_interval{5};  // how often the disk is asked, at most
};

struct LocalStoreOptions {
  StoreDir store_dir = StoreDir();  // the logical one, that is part of paths
  std::string root;                 // empty: none; else the directory that stands for "/"
  std::string real_dir;             // where objects lie; empty: <root><store dir>
  std::string state_dir;            // empty: <root>/nix/var/nix
  std::string log_dir;              // empty: <root>/nix/var/log/nix
  std::string build_dir;            // empty: <state dir>/builds
  bool read_only = false;           // take no locks, write nothing
  bool create = true;               // create a missing store; else Code::not_found
  // Use a store directory that is a symlink, or lies below one. Names of files in objects are then
  // not those that the kernel gives; what is built there may hold either.
  bool allow_symlinked_dir = false;
  bool require_signatures = true;
  std::vector<PublicKey> trusted_keys;
  bool compress_logs = true;
  bool sqlite_wal = true;
  bool fsync_metadata = true;
  bool fsync_store_paths = false;
  bool auto_optimise = false;  // what is added, as optimise() does it
  AutomaticCollection automatic_collection;
  // How long to wait for another process that holds the database; after that, Code::busy.
  std::uint32_t busy_ms_max = 60'000;
};

struct RegisterOptions {
  bool reregister = false;   // also what is valid already: hash and size are replaced
  bool canonicalise = true;  // gives objects the modes and times of objects, and an owner
};

// A path that is not valid any more, because a power failure had damaged it.
struct LostPath {
  StorePath path;
  std::string message;
};

// A link among the roots that keeps nothing alive, because it does not lead to a valid path.
struct DanglingRoot {
  std::string link;
  std::string target;  // as the link has it
  friend bool operator==(const DanglingRoot&, const DanglingRoot&) = default;
};

// Functions that adding a tree calls from one thread at a time, not always the caller's.
struct AddTreeOptions {
  // Whether to add an entry. It gets paths below the tree ("a/b"), and is asked about nothing below
  // a directory that it keeps out. Empty: everything.
  std::function<bool(std::string_view path)> filter;
  // Gets the number of bytes of the NAR that were read and written since it was last called.
  std::function<void(std::uint64_t nar_bytes)> progress;
};

class CINCH_LOCAL_API LocalStore final : public Store,
                                         public LogStore,
                                         public BuildStore,
                                         public ImportStore,
                                         public ClosureStore,
                                         public DirectCopyStore,
                                         public RootStore,
                                         public GarbageStore,
                                         public MaintenanceStore,
                                         public RealisationStore {
 public:
  // Throws Code::permission_denied, read_only, no_space, busy, not_supported (a schema that is too
  // old or too new), not_found, each with what to do as the hint.
  static std::unique_ptr<LocalStore> open(const LocalStoreOptions& options);
  ~LocalStore() override;

  // What was damaged when the machine stopped, and what referred to that: opening took it from the
  // database. Empty but for the first one to open the store after a power failure.
  const std::vector<LostPath>& lost_paths() const;

  const StoreDir& store_dir() const override;
  std::string url() const override;
  std::vector<std::optional<PathInfo>> find(std::span<const StorePath> paths) override;
  StorePathSet find_valid(const StorePathSet& paths) override;
  std::optional<StorePath> find_by_hash_part(std::string_view hash_part) override;
  StorePathSet all_valid_paths() override;
  std::vector<StorePathSet> find_referrers(std::span<const StorePath> paths) override;
  std::vector<StorePathSet> find_derivers(std::span<const StorePath> paths) override;
  void read_nar(const StorePath& path, Sink& sink, std::stop_token stop = {}) override;
  void add_nar(const PathInfo& info, Source& nar, SignaturePolicy policy,
               std::stop_token stop = {}) override;
  PathInfo add_content(const AddContent& options, Source& content,
                       std::stop_token stop = {}) override;
  void add_signatures(const StorePath& path, const std::set<Signature>& signatures) override;
  void add_temporary_roots(std::span<const StorePath> paths) override;
  std::vector<StorePath> add_derivations(std::span<const Derivation> derivations) override;
  std::vector<Derivation> read_derivations(std::span<const StorePath> paths) override;

  bool read_log(const StorePath& derivation, Sink& sink) override;
  std::unique_ptr<Sink> write_log(const StorePath& derivation) override;
  std::string log_location(const StorePath& derivation) const override;

  std::string real_path(const StorePath& path) const override;
  std::string build_directory() const override;
  std::unique_ptr<StagedObject> stage(const StorePath& path) override;
  void commit(std::vector<StagedCommit> objects) override;
  void replace(std::vector<StagedCommit> objects) override;
  std::unique_ptr<PathLock> lock(const StorePathSet& paths, std::stop_token stop,
                                 const std::function<void()>& on_wait) override;

  std::map<StorePath, PathInfo> find_closure(const StorePathSet& roots) override;
  // From another local store: files are copied by several threads, and hashed on the way.
  bool copy_directly(Store& from, std::span<const PathInfo> objects, const CopyOptions& options,
                     const CopyProgress& start, std::stop_token stop = {}) override;
  StorePath add_unnamed_nar(Source& nar, const Describe& describe, SignaturePolicy policy,
                            std::stop_token stop = {}) override;

  void add_indirect_root(std::string_view link) override;

  std::vector<GarbageRoot> find_roots() override;
  StorePathSet find_alive(const LivenessOptions& options) override;
  std::vector<std::optional<AliveReason>> find_alive_reasons(
      std::span<const StorePath> paths, const LivenessOptions& options) override;
  // Removes stale entries of `gcroots/auto`, too.
  GarbageReport collect_garbage(const GarbageOptions& options,
                                const std::function<void(const GarbageProgress&)>& progress = {},
                                std::stop_token stop = {}) override;
  OptimiseReport optimise(const MaintenanceListener& listener = {},
                          std::stop_token stop = {}) override;
  // Has every option. When contents were checked, the result is kept, for `intact_since`.
  VerifyReport verify(const VerifyOptions& options, const MaintenanceListener& listener = {},
                      std::stop_token stop = {}) override;
  RealisationForms realisation_forms() override;
  std::vector<std::optional<Realisation>> find_realisations(
      std::span<const RealisationKey> keys) override;
  std::vector<std::optional<HashedRealisation>> find_hashed_realisations(
      std::span<const HashedRealisationKey> keys) override;
  void register_realisations(std::span<const Realisation> realisations,
                             SignaturePolicy policy) override;
  void register_hashed_realisations(std::span<const HashedRealisation> realisations,
                                    SignaturePolicy policy) override;
  // Of which outputs realisations are known, sorted.
  std::vector<RealisationKey> all_realisations();
  std::vector<HashedRealisationKey> all_hashed_realisations();

  // Indirect roots whose links are gone: the links, which somebody removed.
  std::vector<std::string> find_stale_roots();
  // Other roots that keep nothing alive, although somebody may think so. Nobody removes them.
  std::vector<DanglingRoot> find_dangling_roots();
  // Removes the entries of stale roots, and returns the links. Throws Code::busy while somebody
  // collects garbage, who does the same; Code::read_only.
  std::vector<std::string> remove_stale_roots();

  // The same as add_signatures() of each path, but in one step: all or nothing.
  void add_signatures_together(const std::map<StorePath, std::set<Signature>>& signatures);
  // Adds a tree of the file system as `nar` content: as add_content, but in one pass over the
  // files.
  PathInfo add_tree(const std::string& name, const std::string& full_name,
                    std::stop_token stop = {});
  PathInfo add_tree(const std::string& name, const std::string& full_name,
                    const AddTreeOptions& options, std::stop_token stop = {});
  // Makes objects valid that lie in their places already; those without a hash are hashed, all
  // others are taken at their word. All or nothing. Throws Code::not_found if an object is not
  // there, or a reference is neither valid nor among the others; Code::invalid_derivation.
  void register_paths(std::span<const ValidityRegistration> registrations,
                      const RegisterOptions& options = {}, std::stop_token stop = {});
  // Writes, with their hashes, registrations of the paths, in their order; of all that are valid if
  // none are given. Throws Code::not_found.
  void write_registrations(Sink& sink, const std::optional<StorePathSet>& paths = std::nullopt);

 private:
  struct State;
  struct Copy;
  explicit LocalStore(std::unique_ptr<State> state);
  void prepare_to_add();
  std::unique_ptr<State> state_;
};

}  // namespace cinch
