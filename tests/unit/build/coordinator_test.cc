// The coordinator in a simulated world: derivations are numbers, time is the order of events.
#include "catch.hh"
#include "coordinator/build_coordinator.hh"
#include "errors.hh"

#include <algorithm>
#include <deque>
#include <map>
#include <random>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

namespace cinch::test {
namespace {

StorePath path_of(std::size_t number) {
  std::string digits = std::to_string(number);
  return StorePath::parse(std::string(32 - digits.size(), '0') + digits + "-d" + digits + ".drv");
}

BuildResult result_of(const StorePath& derivation, BuildStatus status) {
  BuildResult result{.wanted = BuiltPath{derivation, AllOutputs{}}};
  result.status = status;
  if (status != BuildStatus::built) result.error_message = "it broke";
  return result;
}

struct SimulatedDerivation {
  std::map<StorePath, OutputNames> inputs;
  OutputNames outputs = {"out"};
  OutputNames missing = {"out"};
  bool fails = false;
  bool is_impure = false;
  bool may_need_impure = true;
};

// Cheaper than REQUIRE, for what is checked a million times.
void demand(bool holds, const char* what) {
  if (!holds) throw std::logic_error(what);
}

// Answers commands and checks that they are allowed.
class World {
 public:
  explicit World(std::uint32_t jobs_max)
      : jobs_max_(jobs_max), coordinator_({.store_dir = StoreDir(), .jobs_max = jobs_max}) {}

  SimulatedDerivation& add(std::size_t number, const std::vector<std::size_t>& inputs = {}) {
    SimulatedDerivation& added = derivations_[path_of(number)];
    for (std::size_t input : inputs) added.inputs[path_of(input)] = {"out"};
    return added;
  }

  void request(RequestId id, const std::vector<std::size_t>& roots, bool keep_going = false) {
    RequestAdded event{id, {}, keep_going};
    for (std::size_t root : roots) event.wanted.push_back({path_of(root), AllOutputs{}});
    live_.insert(id);
    tell({std::move(event)});
  }
  void cancel(RequestId id) {
    live_.erase(id);
    tell({RequestCancelled{id}});
  }

  // Answers the waiting loads.
  void load() {
    std::vector<CoordinatorEvent> events;
    for (const StorePath& path : std::exchange(to_load_, {})) {
      auto found = derivations_.find(path);
      if (found == derivations_.end()) {
        events.emplace_back(DerivationNotLoaded{path, result_of(path, BuildStatus::misc_failure)});
        continue;
      }
      const SimulatedDerivation& it = found->second;
      events.emplace_back(DerivationLoaded{path, it.inputs, it.outputs, it.missing, it.is_impure,
                                           it.may_need_impure});
    }
    if (!events.empty()) tell(std::move(events));
  }

  // Ends the build that started as number `position` of those that run.
  void end_build(std::size_t position = 0) {
    auto at = running_.begin() + static_cast<std::ptrdiff_t>(position);
    StorePath path = *at;
    running_.erase(at);
    SimulatedDerivation& it = derivations_.at(path);
    bool stopped = stopping_.erase(path) > 0;
    bool fails = it.fails || stopped;
    if (!fails) it.missing.clear();
    tell({BuildEnded{
        path, result_of(path, fails ? BuildStatus::permanent_failure : BuildStatus::built)}});
  }

  void run_to_end() {
    while (!to_load_.empty() || !running_.empty()) {
      load();
      if (!running_.empty()) end_build();
    }
  }

  const std::vector<BuildResult>& results(RequestId id) const { return finished_.at(id); }
  BuildStatus status(RequestId id, std::size_t position = 0) const {
    return results(id).at(position).status;
  }
  bool is_finished(RequestId id) const { return finished_.count(id) > 0; }
  std::size_t times_started(std::size_t number) const {
    auto found = times_started_.find(path_of(number));
    return found == times_started_.end() ? 0 : found->second;
  }
  const std::deque<StorePath>& running() const { return running_; }
  const std::set<StorePath>& stopping() const { return stopping_; }
  const std::vector<StorePath>& to_load() const { return to_load_; }
  const ReportProgress& progress(RequestId id) const { return progress_.at(id); }
  const std::vector<std::string>& order() const { return order_; }
  BuildCoordinator& coordinator() { return coordinator_; }
  const std::map<StorePath, std::size_t>& all_times_started() const { return times_started_; }

 private:
  void tell(std::vector<CoordinatorEvent> events) {
    for (CoordinatorCommand& command : coordinator_.handle(std::move(events))) {
      std::visit([this](auto& specific) { obey(specific); }, command);
    }
  }

  void obey(LoadDerivations& command) {
    to_load_.insert(to_load_.end(), command.derivations.begin(), command.derivations.end());
  }
  void obey(StartBuild& command) {
    running_.push_back(command.derivation);
    times_started_[command.derivation] += 1;
    order_.emplace_back(command.derivation.name());
    demand(running_.size() <= jobs_max_, "too many builds run");
    for (const auto& [input, outputs] : derivations_.at(command.derivation).inputs) {
      for (const std::string& output : outputs) {
        demand(derivations_.at(input).missing.count(output) == 0, "an input is missing");
      }
    }
  }
  void obey(StopBuild& command) {
    demand(std::count(running_.begin(), running_.end(), command.derivation) == 1,
           "what does not run is stopped");
    demand(coordinator_.requests_of(command.derivation).empty(), "what is needed is stopped");
    stopping_.insert(command.derivation);
  }
  void obey(ReportProgress& command) {
    demand(command.done + command.running + command.failed <= command.expected,
           "the progress does not add up");
    progress_.insert_or_assign(command.request, command);
  }
  void obey(FinishRequest& command) {
    demand(live_.erase(command.request) == 1, "a request ends twice");
    finished_[command.request] = std::move(command.results);
  }

  std::uint32_t jobs_max_;
  BuildCoordinator coordinator_;
  std::map<StorePath, SimulatedDerivation> derivations_;
  std::vector<StorePath> to_load_;
  std::deque<StorePath> running_;
  std::set<StorePath> stopping_;
  std::set<RequestId> live_;
  std::map<RequestId, std::vector<BuildResult>> finished_;
  std::map<RequestId, ReportProgress> progress_;
  std::map<StorePath, std::size_t> times_started_;
  std::vector<std::string> order_;
};

TEST_CASE("inputs are built first, loads come by level") {
  World world(1);
  world.add(1);
  world.add(2);
  world.add(3, {1, 2});
  world.add(4, {3, 1});
  world.request(1, {4});
  CHECK(world.to_load() == std::vector<StorePath>{path_of(4)});
  world.load();
  CHECK(world.to_load() == std::vector<StorePath>{path_of(1), path_of(3)});
  world.run_to_end();
  CHECK(world.order() == std::vector<std::string>{"d1.drv", "d2.drv", "d3.drv", "d4.drv"});
  CHECK(world.status(1) == BuildStatus::built);
  CHECK(world.progress(1).done == 4);
  CHECK(world.progress(1).expected == 4);
  CHECK(world.coordinator().is_idle());
}

TEST_CASE("what is valid is neither built nor looked into") {
  World world(1);
  world.add(1);
  world.add(2, {1}).missing = {};
  world.add(3, {2});
  world.request(1, {3, 2});
  world.run_to_end();
  CHECK(world.order() == std::vector<std::string>{"d3.drv"});
  CHECK(world.status(1, 0) == BuildStatus::built);
  CHECK(world.status(1, 1) == BuildStatus::already_valid);
}

TEST_CASE("only wanted outputs matter") {
  World world(1);
  SimulatedDerivation& two = world.add(1);
  two.outputs = {"dev", "out"};
  two.missing = {"dev"};
  world.add(2, {1});
  world.add(3).inputs[path_of(1)] = {"dev"};
  world.request(1, {2});
  world.run_to_end();
  CHECK(world.times_started(1) == 0);
  world.request(2, {3});
  world.run_to_end();
  CHECK(world.times_started(1) == 1);
  CHECK(world.status(2) == BuildStatus::built);
}

TEST_CASE("an output that does not exist is refused") {
  World world(1);
  world.add(1);
  world.add(2).inputs[path_of(1)] = {"dev"};
  world.request(1, {2});
  world.run_to_end();
  CHECK(world.status(1) == BuildStatus::input_rejected);
  CHECK(world.results(1)[0].error_message == "derivation '/nix/store/" + path_of(2).base_name() +
                                                 "' wants the output 'dev' of '/nix/store/" +
                                                 path_of(1).base_name() +
                                                 "', which has no such output");
}

TEST_CASE("a derivation that cannot be loaded fails what needs it") {
  World world(1);
  world.add(2, {1});
  world.request(1, {2});
  world.run_to_end();
  CHECK(world.status(1) == BuildStatus::dependency_failed);
  CHECK(world.results(1)[0].error_message.find("it broke") != std::string::npos);
}

TEST_CASE("a failure ends a request, and stops what only it needs") {
  World world(3);
  world.add(1).fails = true;
  world.add(2);
  world.add(3);
  world.request(1, {1, 2});
  world.load();
  world.request(2, {3});
  world.load();
  CHECK(world.running().size() == 3);
  world.end_build(0);
  CHECK(world.status(1, 0) == BuildStatus::permanent_failure);
  CHECK(world.status(1, 1) == BuildStatus::misc_failure);
  CHECK(world.results(1)[1].error_message.find("was not finished") != std::string::npos);
  CHECK(world.stopping() == std::set<StorePath>{path_of(2)});
  world.run_to_end();
  CHECK(world.status(2) == BuildStatus::built);
  CHECK(world.coordinator().is_idle());
}

TEST_CASE("with keep-going the rest is finished") {
  World world(1);
  world.add(1).fails = true;
  world.add(2, {1});
  world.add(3, {2});
  world.add(4);
  world.add(5, {4});
  world.request(1, {3, 5, 1}, true);
  world.run_to_end();
  CHECK(world.status(1, 0) == BuildStatus::dependency_failed);
  CHECK(world.status(1, 1) == BuildStatus::built);
  CHECK(world.status(1, 2) == BuildStatus::permanent_failure);
  std::string message = world.results(1)[0].error_message;
  CHECK(message.find("d1.drv' failed: it broke") != std::string::npos);
  CHECK(world.progress(1).failed == 3);
  CHECK(world.progress(1).done == 2);
}

TEST_CASE("requests share builds, and cancelling one leaves what others need") {
  World world(2);
  world.add(1);
  world.add(2, {1});
  world.add(3);
  world.request(1, {2, 3});
  world.load();
  world.load();
  world.request(2, {2});
  world.cancel(1);
  CHECK(world.stopping() == std::set<StorePath>{path_of(3)});
  world.run_to_end();
  CHECK_FALSE(world.is_finished(1));
  CHECK(world.status(2) == BuildStatus::built);
  CHECK(world.times_started(1) == 1);
  CHECK(world.coordinator().is_idle());
}

TEST_CASE("a build that is being stopped and wanted again is built again") {
  World world(1);
  world.add(1);
  world.add(2, {1});
  world.request(1, {2});
  world.load();
  world.load();
  world.end_build();
  CHECK(world.running().front() == path_of(2));
  world.cancel(1);
  world.request(2, {2});
  world.run_to_end();
  CHECK(world.status(2) == BuildStatus::built);
  CHECK(world.times_started(2) == 2);
  CHECK(world.times_started(1) == 1);
  CHECK(world.coordinator().is_idle());
}

TEST_CASE("a request cancelled while loading leaves nothing") {
  World world(1);
  world.add(1);
  world.request(1, {1});
  world.cancel(1);
  world.run_to_end();
  CHECK(world.coordinator().is_idle());
  CHECK(world.times_started(1) == 0);
}

TEST_CASE("a cycle is a failure, not a wait for ever") {
  World world(1);
  world.add(1, {2});
  world.add(2, {1});
  world.request(1, {1});
  world.run_to_end();
  CHECK(world.is_finished(1));
  CHECK(world.results(1)[0].error_message.find("among its own inputs") != std::string::npos);
}

TEST_CASE("an empty request ends at once") {
  World world(1);
  world.request(1, {});
  CHECK(world.results(1).empty());
}

TEST_CASE("what is pure does not depend on what is impure") {
  World world(1);
  world.add(1).is_impure = true;
  world.add(2, {1}).may_need_impure = false;
  world.add(3, {1});  // may, as it is impure itself or has a fixed output
  SECTION("found out when the input is loaded") {
    world.request(1, {2});
    world.run_to_end();
    CHECK(world.status(1) == BuildStatus::input_rejected);
    CHECK(world.results(1)[0].error_message.starts_with("the pure derivation '"));
    CHECK(world.results(1)[0].error_message.find(path_of(1).base_name()) != std::string::npos);
    CHECK(world.times_started(1) == 0);
  }
  SECTION("found out later, when the input is built already for others") {
    world.request(1, {3});
    world.load();
    world.load();
    REQUIRE(world.times_started(1) == 1);
    world.request(2, {2, 3}, true);
    world.run_to_end();
    CHECK(world.status(1) == BuildStatus::built);
    CHECK(world.status(2, 0) == BuildStatus::input_rejected);
    CHECK(world.status(2, 1) == BuildStatus::built);
  }
  SECTION("the input alone can be had") {
    world.request(1, {2, 1}, true);
    world.run_to_end();
    CHECK(world.status(1, 0) == BuildStatus::input_rejected);
    CHECK(world.status(1, 1) == BuildStatus::built);
  }
  CHECK(world.times_started(2) == 0);
  CHECK(world.coordinator().is_idle());
}

TEST_CASE("events that do not fit are refused") {
  BuildCoordinator coordinator({.store_dir = StoreDir(), .jobs_max = 1});
  CHECK(code_of([&] { coordinator.handle({RequestCancelled{1}}); }) == Code::invalid_argument);
  CHECK(code_of([&] {
          coordinator.handle({BuildEnded{path_of(1), result_of(path_of(1), BuildStatus::built)}});
        }) == Code::invalid_argument);
  CHECK(code_of([&] {
          coordinator.handle({DerivationLoaded{path_of(1), {}, {}, {}}});
        }) == Code::invalid_argument);
}

// A random life: requests come and go over one random graph, builds end in any order.
void live(std::uint64_t seed) {
  CAPTURE(seed);
  std::mt19937_64 random(seed);
  auto below = [&](std::size_t limit) { return static_cast<std::size_t>(random() % limit); };
  std::size_t size = 20 + below(300);
  World world(static_cast<std::uint32_t>(1 + below(8)));
  for (std::size_t i = 0; i < size; ++i) {
    std::vector<std::size_t> inputs;
    for (std::size_t k = below(5); i > 0 && k > 0; --k) inputs.push_back(below(i));
    SimulatedDerivation& added = world.add(i, inputs);
    added.fails = below(60) == 0;
    added.is_impure = below(60) == 0;
    added.may_need_impure = added.is_impure || below(2) == 0;
    if (below(10) == 0) added.missing = {};
  }
  std::set<RequestId> cancelled;
  RequestId last = 0;
  for (std::size_t step = 0; step < 2 * size; ++step) {
    if (below(20) == 0) {
      std::vector<std::size_t> roots;
      for (std::size_t k = 1 + below(4); k > 0; --k) roots.push_back(below(size));
      world.request(++last, roots, below(2) == 0);
    } else if (below(40) == 0 && last > 0) {
      RequestId id = 1 + below(last);
      if (!world.is_finished(id) && cancelled.insert(id).second) world.cancel(id);
    } else if (below(2) == 0) {
      world.load();
    } else if (!world.running().empty()) {
      world.end_build(below(world.running().size()));
    }
  }
  world.run_to_end();
  for (RequestId id = 1; id <= last; ++id) {
    CHECK(world.is_finished(id) == (cancelled.count(id) == 0));
  }
  CHECK(world.coordinator().is_idle());
}

TEST_CASE("random lives keep the invariants") {
  for (std::uint64_t seed = 1; seed <= 60; ++seed) live(seed);
}

TEST_CASE("one request builds each derivation of a large graph once, in linear time") {
  constexpr std::size_t size = 100'000;
  std::mt19937_64 random(7);
  World world(64);
  for (std::size_t i = 0; i < size; ++i) {
    std::vector<std::size_t> inputs;
    if (i > 0) inputs.push_back(i - 1 - random() % std::min<std::size_t>(i, 50));
    for (int k = 0; i > 0 && k < 3; ++k) inputs.push_back(random() % i);
    world.add(i, inputs);
  }
  std::vector<std::size_t> roots;
  for (std::size_t i = size - 1000; i < size; ++i) roots.push_back(i);
  world.request(1, roots);
  world.run_to_end();
  CHECK(world.is_finished(1));
  for (const auto& [path, times] : world.all_times_started())
    demand(times == 1, "a derivation is built twice");
  CHECK(world.progress(1).done == world.all_times_started().size());
  CHECK(world.coordinator().is_idle());
}

}  // namespace
}  // namespace cinch::test
