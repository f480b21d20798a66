// A walk over derivations without recursion: a visit asks for others, which come first, then does
// its own work. What a visit asks for depends on what it finds:
//
//   outputs     the closure of the outputs    asks for
//   intact      intact                        nothing: done
//   intact      damaged                       those who made what is damaged; then: done
//   damaged     (not looked at)               its inputs; then: builds
#include "repair_builds.hh"

#include "build_failure.hh"
#include "content_check.hh"

#include <cinch/core/cancellation.hh>
#include <cinch/core/closure.hh>
#include <cinch/core/error.hh>

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>

namespace cinch {

namespace {

// Tells its own failure from that of the work it is told about.
class WatchedSink final : public EventSink {
 public:
  explicit WatchedSink(EventSink& sink) : sink_(sink) {}
  ~WatchedSink() override = default;
  void emit(const Event& event) override {
    has_failed_ = true;
    sink_.emit(event);
    has_failed_ = false;
  }
  bool has_failed() const { return has_failed_; }

 private:
  EventSink& sink_;
  bool has_failed_ = false;
};

class Repair {
 public:
  Repair(const JobContext& context, bool keep_going, EventSink& events, const std::stop_token& stop)
      : context_(context),
        store_(context.store),
        keep_going_(keep_going),
        events_(events),
        stop_(stop),
        check_(store_, events_) {
    // What others have loaded is theirs, and goes when they are done.
    context_.find_derivation = [](const StorePath&) -> const Derivation* { return nullptr; };
  }

  std::vector<BuildResult> run(std::span<const DerivingPath> wanted) {
    std::vector<BuiltPath> built;
    for (const DerivingPath& path : wanted) {
      if (const auto* one = std::get_if<BuiltPath>(&path)) built.push_back(*one);
    }
    // What cannot be read is told by the walk.
    if (!built.empty()) {
      (void)guarded(built.front(), [&] {
        look_ahead(built);
        return result_with(built.front(), BuildStatus::already_valid);
      });
    }
    std::vector<BuildResult> results;
    for (const DerivingPath& path : wanted) {
      BuildResult result = result_of(path);
      result.wanted = path;
      results.push_back(std::move(result));
    }
    return results;
  }

 private:
  struct Visit {
    BuiltPath wanted;
    std::optional<Derivation> derivation;
    bool builds = false;
    std::vector<BuiltPath> needs;
    std::size_t needs_done = 0;
    std::optional<BuildResult> result;  // known before its needs are
  };

  std::string print(const StorePath& path) const { return store_.store_dir().print(path); }

  static BuildResult result_with(const DerivingPath& wanted, BuildStatus status,
                                 std::string message = {}) {
    BuildResult result{.wanted = wanted};
    result.status = status;
    result.error_message = std::move(message);
    return result;
  }

  // An Error is how one path ends; but not one that ends the whole operation.
  template <class Work>
  BuildResult guarded(const DerivingPath& wanted, Work work) {
    try {
      return work();
    } catch (const Error& error) {
      if (error.code() == Code::cancelled || events_.has_failed()) throw;
      BuildFailure failure = describe_error(error);
      return result_with(wanted, failure.status, std::move(failure.message));
    }
  }

  BuildResult result_of(const DerivingPath& path) {
    check_cancelled(stop_);
    if (failed_ && !keep_going_) {
      return result_with(path, BuildStatus::misc_failure,
                         "'" + print_deriving_path(path, store_.store_dir()) +
                             "' was not looked at, as something else failed before");
    }
    BuildResult result = guarded(path, [&] {
      if (const auto* built = std::get_if<BuiltPath>(&path)) return walk(*built);
      return repair_path(std::get<OpaquePath>(path));
    });
    failed_ = failed_ || !result.succeeded();
    return result;
  }

  BuildResult repair_path(const OpaquePath& wanted) {
    const StorePath& path = wanted.path;
    if (check_.find_bad({path}, stop_).empty()) {
      return result_with(wanted, BuildStatus::already_valid);
    }
    if (!store_.is_valid(path)) {
      return result_with(
          wanted, BuildStatus::no_substituters,
          "path '" + print(path) + "' is not valid, and there is no substituter to get it from");
    }
    const std::optional<BuiltPath> maker = maker_of(path, {});
    if (maker) return walk(*maker);
    return result_with(wanted, BuildStatus::no_substituters, without_maker(path));
  }

  static std::string hint_of_source() {
    return "'cinch store repair --from STORE-URL' takes it from another store";
  }
  std::string without_maker(const StorePath& path) const {
    return "path '" + print(path) +
           "' is damaged, and no valid derivation is known that makes it; " + hint_of_source();
  }

  // --- the walk

  BuildResult walk(const BuiltPath& first) {
    std::vector<Visit> visits;
    begin(visits, first);
    while (!visits.empty()) {
      check_cancelled(stop_);
      if (std::optional<BuiltPath> need = next_need(visits.back())) {
        begin(visits, *need);
        continue;
      }
      Visit& visit = visits.back();
      BuildResult result = visit.result ? *std::move(visit.result)
                                        : guarded(visit.wanted, [&] { return end(visit); });
      open_.erase(visit.wanted);
      done_.insert_or_assign(visit.wanted, std::move(result));
      visits.pop_back();
    }
    return done_.at(first);
  }

  // What has not been visited; nothing more after a failure, unless it says to keep going.
  std::optional<BuiltPath> next_need(Visit& visit) {
    while (!visit.result && visit.needs_done < visit.needs.size()) {
      const BuiltPath& need = visit.needs[visit.needs_done];
      if (const auto known = done_.find(need); known != done_.end()) {
        ++visit.needs_done;
        if (!known->second.succeeded() && !keep_going_) visit.result = failure_of(visit, need);
      } else if (open_.contains(need)) {
        visit.result = result_with(visit.wanted, BuildStatus::input_rejected,
                                   "'" + print(need.derivation) + "' needs itself");
      } else {
        return need;
      }
    }
    return std::nullopt;
  }

  BuildResult failure_of(const Visit& visit, const BuiltPath& need) const {
    return result_with(visit.wanted, BuildStatus::dependency_failed,
                       "'" + print(visit.wanted.derivation) +
                           "' cannot be repaired: " + done_.at(need).error_message);
  }

  void begin(std::vector<Visit>& visits, const BuiltPath& wanted) {
    Visit& visit = visits.emplace_back(Visit{.wanted = wanted});
    if (const auto known = done_.find(wanted); known != done_.end()) {
      visit.result = known->second;
      return;
    }
    open_.insert(wanted);
    BuildResult found = guarded(wanted, [&] {
      look_at(visit);
      return result_with(wanted, BuildStatus::already_valid);
    });
    if (!found.succeeded()) visit.result = std::move(found);
  }

  // Looks at all that the walk will look at if it comes by these, as far as it is there: what is
  // looked at together is hashed by several threads.
  void look_ahead(const std::vector<BuiltPath>& wanted) {
    StorePathSet derivations;
    for (const BuiltPath& path : wanted) derivations.insert(path.derivation);
    derivations = store_.find_valid(derivations);
    const StorePathSet bad = check_.find_bad(derivations, stop_);
    std::erase_if(derivations, [&](const StorePath& path) { return bad.contains(path); });
    const std::vector<StorePath> paths(derivations.begin(), derivations.end());
    const std::vector<Derivation> read = store_.read_derivations(paths);
    StorePathSet outputs;
    for (const BuiltPath& path : wanted) {
      const auto at = std::ranges::lower_bound(paths, path.derivation);
      if (at == paths.end() || *at != path.derivation) continue;
      const Derivation& derivation = read[static_cast<std::size_t>(at - paths.begin())];
      for (const auto& [name, output] : derivation.output_paths(store_.store_dir())) {
        if (output && wants_output(path.outputs, name)) outputs.insert(*output);
      }
    }
    StorePathSet closure;
    for (const auto& [path, info] : compute_closure(store_, store_.find_valid(outputs))) {
      closure.insert(closure.end(), path);
    }
    (void)check_.find_bad(closure, stop_);
  }

  // Fills in what the visit needs, or throws.
  void look_at(Visit& visit) {
    const StorePath& path = visit.wanted.derivation;
    store_.add_temporary_roots({&path, 1});
    if (!store_.is_valid(path)) {
      throw Error(Code::not_found, "the derivation '" + print(path) + "' is not valid");
    }
    if (!check_.find_bad({path}, stop_).empty()) {
      throw Error(Code::corrupt, "the derivation '" + print(path) + "' is damaged itself")
          .hint(hint_of_source());
    }
    visit.derivation = store_.read_derivation(path);
    StorePathSet outputs;
    StorePathSet wanted;
    for (const auto& [name, output] : visit.derivation->output_paths(store_.store_dir())) {
      const bool is_wanted = wants_output(visit.wanted.outputs, name);
      if (output) outputs.insert(*output);
      if (output && is_wanted) wanted.insert(*output);
      if (!output && is_wanted) visit.builds = true;  // which says why it cannot
    }
    refuse_unknown_outputs(visit);
    if (!check_.find_bad(wanted, stop_).empty()) visit.builds = true;
    if (visit.builds) {
      for (const auto& [input, names] : visit.derivation->input_derivations) {
        visit.needs.push_back({input, std::set<std::string>(names.begin(), names.end())});
      }
      look_ahead(visit.needs);
    } else {
      look_at_closure(visit, wanted, outputs);
    }
  }

  void refuse_unknown_outputs(const Visit& visit) const {
    const auto* names = std::get_if<std::set<std::string>>(&visit.wanted.outputs);
    if (!names) return;
    for (const std::string& name : *names) {
      if (visit.derivation->outputs.contains(name)) continue;
      throw Error(Code::invalid_derivation, "'" + print(visit.wanted.derivation) +
                                                "' does not have an output '" + name + "'");
    }
  }

  void look_at_closure(Visit& visit, const StorePathSet& wanted, const StorePathSet& outputs) {
    StorePathSet closure;
    for (const auto& [path, info] : compute_closure(store_, wanted)) {
      if (!outputs.contains(path)) closure.insert(closure.end(), path);
    }
    const StorePathSet bad = check_.find_bad(closure, stop_);
    if (bad.empty()) return;
    StorePathSet derivations;
    for (const auto& [path, info] : compute_closure(store_, {visit.wanted.derivation})) {
      if (path.is_derivation()) derivations.insert(derivations.end(), path);
    }
    for (const StorePath& path : bad) {
      std::optional<BuiltPath> maker = maker_of(path, derivations);
      if (!maker) throw Error(Code::corrupt, without_maker(path));
      visit.needs.push_back(*std::move(maker));
    }
  }

  // A valid derivation with this output; one of those that are preferred, or the deriver, if
  // possible.
  std::optional<BuiltPath> maker_of(const StorePath& path, const StorePathSet& preferred) {
    const StorePathSet makers = store_.find_derivers({&path, 1}).front();
    if (makers.empty()) return std::nullopt;
    for (const StorePath& maker : makers) {
      if (preferred.contains(maker)) return BuiltPath{maker, AllOutputs{}};
    }
    const std::optional<StorePath> deriver = store_.require(path).deriver;
    const bool is_known = deriver && makers.contains(*deriver);
    return BuiltPath{is_known ? *deriver : *makers.begin(), AllOutputs{}};
  }

  BuildResult end(const Visit& visit) {
    for (const BuiltPath& need : visit.needs) {
      if (!done_.at(need).succeeded()) return failure_of(visit, need);
    }
    if (!visit.builds) return result_with(visit.wanted, BuildStatus::already_valid);
    refuse_damaged_inputs(*visit.derivation);
    BuildResult result = run_job_in_turn(context_, JobKind::repair, visit.wanted.derivation,
                                         *visit.derivation, events_, stop_);
    if (result.succeeded()) {
      for (const auto& [name, output] : visit.derivation->output_paths(store_.store_dir())) {
        if (output) check_.mark_intact(*output);
      }
    }
    return result;
  }

  // Sources, and what no derivation is known of: a builder that reads damaged files succeeds all
  // the same.
  void refuse_damaged_inputs(const Derivation& derivation) {
    StorePathSet inputs = derivation.input_sources;
    for (const auto& [path, names] : derivation.input_derivations) {
      const Derivation input = store_.read_derivation(path);
      for (const std::string& name : names) {
        if (const auto output = input.output_path(store_.store_dir(), name)) {
          inputs.insert(*output);
        }
      }
    }
    StorePathSet closure;
    for (const auto& [path, info] : compute_closure(store_, inputs)) closure.insert(path);
    const StorePathSet bad = check_.find_bad(closure, stop_);
    if (bad.empty()) return;
    throw Error(Code::corrupt,
                "the input '" + print(*bad.begin()) + "' is damaged, and nothing is built with it")
        .hint(hint_of_source());
  }

  JobContext context_;
  Store& store_;
  const bool keep_going_;
  WatchedSink events_;
  const std::stop_token& stop_;
  ContentCheck check_;
  std::map<BuiltPath, BuildResult> done_;
  std::set<BuiltPath> open_;  // whose visit has begun
  bool failed_ = false;
};

}  // namespace

std::vector<BuildResult> repair_builds(const JobContext& context,
                                       std::span<const DerivingPath> wanted, bool keep_going,
                                       EventSink& events, const std::stop_token& stop) {
  return Repair(context, keep_going, events, stop).run(wanted);
}

}  // namespace cinch
