#include "collector_socket.hh"

#include <cinch/core/error.hh>

#include <cerrno>
#include <cstring>

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

namespace cinch::local {

namespace {

constexpr const char* directory_name = "gc-socket";
constexpr const char* socket_name = "socket";
constexpr int backlog = 100;

// By way of an open directory: the full name may be longer than a socket address can be.
struct sockaddr_un address_below(const Directory& directory, const std::string& rest) {
  const std::string name = "/proc/self/fd/" + std::to_string(directory.get()) + "/" + rest;
  struct sockaddr_un address = {};
  static_assert(sizeof address.sun_path >= 64);
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, name.c_str(), name.size() + 1);
  return address;
}

Descriptor make_socket(int flags, const std::string& subject) {
  Descriptor socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | flags, 0));
  if (!socket) throw system_error(errno, "cannot create a socket", subject);
  return socket;
}

}  // namespace

std::string collector_socket_name(const Directory& state) {
  return state.name_of(directory_name) + "/" + socket_name;
}

Descriptor listen_as_collector(const Directory& state) {
  const Directory directory = state.stat(directory_name)
                                  ? state.open_directory(directory_name)
                                  : state.make_directory(directory_name, 0755);
  const std::string subject = directory.name_of(socket_name);
  if (directory.stat(socket_name)) directory.unlink(socket_name);
  Descriptor listener = make_socket(SOCK_NONBLOCK, subject);
  const struct sockaddr_un address = address_below(directory, socket_name);
  // Everyone who may use the store may name roots.
  if (::bind(listener.get(), reinterpret_cast<const struct sockaddr*>(&address), sizeof address) !=
          0 ||
      ::fchmodat(directory.get(), socket_name, 0666, 0) != 0 ||
      ::listen(listener.get(), backlog) != 0) {
    throw system_error(errno, "cannot listen on", subject);
  }
  return listener;
}

void remove_collector_socket(const Directory& state) noexcept {
  const std::string name = std::string(directory_name) + "/" + socket_name;
  (void)::unlinkat(state.get(), name.c_str(), 0);
}

Descriptor connect_to_collector(const Directory& state) {
  Descriptor socket = make_socket(0, collector_socket_name(state));
  const struct sockaddr_un address =
      address_below(state, std::string(directory_name) + "/" + socket_name);
  if (::connect(socket.get(), reinterpret_cast<const struct sockaddr*>(&address), sizeof address) ==
      0) {
    return socket;
  }
  if (errno == ECONNREFUSED || errno == ENOENT) return {};
  throw system_error(errno, "cannot reach the garbage collector that is running",
                     collector_socket_name(state));
}

}  // namespace cinch::local
