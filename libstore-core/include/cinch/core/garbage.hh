// Garbage collection: what keeps objects alive, and deleting what nothing keeps alive.
//
// An object is alive if a root leads to it: a link in the file system, an open file of a running
// process, or a temporary root; or if something that is alive refers to it. A derivation and its
// outputs may keep each other alive, as the options say.
#pragma once

#include <cinch/core/export.hh>
#include <cinch/core/store_path.hh>

#include <chrono>
#include <cstdint>
#include <functional>
#include <limits>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

namespace cinch {

struct GarbageRoot {
  // The absolute name of the link or of the file in /proc that names the path, or "{temp:<pid>}".
  std::string link;
  StorePath path;
  friend auto operator<=>(const GarbageRoot&, const GarbageRoot&) = default;
};

// Whether what is alive keeps more alive than what it refers to.
struct LivenessOptions {
  bool keep_outputs = false;     // a derivation: its outputs
  bool keep_derivations = true;  // an output: the derivation that it was built by
};

struct GarbageOptions {
  LivenessOptions liveness;
  // Only these paths: Code::busy if one is alive, or needed by another path. Liveness options do
  // not matter then. Empty: all of the store, left-overs of crashes included.
  std::optional<StorePathSet> only;
  bool also_referrers = false;   // with `only`: and all that refers to them
  bool skip_alive = false;       // with `only`: passes over what is alive or needed
  bool ignore_liveness = false;  // with `only`: roots other than temporary ones do not count
  // Stops once so many bytes are free.
  std::uint64_t bytes_max = std::numeric_limits<std::uint64_t>::max();
  bool dry_run = false;  // deletes nothing
  // In a dry run: how long it may look at files to tell what they take on disk, after the first
  // few hundred. Those that it does not come to are estimated.
  std::chrono::milliseconds survey_time_max{100};
};

struct GarbageProgress {
  std::uint64_t paths_done = 0;
  std::uint64_t paths_expected = 0;
  std::uint64_t bytes_freed = 0;
};

// What a dry run expects of the collection that it stands for.
struct GarbageForecast {
  std::uint64_t files = 0;  // symlinks and directories, too, that are to be removed
  // How many were looked at: all of them, or those that the number of others, and their sizes, are
  // estimated from.
  std::uint64_t files_seen = 0;
  bool estimated = false;
  std::chrono::milliseconds duration{0};
  // Whether the duration goes by the last large collection of the same store; else it goes by what
  // is usual.
  bool duration_measured = false;
};

struct GarbageReport {
  // What was deleted, referrers first; in a dry run, what would be.
  std::vector<StorePath> paths;
  // Left-overs without a valid path: interrupted adds, lock files.
  std::vector<std::string> left_overs;
  // On disk: of directories, and of files that have no other name then. A dry run counts the same,
  // but for links of optimised files that nothing has used before.
  std::uint64_t bytes = 0;
  std::optional<GarbageForecast> forecast;  // of a dry run
  // Entries of the store directory that are no part of a store. They are left alone.
  std::vector<std::string> foreign;
  // Paths that are not alive, but refer to themselves through each other, which no store should
  // have. They, and what they refer to, are left alone, unless it is they that were asked for.
  std::vector<StorePath> cyclic;
};

// How a root leads to a path: the path that the root names, then each time one that keeps the next
// alive, up to the path that was asked about.
struct AliveReason {
  GarbageRoot root;
  std::vector<StorePath> chain;
};

class CINCH_CORE_API GarbageStore {
 public:
  virtual ~GarbageStore();

  // All roots of valid paths, sorted by link.
  virtual std::vector<GarbageRoot> find_roots() = 0;
  virtual StorePathSet find_alive(const LivenessOptions& options) = 0;
  // Why each path is alive; empty for one that is not.
  virtual std::vector<std::optional<AliveReason>> find_alive_reasons(
      std::span<const StorePath> paths, const LivenessOptions& options) = 0;

  // Other processes may go on adding and using paths: what they name while this runs stays. Whether
  // it is asked to stop, killed, or loses power, every path that is still valid is whole; what was
  // not reached goes the next time. `progress` is called now and then, by one thread at a time.
  // Throws Code::busy if another collector runs, Code::read_only, Code::cancelled.
  virtual GarbageReport collect_garbage(
      const GarbageOptions& options,
      const std::function<void(const GarbageProgress&)>& progress = {},
      std::stop_token stop = {}) = 0;
};

}  // namespace cinch
