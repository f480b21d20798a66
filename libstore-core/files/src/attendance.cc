#include "attendance.hh"

namespace cinch {

namespace {

constexpr std::chrono::milliseconds between_looks{2};

rusage usage_of_thread() {
  rusage used{};
  (void)::getrusage(RUSAGE_THREAD, &used);
  return used;
}

std::chrono::microseconds computed(const rusage& used) {
  return std::chrono::seconds(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
         std::chrono::microseconds(used.ru_utime.tv_usec + used.ru_stime.tv_usec);
}

}  // namespace

Attendance::Attendance() : looked_(Clock::now()), used_(usage_of_thread()) {}

bool Attendance::is_waiting() {
  const Clock::time_point now = Clock::now();
  const Clock::duration since = now - looked_;
  if (since < between_looks) return false;
  const rusage used = usage_of_thread();
  // Whoever waits gives the processor up by itself.
  const bool waiting =
      used.ru_nvcsw > used_.ru_nvcsw && 2 * (computed(used) - computed(used_)) < since;
  looked_ = now;
  used_ = used;
  return waiting;
}

}  // namespace cinch
