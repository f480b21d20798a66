#include "serve/pipe.hh"

#include <cinch/core/cancellation.hh>
#include <cinch/core/error.hh>

#include <cerrno>
#include <utility>

#include <poll.h>
#include <unistd.h>

namespace cinch::serve {
namespace {

constexpr std::chrono::milliseconds for_ever{-1};

}  // namespace

PipeSource::PipeSource(int descriptor, std::stop_token stop)
    : descriptor_(descriptor), stop_(std::move(stop)) {}
PipeSource::~PipeSource() = default;

std::size_t PipeSource::read(std::span<std::byte> buffer) {
  const std::stop_callback on_stop(stop_, [this] { watch_.wake(); });
  for (;;) {
    check_cancelled(stop_);
    if (!watch_.wait(descriptor_, {}, for_ever).can_accept) continue;
    const ssize_t count = ::read(descriptor_, buffer.data(), buffer.size());
    if (count >= 0) return static_cast<std::size_t>(count);
    if (errno != EINTR && errno != EAGAIN) {
      throw system_error(errno, "cannot read from the client", "");
    }
  }
}

PipeSink::~PipeSink() = default;

void PipeSink::write(Bytes bytes) {
  while (!bytes.empty()) {
    const ssize_t count = ::write(descriptor_, bytes.data(), bytes.size());
    if (count >= 0) {
      bytes = bytes.subspan(static_cast<std::size_t>(count));
    } else if (errno == EPIPE || errno == ECONNRESET) {
      throw Error(Code::disconnected, "the client has gone away");
    } else if (errno == EAGAIN) {
      pollfd poll{.fd = descriptor_, .events = POLLOUT, .revents = 0};
      ::poll(&poll, 1, -1);
    } else if (errno != EINTR) {
      throw system_error(errno, "cannot write to the client", "");
    }
  }
}

}  // namespace cinch::serve
