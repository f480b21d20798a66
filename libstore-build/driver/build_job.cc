#include "build_job.hh"

#include "../outputs/collect_outputs.hh"
#include "../request/make_request.hh"
#include "build_failure.hh"
#include "content_check.hh"
#include "log_lines.hh"

#include <cinch/core/cancellation.hh>
#include <cinch/core/closure.hh>
#include <cinch/core/derivation_options.hh>
#include <cinch/core/error.hh>

#include <algorithm>
#include <chrono>
#include <exception>
#include <map>
#include <memory>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include <sys/statvfs.h>

namespace cinch {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::uint64_t disk_full_bytes = 8 << 20;  // less room than this counts as none

std::int64_t unix_seconds() {
  auto now = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::seconds>(now).count();
}

bool is_disk_full(const std::string& directory) {
  struct statvfs status {};
  if (statvfs(directory.c_str(), &status) != 0) return false;
  return std::uint64_t{status.f_bavail} * status.f_frsize < disk_full_bytes;
}

class Job {
 public:
  Job(const JobContext& context, JobKind kind, const StorePath& path, const Derivation& derivation,
      const std::function<void(const Event&)>& emit, std::stop_token stop)
      : context_(context),
        kind_(kind),
        path_(path),
        derivation_(derivation),
        emit_(emit),
        stop_(std::move(stop)),
        printed_path_(context.store.store_dir().print(path)) {
    result_.start_time = unix_seconds();
  }

  BuildResult run() {
    try {
      build();
    } catch (const Error& error) {
      fail(describe_error(error));
    }
    result_.stop_time = unix_seconds();
    if (started_) emit_finished();
    return std::move(result_);
  }

 private:
  void build() {
    read_options();
    check_possible();
    StorePathSet outputs;
    for (const auto& [name, path] : derivation_.output_paths(context_.store.store_dir())) {
      if (path) outputs.insert(*path);
    }
    std::unique_ptr<PathLock> lock =
        context_.build_store.lock(outputs, stop_, [this] { tell_waiting(); });
    StorePathSet valid = context_.store.find_valid(outputs);
    if (kind_ == JobKind::repair) leave_out_damaged(valid);
    if (kind_ == JobKind::check) {
      require_outputs(valid);
      valid.clear();
    } else if (valid == outputs) {
      result_.status = BuildStatus::already_valid;
      return;
    }
    BuildRequest request = make_build_request(derivation_, facts(), context_.settings);
    tell_ignored();
    emit_(BuildStartedEvent{path_});
    started_ = Clock::now();
    result_.times_built = 1;
    LogLines lines(context_.settings.log_lines, [this](const std::string& line) {
      emit_(BuildLogEvent{path_, line});
    });
    std::unique_ptr<FinishedBuild> finished = run_builder(request, lines);
    result_.cpu_user = finished->cpu_user();
    result_.cpu_system = finished->cpu_system();
    if (finished->end() != BuildEnd::exited || finished->number() != 0) {
      return fail(describe_end(*finished, failure_facts(request, *finished), lines));
    }
    try {
      collect(request, *finished, std::move(valid));
    } catch (const OutputsDiffer& error) {
      return fail({BuildStatus::not_deterministic, error.message()});
    } catch (const Error& error) {
      if (error.code() == Code::cancelled) throw;
      return fail(describe_rejection(error, failure_facts(request, *finished), lines));
    }
    tell_changed();
    result_.status = BuildStatus::built;
  }

  void leave_out_damaged(StorePathSet& valid) {
    for (auto& [path, damage] : find_damage(context_.store, valid, stop_)) {
      replaced_.push_back(path);
      valid.erase(path);
    }
    registered_ = context_.store.find(replaced_);
  }

  // That others relied on the hash is for people to know.
  void tell_changed() const {
    const std::vector<std::optional<PathInfo>> infos = context_.store.find(replaced_);
    for (std::size_t at = 0; at < replaced_.size(); ++at) {
      if (!infos[at] || !registered_[at] || infos[at]->nar_hash == registered_[at]->nar_hash) {
        continue;
      }
      emit_(MessageEvent{Verbosity::warn,
                         "'" + context_.store.store_dir().print(replaced_[at]) +
                             "' is not what it was before it was damaged: built again, it has "
                             "another hash, which is registered now, and no signature"});
    }
  }

  void require_outputs(const StorePathSet& valid) const {
    for (const auto& [name, path] : derivation_.output_paths(context_.store.store_dir())) {
      if (path && valid.contains(*path)) continue;
      throw Error(Code::not_found, "some outputs of '" + printed_path_ +
                                       "' are not valid, so checking is not possible")
          .about(printed_path_)
          .hint("build it without --check first");
    }
  }

  // With the paths that placeholders of inputs stand for.
  void read_options() {
    const StoreDir& store_dir = context_.store.store_dir();
    std::optional<DerivationOptions> resolved =
        resolve_derivation_options(read_derivation_options(derivation_, store_dir),
                                   [&](const StorePath& path, std::string_view output) {
                                     std::optional<Derivation> read;
                                     return input(path, read).output_path(store_dir, output);
                                   });
    if (!resolved) throw cannot_build("its attributes name an input whose path is not known");
    options_ = *std::move(resolved);
  }

  // What would be in vain is refused before anything is waited for.
  void check_possible() const {
    if (context_.settings.max_jobs == 0) {
      throw cannot_build("max-jobs is 0, and there is no other machine to build on")
          .hint("set max-jobs to 1 or more");
    }
    if (context_.settings.sandbox != SandboxMode::on) {
      throw cannot_build("this version builds in a sandbox only")
          .hint("set sandbox to true in nix.conf or with --option");
    }
    if (!context_.builder.supports(derivation_.system)) {
      throw cannot_build("it needs a machine of type '" + derivation_.system + "'")
          .hint("if this machine can run its programs, name the type in extra-platforms");
    }
    std::set<std::string> offered = offered_features(context_.settings);
    for (const std::string& feature : options_.required_system_features) {
      if (offered.count(feature) > 0) continue;
      throw cannot_build("its attribute 'requiredSystemFeatures' asks for '" + feature +
                         "', which this machine does not offer")
          .hint("if it does, name it in system-features");
    }
  }
  Error cannot_build(const std::string& reason) const {
    return Error(Code::not_supported, "'" + printed_path_ + "' cannot be built: " + reason)
        .about(printed_path_);
  }

  void tell_waiting() const {
    emit_(MessageEvent{Verbosity::notice, "waiting for the lock on the outputs of '" +
                                              printed_path_ + "', which another process holds"});
  }

  void tell_ignored() const {
    for (const std::string& name : ignored_attributes(derivation_)) {
      emit_(MessageEvent{Verbosity::warn, "'" + printed_path_ + "': the attribute '" + name +
                                              "' has no effect among structured attributes"});
    }
  }

  RequestFacts facts() {
    RequestFacts facts{
        .derivation_path = path_, .store_dir = context_.store.store_dir(), .options = options_};
    inputs_ = compute_closure(context_.store, direct_inputs());
    StorePathSet paths;
    for (const auto& [path, info] : inputs_) {
      paths.insert(path);
      facts.inputs.emplace(path, context_.build_store.real_path(path));
    }
    for (const auto& [name, roots] : options_.export_references_graph) {
      StorePathSet of_graph;
      for (const SinglePath& root : roots) of_graph.insert(root.path);
      facts.graphs.emplace(name, compute_references_graph(context_.store, of_graph, paths));
    }
    facts.impure_environment = context_.impure_environment;
    facts.cores = context_.settings.cores != 0 ? context_.settings.cores
                                               : std::max(1U, std::thread::hardware_concurrency());
    return facts;
  }

  // An input derivation; `read` holds it if it had to be read.
  const Derivation& input(const StorePath& path, std::optional<Derivation>& read) const {
    const Derivation* found = context_.find_derivation(path);
    return found ? *found : read.emplace(context_.store.read_derivation(path));
  }

  StorePathSet direct_inputs() const {
    const StoreDir& store_dir = context_.store.store_dir();
    StorePathSet inputs = derivation_.input_sources;
    for (const auto& [path, outputs] : derivation_.input_derivations) {
      std::optional<Derivation> read;
      const Derivation& found = input(path, read);
      for (const std::string& output : outputs) {
        std::optional<StorePath> output_path = found.output_path(store_dir, output);
        if (output_path) inputs.insert(*output_path);
      }
    }
    add_sandbox_inputs(inputs);
    return inputs;
  }

  // A sandbox path may be a program in the store: what it needs must be shown too.
  void add_sandbox_inputs(StorePathSet& inputs) const {
    StorePathSet named;
    for (const SandboxPath& path : context_.settings.sandbox_paths) {
      auto object = context_.store.store_dir().containing(path.source);
      if (object) named.insert(*object);
    }
    if (named.empty()) return;
    StorePathSet valid = context_.store.find_valid(named);
    inputs.insert(valid.begin(), valid.end());
  }

  std::unique_ptr<FinishedBuild> run_builder(const BuildRequest& request, LogLines& lines) try {
    std::unique_ptr<Sink> log;
    if (context_.settings.keep_build_log) log = context_.log_store.write_log(path_);
    has_log_ = log != nullptr;
    std::unique_ptr<FinishedBuild> finished;
    if (log) {
      TeeSink both(*log, lines);
      finished = context_.builder.run(request, both, stop_);
    } else {
      finished = context_.builder.run(request, lines, stop_);
    }
    lines.finish();
    return finished;
  } catch (Error& error) {
    if (error.code() != Code::cancelled) {
      error.add_context("while building '" + printed_path_ + "'");
    }
    throw;
  }

  FailureFacts failure_facts(const BuildRequest& request, FinishedBuild& build) const {
    FailureFacts facts{.derivation = printed_path_, .limits = request.limits};
    facts.is_fixed = derivation_.is_fixed();
    facts.disk_is_full = is_disk_full(context_.build_store.build_directory());
    if (has_log_) facts.log_location = context_.log_store.log_location(path_);
    if (context_.settings.keep_failed) facts.kept_at = build.keep();
    return facts;
  }

  // The last use of the inputs and options.
  void collect(const BuildRequest& request, FinishedBuild& finished, StorePathSet valid) {
    CollectOptions options{.derivation_path = path_, .outputs = request.outputs};
    options.already_valid = std::move(valid);
    options.inputs = std::move(inputs_);
    options.options = std::move(options_);
    options.now = unix_seconds();
    options.purpose = kind_ == JobKind::check    ? CollectPurpose::compare
                      : kind_ == JobKind::repair ? CollectPurpose::replace
                                                 : CollectPurpose::add;
    collect_outputs(context_.store, context_.build_store, derivation_, finished, options, stop_);
  }

  void fail(BuildFailure failure) {
    result_.status = failure.status;
    result_.error_message = std::move(failure.message);
  }

  void emit_finished() const {
    auto duration = std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - *started_);
    emit_(BuildFinishedEvent{path_, result_.status, result_.error_message,
                             static_cast<std::uint64_t>(duration.count())});
  }

  const JobContext& context_;
  const JobKind kind_;
  const StorePath& path_;
  const Derivation& derivation_;
  const std::function<void(const Event&)>& emit_;
  std::stop_token stop_;
  std::string printed_path_;
  DerivationOptions options_;
  std::map<StorePath, PathInfo> inputs_;  // the closure of what the builder may read
  std::optional<Clock::time_point> started_;
  bool has_log_ = false;
  std::vector<StorePath> replaced_;                  // in a repair: valid, but not intact
  std::vector<std::optional<PathInfo>> registered_;  // of these
  BuildResult result_{.wanted = BuiltPath{path_, AllOutputs{}}};
};

}  // namespace

BuildResult run_job(const JobContext& context, JobKind kind, const StorePath& path,
                    const Derivation& derivation, const std::function<void(const Event&)>& emit,
                    std::stop_token stop) {
  return Job(context, kind, path, derivation, emit, std::move(stop)).run();
}

BuildResult run_job_in_turn(const JobContext& context, JobKind kind, const StorePath& path,
                            const Derivation& derivation, EventSink& events,
                            const std::stop_token& stop) {
  std::exception_ptr thrown;
  const std::function<void(const Event&)> emit = [&](const Event& event) {
    try {
      if (!thrown) events.emit(event);
    } catch (...) {
      thrown = std::current_exception();
    }
  };
  BuildResult result = run_job(context, kind, path, derivation, emit, stop);
  if (thrown) std::rethrow_exception(thrown);
  check_cancelled(stop);
  return result;
}

}  // namespace cinch
