// Turns what a daemon tells during a build into events.
#pragma once

#include "wire/messages.hh"
#include "wire/protocol.hh"

#include <cinch/core/event.hh>
#include <cinch/core/store_path.hh>

#include <chrono>
#include <cstdint>
#include <map>
#include <vector>

namespace cinch {

class ActivityReader {
 public:
  // Both must outlive it.
  ActivityReader(const wire::Dialect& dialect, EventSink& events)
      : dialect_(dialect), events_(events) {}

  void handle(const wire::Message& message);

  // Builds of which the daemon did not say how they ended. Their BuildFinishedEvents are still to
  // come: the caller finds out and emits them.
  struct OpenEnd {
    StorePath derivation;
    std::uint64_t duration_ms;
  };
  const std::vector<OpenEnd>& open_ends() const { return open_ends_; }
  // Moves the builds that have not even stopped to open_ends().
  void finish();

 private:
  using Clock = std::chrono::steady_clock;
  struct Build {
    StorePath derivation;
    Clock::time_point start;
    bool ended = false;
  };
  void start(const wire::StartActivity& activity);
  void stop(std::uint64_t id);
  void result(const wire::ActivityResult& result);
  void build_end(Build& build, const wire::ActivityResult& result);

  const wire::Dialect& dialect_;
  EventSink& events_;
  std::map<std::uint64_t, Build> builds_;
  std::vector<OpenEnd> open_ends_;
};

}  // namespace cinch
