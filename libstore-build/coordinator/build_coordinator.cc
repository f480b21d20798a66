// Invariants, checked by the simulation in tests/unit/build/coordinator_test.cc:
// - a derivation runs only when all inputs it wants are there; never more than jobs_max run;
// - each request ends exactly once, by FinishRequest or RequestCancelled;
// - a derivation that a request needs has that request in its list, and so have its inputs; one
//   with an empty list is forgotten, unless it runs or loads;
// - work is linear in derivations and edges, but for keeping in order what is ready.
#include "build_coordinator.hh"

#include <cinch/core/derivation_graph.hh>
#include <cinch/core/error.hh>

#include <algorithm>
#include <deque>
#include <tuple>
#include <utility>

namespace cinch {
namespace {

enum class State : std::uint8_t {
  loading,
  idle,
  waiting,
  ready,
  running,
  stopping,
  built,
  failed,
};

using Index = std::uint32_t;

// A node that waits for outputs of another.
struct Waiter {
  Index node;
  std::uint32_t generation;  // of that node's slot: if it differs, the waiter is gone
  OutputNames outputs;
};
// A wanted path of a request.
struct RootWaiter {
  RequestId request;
  std::size_t position;
};

struct Node {
  std::optional<StorePath> path;  // empty: the slot is free
  std::uint32_t generation = 0;
  State state = State::loading;
  std::map<StorePath, OutputNames> wanted_inputs;
  std::vector<Index> inputs;  // of an active node
  std::uint32_t inputs_missing = 0;
  OutputNames outputs;
  OutputNames missing;
  bool is_impure = false;
  bool may_need_impure = true;
  std::vector<Waiter> waiters;
  std::vector<RootWaiter> root_waiters;
  std::vector<RequestId> requests;  // ascending
  std::optional<BuildResult> result;
};

struct Request {
  std::vector<BuiltPath> wanted;
  bool keep_going = false;
  std::vector<std::optional<BuildResult>> results;
  std::size_t unresolved = 0;
  std::vector<Index> nodes;  // every node whose list has this request
  std::uint64_t done = 0;
  std::uint64_t expected = 0;
  std::uint64_t running = 0;
  std::uint64_t failed = 0;
  bool has_progress = false;
};

// What is ready is built in the order of names, as Nix does it.
using ReadyKey = std::tuple<std::string_view, std::string_view, Index>;

bool is_active(State state) {
  return state == State::waiting || state == State::ready || state == State::running ||
         state == State::stopping;
}

BuildResult make_result(const StorePath& derivation, BuildStatus status, std::string message = "") {
  BuildResult result{.wanted = BuiltPath{derivation, AllOutputs{}}};
  result.status = status;
  result.error_message = std::move(message);
  return result;
}

}  // namespace

class BuildCoordinator::Machine {
 public:
  explicit Machine(CoordinatorOptions options) : options_(std::move(options)) {}

  std::vector<CoordinatorCommand> handle(std::vector<CoordinatorEvent> events) {
    for (CoordinatorEvent& event : events) {
      std::visit([this](auto& specific) { on(specific); }, event);
    }
    settle();
    return std::exchange(commands_, {});
  }

  std::vector<RequestId> requests_of(const StorePath& derivation) const {
    auto found = index_.find(derivation);
    if (found == index_.end()) return {};
    return nodes_[found->second].requests;
  }

  bool is_idle() const { return requests_.empty() && index_.empty(); }

 private:
  // --- events

  void on(RequestAdded& event) {
    auto [at, is_new] = requests_.try_emplace(event.request);
    if (!is_new) throw Error(Code::invalid_argument, "the request exists already");
    Request& request = at->second;
    request.wanted = std::move(event.wanted);
    request.keep_going = event.keep_going;
    request.results.resize(request.wanted.size());
    request.unresolved = request.wanted.size();
    for (std::size_t i = 0; i < request.wanted.size(); ++i) {
      Index node = node_for(request.wanted[i].derivation);
      attach(node, event.request);
      nodes_[node].root_waiters.push_back({event.request, i});
      unsettled_.push_back(node);
    }
    if (request.unresolved == 0) finished_.push_back(event.request);
  }

  void on(DerivationLoaded& event) {
    Index index = expect(event.derivation, State::loading);
    Node& node = nodes_[index];
    --loading_;
    if (node.requests.empty()) return forget(index);
    node.wanted_inputs = std::move(event.inputs);
    node.outputs = std::move(event.outputs);
    node.missing = std::move(event.missing);
    node.is_impure = event.is_impure;
    node.may_need_impure = event.may_need_impure;
    node.state = State::idle;
    if (node.is_impure) refuse_pure_waiters(index);
    unsettled_.push_back(index);
  }

  void on(DerivationNotLoaded& event) {
    Index index = expect(event.derivation, State::loading);
    --loading_;
    if (nodes_[index].requests.empty()) return forget(index);
    fail(index, std::move(event.result));
  }

  void on(BuildEnded& event) {
    auto found = index_.find(event.derivation);
    bool runs = found != index_.end() && (nodes_[found->second].state == State::running ||
                                          nodes_[found->second].state == State::stopping);
    if (!runs) throw_unexpected(event.derivation);
    Index index = found->second;
    Node& node = nodes_[index];
    --running_;
    for (RequestId request : node.requests) change(request).running -= 1;
    if (node.requests.empty()) return forget(index);
    if (event.result.succeeded()) return succeed(index, std::move(event.result));
    if (node.state == State::running) return fail(index, std::move(event.result));
    // It was stopped because nobody needed it, and now somebody does.
    for (RequestId request : node.requests) change(request).expected -= 1;
    node.inputs.clear();
    start_loading(index);
  }

  void on(RequestCancelled& event) {
    if (requests_.count(event.request) == 0) {
      throw Error(Code::invalid_argument, "the request is not known, or has ended");
    }
    release(event.request);
  }

  Index expect(const StorePath& derivation, State state) const {
    auto found = index_.find(derivation);
    if (found == index_.end() || nodes_[found->second].state != state) throw_unexpected(derivation);
    return found->second;
  }
  [[noreturn]] void throw_unexpected(const StorePath& derivation) const {
    throw Error(Code::invalid_argument, "the event does not fit the state of the derivation")
        .about(options_.store_dir.print(derivation));
  }

  // --- the graph

  Index node_for(const StorePath& path) {
    auto [at, is_new] = index_.try_emplace(path, 0);
    if (!is_new) return at->second;
    if (free_.empty()) {
      free_.push_back(static_cast<Index>(nodes_.size()));
      nodes_.emplace_back();
    }
    Index index = free_.back();
    free_.pop_back();
    at->second = index;
    nodes_[index].path = path;
    start_loading(index);
    return index;
  }

  void start_loading(Index index) {
    nodes_[index].state = State::loading;
    ++loading_;
    to_load_.push_back(*nodes_[index].path);
  }

  // Notes that a request needs a node and, as far as they are known, its inputs.
  void attach(Index first, RequestId request) {
    std::vector<Index> stack = {first};
    while (!stack.empty()) {
      Index index = stack.back();
      stack.pop_back();
      Node& node = nodes_[index];
      auto at = std::lower_bound(node.requests.begin(), node.requests.end(), request);
      if (at != node.requests.end() && *at == request) continue;
      node.requests.insert(at, request);
      requests_.at(request).nodes.push_back(index);
      if (is_active(node.state)) change(request).expected += 1;
      if (node.state == State::running || node.state == State::stopping) {
        change(request).running += 1;
      }
      stack.insert(stack.end(), node.inputs.begin(), node.inputs.end());
    }
  }

  void forget(Index index) {
    Node& node = nodes_[index];
    index_.erase(*node.path);
    std::uint32_t generation = node.generation + 1;
    node = Node{};
    node.generation = generation;
    free_.push_back(index);
  }

  // A request has ended: what only it needed is stopped or forgotten.
  void release(RequestId id) {
    Request request = std::move(requests_.at(id));
    requests_.erase(id);
    for (Index index : request.nodes) {
      Node& node = nodes_[index];
      node.requests.erase(std::lower_bound(node.requests.begin(), node.requests.end(), id));
      std::erase_if(node.root_waiters,
                    [id](const RootWaiter& waiter) { return waiter.request == id; });
      if (!node.requests.empty()) continue;
      if (node.state == State::running) {
        node.state = State::stopping;
        node.inputs.clear();  // they may be forgotten before it ends
        commands_.emplace_back(StopBuild{*node.path});
      }
      if (node.state == State::ready) ready_.erase(ready_key(index));
      if (node.state != State::stopping && node.state != State::loading) forget(index);
    }
  }

  // --- transitions

  // Goes on until nothing more follows from what has happened.
  void settle() {
    for (;;) {
      if (!unsettled_.empty()) {
        std::vector<Index> now = std::exchange(unsettled_, {});
        for (Index index : now) look_at(index);
      } else if (!finished_.empty()) {
        std::vector<RequestId> now = std::exchange(finished_, {});
        for (RequestId request : now) finish(request);
      } else if (!start_ready() && !break_cycle()) {
        break;
      }
    }
    flush();
  }

  // Answers those who wait for a node, as far as its state has an answer for them.
  void look_at(Index index) {
    Node& node = nodes_[index];
    if (!node.path || node.state == State::loading) return;
    if (node.state == State::idle && is_wanted(node)) activate(index);
    if (is_active(nodes_[index].state)) return;
    std::vector<Waiter> waiters = std::exchange(nodes_[index].waiters, {});
    for (const Waiter& waiter : waiters) answer(waiter, index);
    std::vector<RootWaiter> roots = std::exchange(nodes_[index].root_waiters, {});
    for (const RootWaiter& root : roots) answer(root, index);
  }

  // Those who waited for it to be loaded, and must not depend on it.
  void refuse_pure_waiters(Index input) {
    std::erase_if(nodes_[input].waiters, [&](const Waiter& waiter) {
      return nodes_[waiter.node].generation == waiter.generation &&
             refuse_impure_input(waiter.node, input);
    });
  }
  // An input that is still being loaded has not said yet what it is.
  bool refuse_impure_input(Index index, Index input) {
    if (nodes_[index].may_need_impure || !nodes_[input].is_impure) return false;
    if (nodes_[index].state == State::waiting) {
      const Error error =
          impure_input_error(options_.store_dir, *nodes_[index].path, *nodes_[input].path);
      fail(index, make_result(*nodes_[index].path, BuildStatus::input_rejected, error.what()));
    }
    return true;
  }

  // Whether somebody waits for an output that is missing.
  bool is_wanted(const Node& node) const {
    auto is_missing = [&](const std::string& output) { return node.missing.count(output) > 0; };
    for (const Waiter& waiter : node.waiters) {
      if (std::any_of(waiter.outputs.begin(), waiter.outputs.end(), is_missing)) return true;
    }
    for (const RootWaiter& waiter : node.root_waiters) {
      const OutputSpec& spec = requests_.at(waiter.request).wanted[waiter.position].outputs;
      if (std::any_of(node.missing.begin(), node.missing.end(),
                      [&](const std::string& output) { return wants_output(spec, output); })) {
        return true;
      }
    }
    return false;
  }

  // It must be built, so its inputs must be there.
  void activate(Index index) {
    nodes_[index].state = State::waiting;
    for (RequestId request : nodes_[index].requests) change(request).expected += 1;
    std::map<StorePath, OutputNames> wanted = std::exchange(nodes_[index].wanted_inputs, {});
    for (const auto& [path, outputs] : wanted) {
      Index input = node_for(path);
      nodes_[index].inputs.push_back(input);
      nodes_[index].inputs_missing += 1;
      for (RequestId request : nodes_[index].requests) attach(input, request);
      if (refuse_impure_input(index, input)) continue;
      nodes_[input].waiters.push_back({index, nodes_[index].generation, outputs});
      unsettled_.push_back(input);
    }
    nodes_[index].wanted_inputs = std::move(wanted);
    if (nodes_[index].inputs_missing == 0) make_ready(index);
  }

  void make_ready(Index index) {
    nodes_[index].state = State::ready;
    ready_.insert(ready_key(index));
  }
  ReadyKey ready_key(Index index) const {
    const StorePath& path = *nodes_[index].path;
    return {path.name(), path.base_name(), index};
  }

  bool is_waiting(const Waiter& waiter) const {
    const Node& node = nodes_[waiter.node];
    return node.generation == waiter.generation && node.state == State::waiting;
  }

  void answer(const Waiter& waiter, Index input) {
    if (!is_waiting(waiter)) return;
    Node& node = nodes_[waiter.node];
    const Node& from = nodes_[input];
    if (from.state == State::failed) return fail_with(waiter.node, input);
    for (const std::string& output : waiter.outputs) {
      if (from.outputs.count(output) > 0) continue;
      return fail(waiter.node,
                  make_result(*node.path, BuildStatus::input_rejected,
                              "derivation '" + print(*node.path) + "' wants the output '" + output +
                                  "' of '" + print(*from.path) + "', which has no such output"));
    }
    if (--node.inputs_missing == 0) make_ready(waiter.node);
  }

  void answer(const RootWaiter& root, Index index) {
    auto found = requests_.find(root.request);
    if (found == requests_.end() || found->second.results[root.position]) return;
    Request& request = found->second;
    const Node& node = nodes_[index];
    const BuiltPath& wanted = request.wanted[root.position];
    BuildResult result =
        node.result ? *node.result : make_result(*node.path, BuildStatus::already_valid);
    if (const auto* names = std::get_if<std::set<std::string>>(&wanted.outputs);
        names && node.state != State::failed) {
      for (const std::string& name : *names) {
        if (node.outputs.count(name) > 0) continue;
        result = make_result(*node.path, BuildStatus::input_rejected,
                             "derivation '" + print(*node.path) + "' has no output '" + name + "'");
      }
    }
    result.wanted = wanted;
    request.results[root.position] = std::move(result);
    if (--request.unresolved == 0) finished_.push_back(root.request);
  }

  void succeed(Index index, BuildResult result) {
    Node& node = nodes_[index];
    node.state = State::built;
    node.missing.clear();
    node.result = std::move(result);
    for (RequestId request : node.requests) change(request).done += 1;
    unsettled_.push_back(index);
  }

  void fail(Index index, BuildResult result) {
    Node& node = nodes_[index];
    bool was_expected = is_active(node.state);
    node.state = State::failed;
    node.result = std::move(result);
    for (RequestId id : node.requests) {
      Request& request = change(id);
      if (!was_expected) request.expected += 1;
      request.failed += 1;
      if (!request.keep_going) finished_.push_back(id);
    }
    unsettled_.push_back(index);
  }

  void fail_with(Index index, Index input) {
    const Node& cause = nodes_[input];
    const Node& node = nodes_[index];
    std::string message = cause.result->error_message;
    if (cause.result->status != BuildStatus::dependency_failed) {
      message = "'" + print(*node.path) + "' cannot be built, because '" + print(*cause.path) +
                "' failed: " + message;
    }
    fail(index, make_result(*node.path, BuildStatus::dependency_failed, std::move(message)));
  }

  bool start_ready() {
    bool any = false;
    while (running_ < options_.jobs_max && !ready_.empty()) {
      Index index = std::get<Index>(*ready_.begin());
      ready_.erase(ready_.begin());
      nodes_[index].state = State::running;
      ++running_;
      for (RequestId request : nodes_[index].requests) change(request).running += 1;
      commands_.emplace_back(StartBuild{*nodes_[index].path});
      any = true;
    }
    return any;
  }

  // Nothing can happen any more, yet a request waits: its derivations need each other. No store
  // that checks what is added can hold such derivations.
  bool break_cycle() {
    if (requests_.empty() || running_ > 0 || loading_ > 0) return false;
    for (const auto& [id, request] : requests_) {
      for (Index index : request.nodes) {
        if (nodes_[index].state != State::waiting) continue;
        fail(index, make_result(
                        *nodes_[index].path, BuildStatus::input_rejected,
                        "derivation '" + print(*nodes_[index].path) + "' is among its own inputs"));
        return true;
      }
    }
    return false;
  }

  void finish(RequestId id) {
    auto found = requests_.find(id);
    if (found == requests_.end()) return;  // it had two reasons to end
    Request& request = found->second;
    FinishRequest command{id, {}};
    const Node* cause = find_failure(request);
    for (std::size_t i = 0; i < request.wanted.size(); ++i) {
      command.results.push_back(request.results[i] ? *std::move(request.results[i])
                                                   : last_word(request.wanted[i], cause));
    }
    report(id, request);
    commands_.emplace_back(std::move(command));
    release(id);
  }

  const Node* find_failure(const Request& request) const {
    for (Index index : request.nodes) {
      if (nodes_[index].state == State::failed) return &nodes_[index];
    }
    return nullptr;
  }

  // The result of a wanted path that was not finished when a failure ended the request.
  BuildResult last_word(const BuiltPath& wanted, const Node* cause) const {
    BuildResult result = make_result(wanted.derivation, BuildStatus::misc_failure);
    result.wanted = wanted;
    if (cause == nullptr) return result;
    const std::string& message = cause->result->error_message;
    result.error_message = cause->result->status == BuildStatus::dependency_failed
                               ? message
                               : "'" + print(wanted.derivation) + "' was not finished, because '" +
                                     print(*cause->path) + "' failed: " + message;
    return result;
  }

  // --- what to tell

  // The request, which has news to report.
  Request& change(RequestId id) {
    Request& request = requests_.at(id);
    if (!request.has_progress) changed_.push_back(id);
    request.has_progress = true;
    return request;
  }

  void report(RequestId id, Request& request) {
    if (!request.has_progress) return;
    request.has_progress = false;
    commands_.emplace_back(
        ReportProgress{id, request.done, request.expected, request.running, request.failed});
  }

  void flush() {
    for (RequestId id : std::exchange(changed_, {})) {
      auto found = requests_.find(id);
      if (found != requests_.end()) report(id, found->second);
    }
    if (!to_load_.empty()) {
      commands_.emplace_back(LoadDerivations{std::exchange(to_load_, {})});
    }
  }

  std::string print(const StorePath& path) const { return options_.store_dir.print(path); }

  CoordinatorOptions options_;
  std::deque<Node> nodes_;  // stay where they are: ready_ points into them
  std::vector<Index> free_;
  std::unordered_map<StorePath, Index> index_;
  std::map<RequestId, Request> requests_;
  std::set<ReadyKey> ready_;
  std::uint64_t running_ = 0;  // with those that are stopping
  std::uint64_t loading_ = 0;
  std::vector<Index> unsettled_;     // nodes whose waiters may have an answer
  std::vector<RequestId> finished_;  // requests that have all they wait for, or a failure
  std::vector<RequestId> changed_;
  std::vector<StorePath> to_load_;
  std::vector<CoordinatorCommand> commands_;
};

BuildCoordinator::BuildCoordinator(CoordinatorOptions options)
    : machine_(std::make_unique<Machine>(std::move(options))) {}
BuildCoordinator::~BuildCoordinator() = default;

std::vector<CoordinatorCommand> BuildCoordinator::handle(std::vector<CoordinatorEvent> events) {
  return machine_->handle(std::move(events));
}
std::vector<RequestId> BuildCoordinator::requests_of(const StorePath& derivation) const {
  return machine_->requests_of(derivation);
}
bool BuildCoordinator::is_idle() const { return machine_->is_idle(); }

}  // namespace cinch
