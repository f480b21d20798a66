// The waist: what every store can do, whatever it is (a directory, a daemon, a cache).
//
// All calls block, may be made from several threads at once, and take many paths at a time: a
// single query is the batch of one. Full paths appear only at the edges; in here a path is a
// StorePath.
//
// What only some stores can do is a capability: a small interface that the store's class implements
// beside Store, found with capability<T>(store).
#pragma once

#include <cinch/core/build_result.hh>
#include <cinch/core/content_address.hh>
#include <cinch/core/derivation.hh>
#include <cinch/core/event.hh>
#include <cinch/core/export.hh>
#include <cinch/core/path_info.hh>
#include <cinch/core/stream.hh>

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

namespace cinch {

// Whether an object must be signed by a trusted key (or be content-addressed) to be added. There is
// no default anywhere: each caller decides.
enum class SignaturePolicy : std::uint8_t { require_trusted, accept_unsigned };

struct AddContent {
  std::string name;
  ContentAddressMethod method = ContentAddressMethod::nar;
  HashAlgorithm algorithm = HashAlgorithm::sha256;
  StorePathSet references;
};

class CINCH_CORE_API Store {
 public:
  Store() = default;
  Store(const Store&) = delete;
  Store& operator=(const Store&) = delete;
  virtual ~Store();

  virtual const StoreDir& store_dir() const = 0;
  // Names the store such that opening this URL again gives the same store.
  virtual std::string url() const = 0;

  // One answer for each path, in order; empty: there is no such valid path.
  virtual std::vector<std::optional<PathInfo>> find(std::span<const StorePath> paths) = 0;
  // The subset that is valid.
  virtual StorePathSet find_valid(const StorePathSet& paths) = 0;
  // The valid path with these 32 characters, if any.
  virtual std::optional<StorePath> find_by_hash_part(std::string_view hash_part) = 0;
  virtual StorePathSet all_valid_paths() = 0;
  // For each path, the valid paths that refer to it (itself left out unless it refers to itself).
  virtual std::vector<StorePathSet> find_referrers(std::span<const StorePath> paths) = 0;
  // For each path, the valid derivations that have it as an output.
  virtual std::vector<StorePathSet> find_derivers(std::span<const StorePath> paths) = 0;

  // Writes the NAR of one valid path. Throws Code::not_found; Code::corrupt if the object on disk
  // is gone or cannot be one.
  virtual void read_nar(const StorePath& path, Sink& sink, std::stop_token stop = {}) = 0;

  // Adds an object whose info is known. Reads exactly one NAR from `nar`, also when the path is
  // valid already (then it changes nothing). Throws Code::hash_mismatch if the content does not
  // match the info, Code::not_trusted as the policy says, Code::not_found if a reference is not
  // valid.
  virtual void add_nar(const PathInfo& info, Source& nar, SignaturePolicy policy,
                       std::stop_token stop = {}) = 0;
  // Adds content whose path follows from itself: raw bytes for text and flat, a NAR for nar; reads
  // the source to its end. Returns the info of the new or already valid object.
  virtual PathInfo add_content(const AddContent& options, Source& content,
                               std::stop_token stop = {}) = 0;
  // Adds signatures to a valid path.
  virtual void add_signatures(const StorePath& path, const std::set<Signature>& signatures) = 0;

  // Protects paths from garbage collection for as long as this Store lives; they need not be valid
  // yet.
  virtual void add_temporary_roots(std::span<const StorePath> paths) = 0;

  // The derivations with these paths. Throws Code::not_found, Code::malformed;
  // Code::invalid_argument for a path that does not end in ".drv".
  // The base class reads and parses NARs; a backend with a faster way overrides it.
  virtual std::vector<Derivation> read_derivations(std::span<const StorePath> paths);

  // Adds .drv files, in any order: a derivation's inputs may be among the others. Checks the rules
  // and output paths, reading other inputs from this store; nothing is added unless all are right.
  // Returns the paths, in the order of the derivations. Throws Code::invalid_derivation;
  // Code::not_found for an input that is not valid.
  // The base class adds texts; a backend with a faster way overrides it.
  virtual std::vector<StorePath> add_derivations(std::span<const Derivation> derivations);

  // Conveniences over the above.
  PathInfo require(const StorePath& path);  // throws Code::not_found
  bool is_valid(const StorePath& path);
  Derivation read_derivation(const StorePath& path);
  // As add_derivations, for one.
  StorePath add_derivation(const Derivation& derivation);
};

// The capability T of a store, or null.
template <class T>
T* capability(Store& store) {
  return dynamic_cast<T*>(&store);
}
[[noreturn]] CINCH_CORE_API void throw_missing_capability(Store& store, std::string_view what);
// As above; throws Code::not_supported with `what` ("keep build logs") and the store's URL.
template <class T>
T& require_capability(Store& store, std::string_view what) {
  if (T* found = capability<T>(store)) return *found;
  throw_missing_capability(store, what);
}

// Build logs, by derivation.
class CINCH_CORE_API LogStore {
 public:
  virtual ~LogStore();
  // Writes the uncompressed log to the sink; false if there is none.
  virtual bool read_log(const StorePath& derivation, Sink& sink) = 0;
  // Starts the log of a build; replaces an older one. The log is complete when the sink is
  // destroyed.
  virtual std::unique_ptr<Sink> write_log(const StorePath& derivation) = 0;
  // Where the log lies, for messages; the file need not exist.
  virtual std::string log_location(const StorePath& derivation) const = 0;
};

// An object that is being written and that nobody can see before it is committed. Destroying it
// uncommitted leaves nothing behind.
class CINCH_CORE_API StagedObject {
 public:
  virtual ~StagedObject();
  // Takes exactly one NAR.
  virtual Sink& nar() = 0;
};
struct StagedCommit {
  std::unique_ptr<StagedObject> object;
  PathInfo info;
};
// Held until destroyed; other processes, Nix's own among them, wait.
class CINCH_CORE_API PathLock {
 public:
  virtual ~PathLock();
};

// A store on this machine's file system, in which things can be built.
class CINCH_CORE_API BuildStore {
 public:
  virtual ~BuildStore();
  // Where the object really lies: an absolute file name.
  virtual std::string real_path(const StorePath& path) const = 0;
  // A directory for build directories, created, mode 0700, not below a world-writable one.
  virtual std::string build_directory() const = 0;
  // Begins an object; its path must be locked by the caller. Left-overs at the path are removed at
  // the commit.
  virtual std::unique_ptr<StagedObject> stage(const StorePath& path) = 0;
  // Makes the objects visible and registers all of them in one transaction; they may refer to each
  // other.
  virtual void commit(std::vector<StagedCommit> objects) = 0;
  // As commit(), but valid objects, which are damaged or gone, are replaced, each in one step, and
  // what is registered of them is what the new ones are: the NAR hash may be another one. Objects
  // are on disk before they replace others. If it fails, some may have been replaced.
  virtual void replace(std::vector<StagedCommit> objects) = 0;
  // Waits for the locks of all paths, in a fixed order; asks `stop` at least ten times a second.
  // Calls `on_wait` once before it has to wait.
  virtual std::unique_ptr<PathLock> lock(const StorePathSet& paths, std::stop_token stop,
                                         const std::function<void()>& on_wait) = 0;
};

// A store that takes an object before it is told which one it is, as export archives have it.
class CINCH_CORE_API ImportStore {
 public:
  virtual ~ImportStore();
  // Makes an info without a content address of what the NAR turned out to be.
  using Describe = std::function<PathInfo(const Hash& nar_hash, std::uint64_t nar_size)>;
  // Reads exactly one NAR, asks once what it was, and adds it unless it is valid already. The path
  // gets a temporary root. Errors as of Store::add_nar.
  virtual StorePath add_unnamed_nar(Source& nar, const Describe& describe, SignaturePolicy policy,
                                    std::stop_token stop = {}) = 0;
};

// Links that keep paths alive.
class CINCH_CORE_API RootStore {
 public:
  virtual ~RootStore();
  // `link` is an absolute name of a symlink (outside the store) that points into the store;
  // from now on the garbage collector follows it.
  virtual void add_indirect_root(std::string_view link) = 0;
};

}  // namespace cinch
