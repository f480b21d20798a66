// Algorithms that need only the waist.
#pragma once

#include <cinch/core/export.hh>
#include <cinch/core/path_info.hh>
#include <cinch/core/store.hh>

#include <functional>
#include <map>
#include <span>
#include <stop_token>
#include <vector>

namespace cinch {

// The infos of all of them. Throws Code::not_found if a path is not valid.
CINCH_CORE_API std::map<StorePath, PathInfo> require_all(Store& store, const StorePathSet& paths);

// All paths reachable through references, with their infos; asks the store once for each level.
// Throws Code::not_found if a path is not valid.
CINCH_CORE_API std::map<StorePath, PathInfo> compute_closure(Store& store,
                                                             const StorePathSet& roots);

// The same with, of derivations in it, the outputs that are known and valid, and what these refer
// to.
CINCH_CORE_API StorePathSet compute_closure_with_outputs(Store& store, const StorePathSet& roots);

// The paths of the outputs of derivations, as far as these say them. Errors as of
// Store::read_derivations.
CINCH_CORE_API StorePathSet known_outputs(Store& store, std::span<const StorePath> derivations);

// A store that finds closures faster than level by level. compute_closure() asks it.
class CINCH_CORE_API ClosureStore {
 public:
  virtual ~ClosureStore();
  // As compute_closure().
  virtual std::map<StorePath, PathInfo> find_closure(const StorePathSet& roots) = 0;
};

// For each path, the size of the NARs of its closure, in bytes. All together cost hardly more than
// one. REQUIRES: `infos` has the closures of all paths. Throws Code::corrupt as below.
CINCH_CORE_API std::vector<std::uint64_t> closure_sizes(const std::map<StorePath, PathInfo>& infos,
                                                        std::span<const StorePath> paths);

// The infos of a closure such that references come first; equal inputs give equal orders.
// References that are not among the infos do not count, nor do those of a path to itself. Throws
// Code::corrupt if references form a cycle through more than one path.
CINCH_CORE_API std::vector<StorePath> sort_topologically(
    const std::map<StorePath, PathInfo>& infos);

// Runs both functions at the same time: what the first one writes is what the second one reads,
// through a buffer of fixed size. Returns when both have ended. If one throws, the other one's
// stream fails or ends, and the exception that came first is thrown on. Core itself has no threads;
// whoever copies brings this.
using RunPiped = std::function<void(const std::function<void(Sink&)>& produce,
                                    const std::function<void(Source&)>& consume)>;

// How far a copy is; what was there already does not count.
struct CopyProgress {
  std::uint64_t paths_done = 0;
  std::uint64_t paths_expected = 0;
  std::uint64_t bytes_done = 0;  // of NARs
  std::uint64_t bytes_expected = 0;
};

struct CopyOptions {
  SignaturePolicy policy;
  RunPiped run_piped;
  // Called often, by one thread at a time. Empty: nobody wants to know.
  std::function<void(const CopyProgress&)> progress = nullptr;
};

// A store that can take objects from some other stores without NARs in between.
class CINCH_CORE_API DirectCopyStore {
 public:
  virtual ~DirectCopyStore();
  // Takes the objects, references first, as add_nar() would; false, and nothing has happened, if it
  // cannot from this store. What is complete is valid, however it ends. `start` is how far the copy
  // is before it.
  virtual bool copy_directly(Store& from, std::span<const PathInfo> objects,
                             const CopyOptions& options, const CopyProgress& start,
                             std::stop_token stop = {}) = 0;
};

// Copies these objects, and nothing that they refer to, from one store to another, references
// first, skipping what is there; streams, holding no NAR in memory. Temporary roots in both stores
// protect them all. After an error, what was complete stays. The two stores must have the same
// store directory. Returns how many paths were copied. Errors as of Store::add_nar.
CINCH_CORE_API std::uint64_t copy_objects(Store& from, Store& to,
                                          const std::map<StorePath, PathInfo>& objects,
                                          const CopyOptions& options, std::stop_token stop = {});
// The same for `roots` and their closures.
CINCH_CORE_API std::uint64_t copy_closure(Store& from, Store& to, const StorePathSet& roots,
                                          const CopyOptions& options, std::stop_token stop = {});

}  // namespace cinch
