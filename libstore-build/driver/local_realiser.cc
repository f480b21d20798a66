// Threads, the queue between them, and the clock: what the coordinator does without.
//
// One mutex guards the coordinator and all maps beside it; it is never held while a sink is called
// or a task runs. A task is "load these derivations" or "build this one"; the coordinator gives out
// no more builds than there are slots, so that slots + 1 threads keep loading from waiting for
// builds.
#include "../coordinator/build_coordinator.hh"
#include "build_job.hh"
#include "check_builds.hh"
#include "load_derivations.hh"
#include "plan_missing.hh"
#include "repair_builds.hh"
#include "session.hh"

#include <cinch/build/local_realiser.hh>
#include <cinch/core/cancellation.hh>
#include <cinch/core/error.hh>

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <thread>
#include <utility>
#include <variant>
#include <vector>

namespace cinch {
namespace {

constexpr std::uint32_t jobs_max_max = 1024;  // each may become a thread

struct BuildTask {
  StorePath derivation;
};
using Task = std::variant<LoadDerivations, BuildTask>;

class LocalRealiser final : public Realiser {
 public:
  LocalRealiser(Store& store, Builder& builder, const Settings& settings,
                ImpureEnvironment impure_environment)
      : store_(store),
        settings_(settings),
        impure_environment_(std::move(impure_environment)),
        context_{store_,
                 require_capability<BuildStore>(store, "build"),
                 require_capability<LogStore>(store, "keep build logs"),
                 builder,
                 settings_,
                 impure_environment_,
                 [this](const StorePath& path) { return find_derivation(path); }},
        jobs_max_(std::clamp(settings.max_jobs, 1U, jobs_max_max)),
        coordinator_({.store_dir = store.store_dir(), .jobs_max = jobs_max_}) {}

  LocalRealiser(const LocalRealiser&) = delete;
  LocalRealiser& operator=(const LocalRealiser&) = delete;

  ~LocalRealiser() override {
    {
      std::lock_guard lock(mutex_);
      for (auto& [path, stop] : running_) stop.request_stop();
      for (std::jthread& thread : threads_) thread.request_stop();
    }
    work_.notify_all();
    threads_.clear();  // joins
  }

  std::vector<BuildResult> realise(std::span<const DerivingPath> wanted,
                                   const RealiseOptions& options, EventSink& events,
                                   std::stop_token stop) override {
    check_cancelled(stop);
    if (options.mode == BuildMode::repair) {
      std::vector<BuildResult> repaired =
          repair_builds(context_, wanted, options.keep_going, events, stop);
      add_output_paths(repaired);
      return repaired;
    }
    std::vector<BuildResult> results;
    std::vector<std::size_t> built_positions;
    RequestAdded request{0, {}, options.keep_going};
    for (const DerivingPath& path : wanted) {
      results.push_back({.wanted = path});
      if (const auto* built = std::get_if<BuiltPath>(&path)) {
        built_positions.push_back(results.size() - 1);
        request.wanted.push_back(*built);
      }
    }
    check_opaque(results);
    if (request.wanted.empty()) return results;
    const auto build = [&](RequestAdded some) {
      return run_request(std::move(some), events, stop);
    };
    std::vector<BuildResult> built = options.mode == BuildMode::check
                                         ? check_builds(context_, request, build, events, stop)
                                         : build(std::move(request));
    for (std::size_t i = 0; i < built.size(); ++i) {
      results[built_positions[i]] = std::move(built[i]);
    }
    add_output_paths(results);
    return results;
  }

  MissingPlan plan(std::span<const DerivingPath> wanted) override {
    return plan_missing(store_, wanted);
  }

 private:
  using Lock = std::unique_lock<std::mutex>;
  // What a command asks for beside changing state: done without the mutex, in order.
  using Action = std::function<void()>;

  // --- in the caller's thread

  // Paths that nothing can build: they are there, or they cannot be had.
  void check_opaque(std::vector<BuildResult>& results) {
    StorePathSet paths;
    for (const BuildResult& result : results) {
      if (const auto* opaque = std::get_if<OpaquePath>(&result.wanted)) paths.insert(opaque->path);
    }
    if (paths.empty()) return;
    std::vector<StorePath> roots(paths.begin(), paths.end());
    store_.add_temporary_roots(roots);
    StorePathSet valid = store_.find_valid(paths);
    for (BuildResult& result : results) {
      const auto* opaque = std::get_if<OpaquePath>(&result.wanted);
      if (!opaque) continue;
      if (valid.count(opaque->path) > 0) {
        result.status = BuildStatus::already_valid;
        continue;
      }
      result.status = BuildStatus::no_substituters;
      result.error_message = "path '" + store_.store_dir().print(opaque->path) +
                             "' is not valid, and there is no substituter to get it from";
    }
  }

  std::vector<BuildResult> run_request(RequestAdded request, EventSink& events,
                                       std::stop_token stop) {
    std::shared_ptr<Session> session;
    RequestId id = 0;
    {
      Lock lock(mutex_);
      id = request.request = ++last_request_;
      session = std::make_shared<Session>(id, events);
      sessions_.emplace(id, session);
    }
    feed({std::move(request)});
    Lock lock(mutex_);
    changed_.wait(lock, stop, [&] { return finished_.count(id) > 0 || session->has_failed(); });
    if (auto found = finished_.find(id); found != finished_.end()) {
      std::vector<BuildResult> results = std::move(found->second);
      end_session(lock, *session);
      if (session->failure()) std::rethrow_exception(session->failure());
      return results;
    }
    cancel(lock, id);
    end_session(lock, *session);
    if (session->failure()) std::rethrow_exception(session->failure());
    throw Error(Code::cancelled, "the build was cancelled");
  }

  // Waits until every builder that ran for this request alone is gone.
  void cancel(Lock& lock, RequestId id) {
    std::vector<StorePath> stopped;
    if (coordinator_sessions_.erase(id) > 0) {
      std::vector<CoordinatorCommand> commands = coordinator_.handle({RequestCancelled{id}});
      for (const CoordinatorCommand& command : commands) {
        if (const auto* stop = std::get_if<StopBuild>(&command)) {
          stopped.push_back(stop->derivation);
        }
      }
      std::vector<Action> actions = obey(std::move(commands));
      act(lock, actions);
    }
    changed_.wait(lock, [&] {
      return std::none_of(stopped.begin(), stopped.end(), [&](const StorePath& path) {
        auto found = running_.find(path);
        return found != running_.end() && found->second.stop_requested();
      });
    });
  }

  void end_session(Lock& lock, Session& session) {
    sessions_.erase(session.id());
    finished_.erase(session.id());
    lock.unlock();
    session.close();
  }

  void add_output_paths(std::vector<BuildResult>& results) {
    std::map<StorePath, std::vector<BuildResult*>> wanted;
    for (BuildResult& result : results) {
      const auto* built = std::get_if<BuiltPath>(&result.wanted);
      if (built && result.succeeded()) wanted[built->derivation].push_back(&result);
    }
    std::vector<StorePath> paths;
    for (const auto& [path, of_path] : wanted) paths.push_back(path);
    std::vector<Derivation> derivations = store_.read_derivations(paths);
    for (std::size_t i = 0; i < paths.size(); ++i) {
      for (BuildResult* result : wanted[paths[i]]) add_outputs(*result, derivations[i]);
    }
  }
  void add_outputs(BuildResult& result, const Derivation& derivation) const {
    const OutputSpec& spec = std::get<BuiltPath>(result.wanted).outputs;
    for (const auto& [name, path] : derivation.output_paths(store_.store_dir())) {
      if (path && wants_output(spec, name)) result.outputs.emplace(name, *path);
    }
  }

  // --- between the threads

  void feed(std::vector<CoordinatorEvent> events) {
    Lock lock(mutex_);
    for (const CoordinatorEvent& event : events) {
      if (const auto* added = std::get_if<RequestAdded>(&event)) {
        coordinator_sessions_.insert(added->request);
      }
      if (const auto* ended = std::get_if<BuildEnded>(&event)) running_.erase(ended->derivation);
    }
    std::vector<Action> actions = obey(coordinator_.handle(std::move(events)));
    if (coordinator_.is_idle()) derivations_.clear();
    act(lock, actions);
    changed_.notify_all();
  }

  void act(Lock& lock, const std::vector<Action>& actions) {
    lock.unlock();
    for (const Action& action : actions) action();
    lock.lock();
  }

  std::vector<Action> obey(std::vector<CoordinatorCommand> commands) {
    std::vector<Action> actions;
    for (CoordinatorCommand& command : commands) {
      std::visit([&](auto& specific) { obey_one(specific, actions); }, command);
    }
    return actions;
  }

  void obey_one(LoadDerivations& command, std::vector<Action>&) { enqueue(std::move(command)); }

  void obey_one(StartBuild& command, std::vector<Action>&) {
    running_.emplace(command.derivation, std::stop_source());
    enqueue(BuildTask{command.derivation});
  }

  void obey_one(StopBuild& command, std::vector<Action>&) {
    running_.at(command.derivation).request_stop();
  }

  void obey_one(ReportProgress& command, std::vector<Action>& actions) {
    auto found = sessions_.find(command.request);
    if (found == sessions_.end()) return;
    BuildProgressEvent event{command.done, command.expected, command.running, command.failed};
    actions.emplace_back([this, session = found->second, event, number = ++last_progress_] {
      if (!session->emit_progress(event, number)) wake();
    });
  }

  void obey_one(FinishRequest& command, std::vector<Action>& actions) {
    coordinator_sessions_.erase(command.request);
    if (sessions_.count(command.request) == 0) return;
    // After the last progress has been told.
    actions.emplace_back([this, id = command.request, results = std::move(command.results)] {
      Lock lock(mutex_);
      if (sessions_.count(id) > 0) finished_.emplace(id, results);
      changed_.notify_all();
    });
  }

  void enqueue(Task task) {
    tasks_.push_back(std::move(task));
    if (tasks_.size() > threads_idle_ && threads_.size() <= jobs_max_) {
      threads_.emplace_back([this](std::stop_token stop) { work(std::move(stop)); });
    } else {
      work_.notify_one();
    }
  }

  void wake() {
    Lock lock(mutex_);
    changed_.notify_all();
  }

  // --- in the worker threads

  void work(std::stop_token stop) {
    for (;;) {
      Lock lock(mutex_);
      ++threads_idle_;
      work_.wait(lock, [&] { return stop.stop_requested() || !tasks_.empty(); });
      --threads_idle_;
      if (stop.stop_requested()) return;
      Task task = std::move(tasks_.front());
      tasks_.pop_front();
      lock.unlock();
      if (auto* load = std::get_if<LoadDerivations>(&task)) {
        load_all(*load);
      } else {
        build(std::get<BuildTask>(task).derivation);
      }
    }
  }

  void load_all(const LoadDerivations& command) {
    LoadedDerivations loaded = load_derivations(store_, command.derivations);
    {
      Lock lock(mutex_);
      for (auto& [path, derivation] : loaded.derivations) {
        derivations_.try_emplace(path, std::move(derivation));
      }
    }
    feed(std::move(loaded.events));
  }

  void build(const StorePath& path) {
    const Derivation* derivation = find_derivation(path);
    std::stop_token stop;
    {
      Lock lock(mutex_);
      stop = running_.at(path).get_token();
    }
    std::function<void(const Event&)> emit = [&](const Event& event) { tell(path, event); };
    BuildResult result{.wanted = BuiltPath{path, AllOutputs{}}};
    try {
      result = run_job(context_, JobKind::build, path, *derivation, emit, stop);
    } catch (const std::exception& error) {
      result.error_message =
          "'" + store_.store_dir().print(path) + "' cannot be built: " + std::string(error.what());
    }
    feed({BuildEnded{path, std::move(result)}});
  }

  void tell(const StorePath& derivation, const Event& event) {
    std::vector<std::shared_ptr<Session>> sessions;
    {
      Lock lock(mutex_);
      for (RequestId request : coordinator_.requests_of(derivation)) {
        auto found = sessions_.find(request);
        if (found != sessions_.end()) sessions.push_back(found->second);
      }
    }
    for (const std::shared_ptr<Session>& session : sessions) {
      if (!session->emit(event)) wake();
    }
  }

  // Stays valid while the derivation, or one that needs it, is built.
  const Derivation* find_derivation(const StorePath& path) {
    Lock lock(mutex_);
    auto found = derivations_.find(path);
    return found == derivations_.end() ? nullptr : &found->second;
  }

  Store& store_;
  const Settings settings_;
  const ImpureEnvironment impure_environment_;
  const JobContext context_;
  const std::uint32_t jobs_max_;

  std::mutex mutex_;
  std::condition_variable_any changed_;  // finished_, running_, a session's failure
  std::condition_variable work_;         // tasks_
  BuildCoordinator coordinator_;
  std::set<RequestId> coordinator_sessions_;  // those that the coordinator still knows
  std::map<RequestId, std::shared_ptr<Session>> sessions_;
  std::map<RequestId, std::vector<BuildResult>> finished_;
  std::map<StorePath, std::stop_source> running_;
  std::map<StorePath, Derivation> derivations_;  // cleared when nothing goes on
  std::deque<Task> tasks_;
  std::size_t threads_idle_ = 0;
  RequestId last_request_ = 0;
  std::uint64_t last_progress_ = 0;
  std::vector<std::jthread> threads_;
};

}  // namespace

std::unique_ptr<Realiser> make_local_realiser(Store& store, Builder& builder,
                                              const Settings& settings,
                                              ImpureEnvironment impure_environment) {
  return std::make_unique<LocalRealiser>(store, builder, settings, std::move(impure_environment));
}

}  // namespace cinch
