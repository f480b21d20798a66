// Decides what to build, in which order, for several requests over one shared graph. It is a state
// machine without thread, clock or descriptor: events in, commands out. Who drives it does the
// loading and the building and tells it the outcome.
//
// The states of a derivation, and all there is to know about how it moves (build_coordinator.cc is
// the one place that moves it):
//
//   loading   -- loaded, nothing wanted is missing --> idle
//   loading   -- loaded, something is missing -------> waiting, or ready
//   loading   -- cannot be loaded -------------------> failed
//   idle      -- something missing is wanted --------> waiting, or ready
//   waiting   -- its last input is there ------------> ready
//   waiting   -- an input failed, or must not be one > failed
//   ready     -- a slot is free ---------------------> running
//   running   -- ended well -------------------------> built
//   running   -- ended badly ------------------------> failed
//   running   -- no request needs it any more -------> stopping
//   stopping  -- ended well -------------------------> built
//   stopping  -- ended badly, needed again meanwhile > loading
//   any other -- no request needs it any more -------> forgotten
#pragma once

#include <cinch/core/build_result.hh>
#include <cinch/core/derivation.hh>

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <variant>
#include <vector>

namespace cinch {

using RequestId = std::uint64_t;

// --- events

struct RequestAdded {
  RequestId request;  // not used before
  std::vector<BuiltPath> wanted;
  bool keep_going = false;
};
// What the caller found out about one derivation.
struct DerivationLoaded {
  StorePath derivation;
  std::map<StorePath, OutputNames> inputs;
  OutputNames outputs;
  OutputNames missing;  // outputs that are not valid
  bool is_impure = false;
  bool may_need_impure = true;  // whether its inputs may be impure
};
struct DerivationNotLoaded {
  StorePath derivation;
  BuildResult result;
};
struct BuildEnded {
  StorePath derivation;
  BuildResult result;
};
struct RequestCancelled {
  RequestId request;
};
using CoordinatorEvent =
    std::variant<RequestAdded, DerivationLoaded, DerivationNotLoaded, BuildEnded, RequestCancelled>;

// --- commands

// Each is answered by one DerivationLoaded or DerivationNotLoaded for each derivation.
struct LoadDerivations {
  std::vector<StorePath> derivations;
};
// Answered by one BuildEnded.
struct StartBuild {
  StorePath derivation;
};
// Makes a BuildEnded come soon.
struct StopBuild {
  StorePath derivation;
};
struct ReportProgress {
  RequestId request;
  std::uint64_t done;
  std::uint64_t expected;
  std::uint64_t running;
  std::uint64_t failed;
};
// The last word about a request; one result for each wanted path, in order. Their `outputs` are the
// caller's to fill in.
struct FinishRequest {
  RequestId request;
  std::vector<BuildResult> results;
};
using CoordinatorCommand =
    std::variant<LoadDerivations, StartBuild, StopBuild, ReportProgress, FinishRequest>;

struct CoordinatorOptions {
  StoreDir store_dir;          // for messages
  std::uint32_t jobs_max = 1;  // builds at a time, at least 1
};

class BuildCoordinator {
 public:
  explicit BuildCoordinator(CoordinatorOptions options);
  BuildCoordinator(const BuildCoordinator&) = delete;
  BuildCoordinator& operator=(const BuildCoordinator&) = delete;
  ~BuildCoordinator();

  // Equal sequences of events give equal sequences of commands; events that come together are best
  // handed in together, as the commands are larger and fewer then. Throws Code::invalid_argument
  // for an event that does not fit the state, such as the end of a build that was not started.
  std::vector<CoordinatorCommand> handle(std::vector<CoordinatorEvent> events);

  // The requests that need a derivation, ascending; empty if it is not known.
  std::vector<RequestId> requests_of(const StorePath& derivation) const;
  // Whether no request is being worked on and no build runs.
  bool is_idle() const;

 private:
  class Machine;
  std::unique_ptr<Machine> machine_;
};

}  // namespace cinch
