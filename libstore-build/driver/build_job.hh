// One derivation from "its inputs are there" to "its outputs are registered".
#pragma once

#include <cinch/build/local_realiser.hh>
#include <cinch/core/builder.hh>
#include <cinch/core/derivation.hh>
#include <cinch/core/event.hh>
#include <cinch/core/settings.hh>
#include <cinch/core/store.hh>

#include <cstdint>
#include <functional>
#include <stop_token>
#include <string>

namespace cinch {

// What all jobs share.
struct JobContext {
  Store& store;
  BuildStore& build_store;
  LogStore& log_store;
  Builder& builder;
  const Settings& settings;
  const ImpureEnvironment& impure_environment;
  // The derivation of an input that has been loaded, or null.
  std::function<const Derivation*(const StorePath&)> find_derivation;
};

enum class JobKind : std::uint8_t {
  build,   // what is not valid, unless another process has done so meanwhile
  check,   // what is valid, and compares: nothing is registered
  repair,  // what is not valid or not intact, and replaces it
};

// Never throws an Error: a failure, and also a stop, is a result. Events are those of this
// derivation, in order.
BuildResult run_job(const JobContext& context, JobKind kind, const StorePath& path,
                    const Derivation& derivation, const std::function<void(const Event&)>& emit,
                    std::stop_token stop);
// The same for whoever does one after the other. Throws what `events` throws, and Code::cancelled.
BuildResult run_job_in_turn(const JobContext& context, JobKind kind, const StorePath& path,
                            const Derivation& derivation, EventSink& events,
                            const std::stop_token& stop);

}  // namespace cinch
