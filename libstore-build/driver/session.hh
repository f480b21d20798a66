// One call of realise(), as the threads that work for it see it.
#pragma once

#include "../coordinator/build_coordinator.hh"

#include <cinch/core/event.hh>

#include <atomic>
#include <cstdint>
#include <exception>
#include <mutex>

namespace cinch {

// Emits to the caller's sink from one thread at a time, and no more once it is closed. The sink's
// own exception is kept for the caller.
class Session {
 public:
  Session(RequestId id, EventSink& sink) : id_(id), sink_(&sink) {}
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  RequestId id() const { return id_; }
  // False if the sink has thrown: the request is to be cancelled.
  bool emit(const Event& event);
  // As above, but leaves out what is older than what was emitted last. Numbers ascend with time.
  bool emit_progress(const BuildProgressEvent& event, std::uint64_t number);
  // When it returns the sink is not being called, and will not be again.
  void close();
  // Whether the sink has thrown. Never waits for it.
  bool has_failed() const { return has_failed_; }
  // What the sink has thrown; null if nothing.
  std::exception_ptr failure() const;

 private:
  bool emit_locked(const Event& event);

  const RequestId id_;
  mutable std::mutex mutex_;
  EventSink* sink_;
  std::uint64_t last_progress_ = 0;
  std::exception_ptr failure_;
  std::atomic<bool> has_failed_ = false;
};

}  // namespace cinch
