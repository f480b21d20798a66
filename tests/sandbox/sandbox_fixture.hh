// Runs builders in the Linux sandbox, with the host's programs shown inside.
#pragma once

#include "scratch.hh"

#include <cinch/build/linux_sandbox.hh>
#include <cinch/core/nar.hh>

#include <map>
#include <memory>
#include <string>

namespace cinch::test {

constexpr std::uint64_t log_bytes_max_in_tests = 8 << 20;

struct Ran {
  std::unique_ptr<FinishedBuild> build;
  std::string log;

  // `<fact> <value>` lines of the log.
  std::map<std::string, std::string> facts() const {
    std::map<std::string, std::string> facts;
    for (std::size_t at = 0; at < log.size();) {
      std::size_t end = std::min(log.find('\n', at), log.size());
      std::string line = log.substr(at, end - at);
      std::size_t space = std::min(line.find_first_of(" \t"), line.size());
      std::size_t value = std::min(line.find_first_not_of(" \t", space), line.size());
      facts[line.substr(0, space)] = line.substr(value);
      at = end + 1;
    }
    return facts;
  }
  std::string nar(const std::string& output) const {
    StringSink sink(log_bytes_max_in_tests);
    build->read_output(output, sink);
    return sink.take();
  }
};

class SandboxFixture {
 public:
  SandboxFixture() : builder_(make_linux_sandbox({.build_directory = scratch_.path("builds")})) {}

  static StorePath path(const std::string& name) {
    return StorePath::parse("00000000000000000000000000000000-" + name);
  }

  // A request for `/bin/sh -c script`, with the probe at /probe.
  static BuildRequest shell(const std::string& script) {
    BuildRequest request{.derivation = path("test.drv")};
    request.system = "x86_64-linux";
    request.command = {"/bin/sh", "-c", script};
    request.environment = {{"PATH", "/bin:/usr/bin"}, {"out", "/nix/store/" + out().base_name()}};
    request.store_dir = "/nix/store";
    request.outputs = {{"out", out()}};
    for (const char* directory : {"/bin", "/lib", "/lib64", "/usr"}) {
      request.mounts.push_back({directory, directory, true});
    }
    request.mounts.push_back({"/probe", CINCH_SANDBOX_PROBE, false});
    return request;
  }
  static StorePath out() { return path("test"); }

  Ran run(const BuildRequest& request, std::stop_token stop = {}) {
    StringSink log(log_bytes_max_in_tests);
    std::unique_ptr<FinishedBuild> build = builder_->run(request, log, std::move(stop));
    return {std::move(build), log.take()};
  }
  Ran run(const std::string& script) { return run(shell(script)); }

  Builder& builder() { return *builder_; }
  const Scratch& scratch() const { return scratch_; }
  // What builds have left on disk.
  std::size_t left_overs() const {
    return scratch_.directory().open_directory("builds").list().size();
  }

 private:
  struct ScratchWithBuilds : Scratch {
    ScratchWithBuilds() { directory().make_directory("builds", 0700); }
  };
  ScratchWithBuilds scratch_;
  std::unique_ptr<Builder> builder_;
};

}  // namespace cinch::test
