// The waist: making paths valid, by building or fetching what is missing.
#pragma once

#include <cinch/core/build_result.hh>
#include <cinch/core/deriving_path.hh>
#include <cinch/core/event.hh>
#include <cinch/core/export.hh>

#include <cstdint>
#include <set>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

namespace cinch {

// Numbers are those of the worker protocol. Beside `normal`, which builds what is missing: `repair`
// also builds what is damaged, of the wanted paths and their closures, and replaces it; `check`
// builds what is valid once more, compares, and changes nothing.
enum class BuildMode : std::uint8_t { normal = 0, repair = 1, check = 2 };

struct RealiseOptions {
  BuildMode mode = BuildMode::normal;
  bool keep_going = false;  // finish what does not depend on a failure
};

// What realising would do.
struct MissingPlan {
  StorePathSet will_build;       // derivations
  StorePathSet will_substitute;  // paths
  StorePathSet unknown;          // paths that nothing can provide
  std::uint64_t download_bytes = 0;
  std::uint64_t nar_bytes = 0;
};

class CINCH_CORE_API Realiser {
 public:
  virtual ~Realiser();
  // One result for each wanted path, in order. A failed build is a result, not an exception;
  // exceptions are for requests that cannot be tried at all, and for cancellation.
  // Several threads may call at once; they share builders, and the same derivation is built once.
  virtual std::vector<BuildResult> realise(std::span<const DerivingPath> wanted,
                                           const RealiseOptions& options, EventSink& events,
                                           std::stop_token stop) = 0;
  virtual MissingPlan plan(std::span<const DerivingPath> wanted) = 0;
};

class Store;

// A result that is no success, as one or more sentences.
CINCH_CORE_API std::string describe_failure(const BuildResult& result, const StoreDir& store_dir);

// The exit status that Nix's programs have after builds: 0 if all succeeded, 100 if a build failed,
// 101 if it took too long, 102 if a fixed output has another hash, 104 if a build is not
// deterministic, their bits together after several failures; 1 for whatever else went wrong. Reads
// the derivations whose outputs were refused.
CINCH_CORE_API int build_exit_status(Store& store, std::span<const BuildResult> results);

}  // namespace cinch
