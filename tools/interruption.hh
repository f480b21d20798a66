// Ctrl-C and its like, turned into a stop request.
#pragma once

#include <cinch/files/descriptor.hh>

#include <atomic>
#include <stop_token>
#include <thread>

#include <signal.h>

namespace cinch::cli {

// Until begin(), signals do what they always do: they end the process. Verbs that have something to
// clean up call begin() before they start.
//
// The first SIGINT, SIGTERM or SIGHUP after that requests a stop. The second one ends the process
// at once; builders die with it, as the kernel kills the children of a dead sandbox.
class Interruption {
 public:
  Interruption() = default;
  Interruption(const Interruption&) = delete;
  Interruption& operator=(const Interruption&) = delete;
  ~Interruption();

  // Starts the waiting thread. REQUIRES: the process has no other thread yet.
  std::stop_token begin();
  // The first signal that came; 0: none.
  int signal() const { return signal_; }

 private:
  void wait();

  std::stop_source source_;
  std::atomic<int> signal_{0};
  Descriptor signals_;
  Descriptor end_;
  std::thread thread_;
};

}  // namespace cinch::cli
