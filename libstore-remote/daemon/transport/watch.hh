// Waits for what concerns a server as a whole: new clients, clients that hang up, and calls from
// other threads.
#pragma once

#include <cinch/files/descriptor.hh>

#include <chrono>
#include <cstddef>
#include <span>
#include <vector>

namespace cinch::transport {

class Watch {
 public:
  Watch();
  // Ends the wait that is running, or the next one; from any thread.
  void wake() noexcept;

  struct Report {
    bool can_accept = false;
    std::vector<std::size_t> hung_up;  // positions in `connections`
  };
  // `listener` is a descriptor, or -1 to leave new clients waiting. A client that only stopped
  // sending has not hung up.
  Report wait(int listener, std::span<const int> connections, std::chrono::milliseconds timeout);

 private:
  Descriptor event_;
};

}  // namespace cinch::transport
