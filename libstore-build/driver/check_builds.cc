#include "check_builds.hh"

#include <cinch/core/cancellation.hh>
#include <cinch/core/error.hh>

#include <map>
#include <utility>

namespace cinch {

namespace {

class Check {
 public:
  Check(const JobContext& context, const RequestAdded& request, const BuildRequested& build,
        EventSink& events, const std::stop_token& stop)
      : context_(context), request_(request), build_(build), events_(events), stop_(stop) {
    // What others have loaded is theirs, and goes when they are done.
    context_.find_derivation = [](const StorePath&) -> const Derivation* { return nullptr; };
  }

  std::vector<BuildResult> run() {
    std::vector<BuildResult> results;
    for (const BuiltPath& wanted : request_.wanted) {
      BuildResult result = result_of(wanted.derivation);
      result.wanted = wanted;
      results.push_back(std::move(result));
    }
    return results;
  }

 private:
  BuildResult result_of(const StorePath& path) {
    check_cancelled(stop_);
    if (const auto known = done_.find(path); known != done_.end()) return known->second;
    if (failed_ && !request_.keep_going) {
      BuildResult result{.wanted = BuiltPath{path, AllOutputs{}}};
      result.error_message = "'" + context_.store.store_dir().print(path) +
                             "' was not checked, as something else failed before";
      return result;
    }
    BuildResult result = check(path);
    failed_ = failed_ || !result.succeeded();
    return done_.emplace(path, std::move(result)).first->second;
  }

  BuildResult check(const StorePath& path) {
    const Derivation derivation = context_.store.read_derivation(path);
    if (std::optional<BuildResult> failure = build_inputs(path, derivation)) return *failure;
    return run_job_in_turn(context_, JobKind::check, path, derivation, events_, stop_);
  }

  // The failure of the first one that could not be had.
  std::optional<BuildResult> build_inputs(const StorePath& path, const Derivation& derivation) {
    RequestAdded inputs{0, {}, request_.keep_going};
    for (const auto& [input, outputs] : derivation.input_derivations) {
      inputs.wanted.push_back({input, std::set<std::string>(outputs.begin(), outputs.end())});
    }
    if (inputs.wanted.empty()) return std::nullopt;
    for (const BuildResult& input : build_(std::move(inputs))) {
      if (input.succeeded()) continue;
      BuildResult result{.wanted = BuiltPath{path, AllOutputs{}}};
      result.status = BuildStatus::dependency_failed;
      result.error_message = "cannot check '" + context_.store.store_dir().print(path) +
                             "', as an input could not be built: " + input.error_message;
      return result;
    }
    return std::nullopt;
  }

  JobContext context_;
  const RequestAdded& request_;
  const BuildRequested& build_;
  EventSink& events_;
  const std::stop_token& stop_;
  std::map<StorePath, BuildResult> done_;
  bool failed_ = false;
};

}  // namespace

std::vector<BuildResult> check_builds(const JobContext& context, const RequestAdded& request,
                                      const BuildRequested& build, EventSink& events,
                                      const std::stop_token& stop) {
  return Check(context, request, build, events, stop).run();
}

}  // namespace cinch
