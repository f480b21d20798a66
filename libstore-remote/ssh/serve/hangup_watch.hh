// Asks for a stop when the client has gone away, while nobody reads from it or writes to it.
#pragma once

#include "transport/watch.hh"

#include <stop_token>
#include <thread>

namespace cinch::serve {

class HangupWatch {
 public:
  // Watches the descriptor that the client reads from, or none if it is negative, until it is
  // destroyed.
  HangupWatch(int output_descriptor, std::stop_source on_hangup);
  ~HangupWatch();
  HangupWatch(const HangupWatch&) = delete;
  HangupWatch& operator=(const HangupWatch&) = delete;

 private:
  // False if the end came first.
  bool wait_for_hangup(int descriptor, const std::stop_token& end);

  transport::Watch watch_;
  std::jthread thread_;
};

}  // namespace cinch::serve
