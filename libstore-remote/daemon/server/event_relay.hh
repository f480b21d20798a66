// Carries a build's events to the client, as messages of the protocol.
//
// Whoever emits an event never waits for the client: a thread of the relay's own sends. A client
// that reads too slowly loses log lines, is told how many, and finds them in the build's log.
#pragma once

#include "wire/encoder.hh"
#include "wire/messages.hh"
#include "wire/protocol.hh"

#include <cinch/core/event.hh>
#include <cinch/core/store_path.hh>
#include <cinch/core/stream.hh>

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <thread>

namespace cinch {

constexpr std::size_t pending_bytes_max = std::size_t{8} << 20;

class EventRelay final : public EventSink {
 public:
  struct Options {
    const wire::Dialect& dialect;
    Verbosity verbosity;            // messages above it are left out
    std::uint64_t& next_activity;   // numbers must differ during a connection
    std::function<void()> on_gone;  // called once, when the client cannot be reached
  };
  // The sink must outlive it.
  EventRelay(Sink& sink, Options options);
  ~EventRelay() override;

  void emit(const Event& event) override;
  // Ends all activities and waits until everything is sent, or the client is gone.
  void finish();

 private:
  void run();
  void add(const wire::Message& message);
  void add_log_line(const BuildLogEvent& event);
  void start_build(const StorePath& derivation);
  void finish_build(const BuildFinishedEvent& event);
  void progress(const BuildProgressEvent& event);
  std::uint64_t builds_activity();

  Sink& sink_;
  Options options_;
  std::mutex mutex_;
  std::condition_variable changed_;
  wire::Encoder pending_;
  std::uint64_t lines_dropped_ = 0;
  std::map<StorePath, std::uint64_t> builds_;  // their activities
  std::uint64_t builds_activity_ = 0;          // 0: none yet
  bool finished_ = false;
  bool gone_ = false;
  std::jthread thread_;
};

}  // namespace cinch
