#include "transport/watch.hh"

#include <cinch/core/error.hh>

#include <cerrno>
#include <cstdint>

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

namespace cinch::transport {

Watch::Watch() : event_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  if (!event_) throw system_error(errno, "cannot make an event descriptor", "");
}

void Watch::wake() noexcept {
  const std::uint64_t one = 1;
  // A full counter means that the wake-up is pending already.
  [[maybe_unused]] const ssize_t count = ::write(event_.get(), &one, sizeof one);
}

Watch::Report Watch::wait(int listener, std::span<const int> connections,
                          std::chrono::milliseconds timeout) {
  std::vector<pollfd> polls;
  polls.push_back({.fd = event_.get(), .events = POLLIN, .revents = 0});
  polls.push_back({.fd = listener, .events = POLLIN, .revents = 0});
  for (const int connection : connections) {
    polls.push_back({.fd = connection, .events = 0, .revents = 0});  // POLLHUP comes unasked
  }
  const int count = ::poll(polls.data(), polls.size(), static_cast<int>(timeout.count()));
  if (count < 0 && errno != EINTR) throw system_error(errno, "cannot wait for clients", "");
  Report report;
  if (count <= 0) return report;
  if (polls[0].revents != 0) {
    std::uint64_t wakes = 0;
    [[maybe_unused]] const ssize_t read = ::read(event_.get(), &wakes, sizeof wakes);
  }
  report.can_accept = polls[1].revents != 0;
  for (std::size_t index = 0; index < connections.size(); ++index) {
    if (polls[index + 2].revents != 0) report.hung_up.push_back(index);
  }
  return report;
}

}  // namespace cinch::transport
