// What a thread does with its time: compute, or wait. For the thread that makes it.
#pragma once

#include <chrono>

#include <sys/resource.h>

namespace cinch {

class Attendance {
 public:
  Attendance();

  // Whether the thread has waited for more than half of the time since this last said something.
  // False if that is not long enough ago to tell. To have no processor is not to wait.
  bool is_waiting();

 private:
  using Clock = std::chrono::steady_clock;

  Clock::time_point looked_;
  rusage used_;
};

}  // namespace cinch
