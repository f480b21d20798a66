// The waist: running one BuildRequest, wherever and however.
#pragma once

#include <cinch/core/build_request.hh>
#include <cinch/core/export.hh>
#include <cinch/core/stream.hh>

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>

namespace cinch {

enum class BuildEnd : std::uint8_t {
  exited,          // `number` is the exit status
  killed,          // `number` is the signal
  timed_out,       // the whole build took too long
  silent,          // no output for too long
  log_limit,       // wrote too much
  failed_to_start  // `message` says why: the builder could not be run inside the sandbox
};

// A build that has ended. Its outputs can be read until it is destroyed, which removes everything
// that the build left.
class CINCH_CORE_API FinishedBuild {
 public:
  virtual ~FinishedBuild();
  virtual BuildEnd end() const = 0;
  virtual int number() const = 0;
  virtual std::string message() const = 0;
  virtual std::optional<std::chrono::microseconds> cpu_user() const = 0;
  virtual std::optional<std::chrono::microseconds> cpu_system() const = 0;
  // Whether the builder created this output (a name from BuildRequest::outputs).
  virtual bool has_output(std::string_view name) const = 0;
  // The NAR of an output, in canonical form. Throws Code::build_failed for what cannot be in a
  // store (a socket, a device), naming it.
  virtual void read_output(std::string_view name, Sink& sink) = 0;
  // Keeps the build directory when this is destroyed and returns where it is; empty if there is
  // none to keep.
  virtual std::string keep() = 0;
};

class CINCH_CORE_API Builder {
 public:
  virtual ~Builder();
  // Blocks until the build has ended. What the builder prints goes to `log` as it comes, called
  // from this thread. A failing build is a result; exceptions are for what keeps builds from being
  // tried: Code::sandbox_unavailable, Code::no_space, Code::cancelled (all its processes are gone
  // then). Several threads may call at once.
  virtual std::unique_ptr<FinishedBuild> run(const BuildRequest& request, Sink& log,
                                             std::stop_token stop) = 0;
  // "x86_64-linux", ...: what it can run.
  virtual bool supports(std::string_view system) const = 0;
};

}  // namespace cinch
