// A store of a test's own, derivations in it, and a realiser that builds them in the sandbox.
#pragma once

#include "errors.hh"
#include "scratch.hh"

#include <cinch/build/linux_sandbox.hh>
#include <cinch/build/local_realiser.hh>
#include <cinch/core/derivation_hash.hh>
#include <cinch/local/local_store.hh>

#include <atomic>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace cinch::test {

class RecordingSink final : public EventSink {
 public:
  void emit(const Event& event) override { events.push_back(event); }

  template <class E>
  std::vector<E> all() const {
    std::vector<E> found;
    for (const Event& event : events) {
      if (const E* specific = std::get_if<E>(&event)) found.push_back(*specific);
    }
    return found;
  }
  std::string log() const {
    std::string text;
    for (const BuildLogEvent& event : all<BuildLogEvent>()) text += event.line + "\n";
    return text;
  }

  std::vector<Event> events;
};

// Counts what it passes on.
class CountingBuilder final : public Builder {
 public:
  explicit CountingBuilder(Builder& builder) : builder_(builder) {}
  std::unique_ptr<FinishedBuild> run(const BuildRequest& request, Sink& log,
                                     std::stop_token stop) override {
    ++runs;
    int now = ++running_;
    for (int most = most_at_once; now > most && !most_at_once.compare_exchange_weak(most, now);) {
    }
    std::unique_ptr<FinishedBuild> build = builder_.run(request, log, std::move(stop));
    --running_;
    return build;
  }
  bool supports(std::string_view system) const override { return builder_.supports(system); }

  std::atomic<int> runs = 0;
  std::atomic<int> most_at_once = 0;

 private:
  Builder& builder_;
  std::atomic<int> running_ = 0;
};

class RealiserFixture {
 public:
  explicit RealiserFixture(std::uint32_t max_jobs = 1)
      : store_(LocalStore::open({.root = scratch_.path("store")})),
        sandbox_(make_linux_sandbox(
            {.build_directory = store_->build_directory(), .system = "x86_64-linux"})),
        builder_(*sandbox_) {
    settings.max_jobs = max_jobs;
    for (const char* directory : {"/bin", "/lib", "/lib64", "/usr"}) {
      settings.sandbox_paths.push_back({directory, directory, true});
    }
    settings.sandbox_paths.push_back({"/probe", CINCH_SANDBOX_PROBE, false});
  }

  // `/bin/sh -c script` with the output "out", which is not filled in yet.
  static Derivation shell(const std::string& name, const std::string& script) {
    Derivation derivation;
    derivation.name = name;
    derivation.outputs = {{"out", DeferredOutput{}}};
    derivation.system = "x86_64-linux";
    derivation.builder = "/bin/sh";
    derivation.arguments = {"-e", "-c", script};
    derivation.environment = {{"PATH", "/bin:/usr/bin"}, {"out", ""}};
    return derivation;
  }
  static Derivation fixed(const std::string& name, const std::string& script,
                          ContentAddress address) {
    Derivation derivation = shell(name, script);
    derivation.outputs = {{"out", FixedOutput{std::move(address)}}};
    derivation.environment["out"] = StoreDir().print(*derivation.output_path(StoreDir(), "out"));
    return derivation;
  }

  StorePath add(Derivation derivation) {
    DerivationHasher hasher(store_->store_dir(), [this](const StorePath& path) {
      return store_->read_derivation(path);
    });
    hasher.fill_in_outputs(derivation);
    return store_->add_derivation(derivation);
  }
  StorePath add(const std::string& name, const std::string& script) {
    return add(shell(name, script));
  }
  // Makes one more derivation an input, whose output is in the variable `variable`.
  void use(Derivation& derivation, const std::string& variable, const StorePath& input) {
    derivation.input_derivations[input] = {"out"};
    derivation.environment[variable] = store_->store_dir().print(output(input));
  }

  StorePath output(const StorePath& derivation, const std::string& name = "out") {
    return *store_->read_derivation(derivation).output_path(store_->store_dir(), name);
  }
  std::string contents(const StorePath& path) {
    return *Directory::open(scratch_.path("store/nix/store"))
                .read_file(path.base_name(), std::uint64_t{1} << 20);
  }
  std::string log(const StorePath& derivation) {
    StringSink sink(std::uint64_t{1} << 20);
    REQUIRE(store_->read_log(derivation, sink));
    return sink.take();
  }

  Realiser& realiser() {
    if (!realiser_) {
      realiser_ = make_local_realiser(*store_, builder_, settings, impure_environment);
    }
    return *realiser_;
  }
  std::vector<BuildResult> realise(const std::vector<StorePath>& derivations,
                                   const RealiseOptions& options = {}, std::stop_token stop = {}) {
    std::vector<DerivingPath> wanted;
    for (const StorePath& path : derivations) wanted.emplace_back(BuiltPath{path, AllOutputs{}});
    return realiser().realise(wanted, options, events, std::move(stop));
  }
  BuildResult realise(const StorePath& derivation) {
    return std::move(realise(std::vector<StorePath>{derivation}).front());
  }

  LocalStore& store() { return *store_; }
  CountingBuilder& builder() { return builder_; }
  std::size_t left_overs() const {
    return Directory::open(store_->build_directory()).list().size();
  }

  Settings settings;  // before the first use of the realiser
  ImpureEnvironment impure_environment;
  RecordingSink events;

 private:
  Scratch scratch_;
  std::unique_ptr<LocalStore> store_;
  std::unique_ptr<Builder> sandbox_;
  CountingBuilder builder_;
  std::unique_ptr<Realiser> realiser_;
};

}  // namespace cinch::test
