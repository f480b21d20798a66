#include "transport/socket.hh"

#include "transport/address.hh"

#include <cinch/core/error.hh>

#include <cerrno>
#include <utility>

#include <poll.h>
#include <sys/socket.h>

namespace cinch::transport {

Socket::Socket(Descriptor descriptor, std::string name)
    : descriptor_(std::move(descriptor)), name_(std::move(name)) {}
Socket::~Socket() = default;

std::unique_ptr<Socket> Socket::connect(const std::string& file_name) {
  const auto refuse = [&](int error_number) {
    Error error = system_error(error_number, "cannot connect to the daemon", file_name);
    if (error_number != ENOENT && error_number != ECONNREFUSED) throw error;
    throw Error(Code::disconnected, error.message())
        .about(file_name)
        .hint("start the daemon, or use another store");
  };
  Descriptor descriptor(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!descriptor) throw system_error(errno, "cannot make a socket", file_name);
  try {
    const SocketAddress address(file_name);
    while (::connect(descriptor.get(), address.get(), address.size()) != 0) {
      if (errno != EINTR) refuse(errno);
    }
  } catch (const Error& error) {
    if (error.code() == Code::not_found) refuse(ENOENT);  // not even the directory exists
    throw;
  }
  return std::make_unique<Socket>(std::move(descriptor), file_name);
}

std::size_t Socket::read(std::span<std::byte> buffer) {
  for (;;) {
    const ssize_t count = ::recv(descriptor_.get(), buffer.data(), buffer.size(), 0);
    if (count >= 0) return static_cast<std::size_t>(count);
    if (errno == ECONNRESET) return 0;  // the peer closed without reading all that we sent
    if (errno != EINTR) throw system_error(errno, "cannot read from the socket", name_);
  }
}

void Socket::write(Bytes bytes) {
  while (!bytes.empty()) {
    const ssize_t count = ::send(descriptor_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (count >= 0) {
      bytes = bytes.subspan(static_cast<std::size_t>(count));
    } else if (errno == EPIPE || errno == ECONNRESET) {
      throw Error(Code::disconnected, "the peer closed the connection").about(name_);
    } else if (errno != EINTR) {
      throw system_error(errno, "cannot write to the socket", name_);
    }
  }
}

void Socket::shutdown_reading() noexcept { ::shutdown(descriptor_.get(), SHUT_RD); }
void Socket::shutdown() noexcept { ::shutdown(descriptor_.get(), SHUT_RDWR); }

bool Socket::is_readable() const {
  pollfd poll{.fd = descriptor_.get(), .events = POLLIN, .revents = 0};
  return ::poll(&poll, 1, 0) > 0;
}

PeerCredentials Socket::peer() const {
  ucred credentials{};
  socklen_t size = sizeof credentials;
  if (::getsockopt(descriptor_.get(), SOL_SOCKET, SO_PEERCRED, &credentials, &size) != 0) {
    throw system_error(errno, "cannot ask who the peer is", name_);
  }
  return {.user = credentials.uid, .group = credentials.gid, .process = credentials.pid};
}

}  // namespace cinch::transport
