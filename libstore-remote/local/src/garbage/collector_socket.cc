#include "collector_socket.hh"

#include <cinch/core/error.hh>

#include <cerrno>
#include <cstring>
#include <utility>

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

Directory open_or_make(const Directory& state) {
  return state.stat(directory_name) ? state.open_directory(directory_name)
                                    : state.make_directory(directory_name, 0755);
}

// A socket with a name of its own, which is removed at the end.
class BoundSocket {
 public:
  explicit BoundSocket(const Directory& directory)
      : descriptor(make_socket(SOCK_NONBLOCK, directory.name_of(socket_name))),
        directory_(directory),
        name_(std::string(socket_name) + ".tmp-" + std::to_string(::gettid())) {
    directory.remove_tree(name_);
    const struct sockaddr_un address = address_below(directory, name_);
    // Everyone who may use the store may name roots.
    if (::bind(descriptor.get(), reinterpret_cast<const struct sockaddr*>(&address),
               sizeof address) != 0 ||
        ::fchmodat(directory.get(), name_.c_str(), 0666, 0) != 0) {
      throw system_error(errno, "cannot bind a socket", directory.name_of(name_));
    }
  }
  BoundSocket(const BoundSocket&) = delete;
  BoundSocket& operator=(const BoundSocket&) = delete;
  ~BoundSocket() { (void)::unlinkat(directory_.get(), name_.c_str(), 0); }
  const std::string& name() const { return name_; }

  Descriptor descriptor;

 private:
  const Directory& directory_;
  std::string name_;
};

}  // namespace

std::string collector_socket_name(const Directory& state) {
  return state.name_of(directory_name) + "/" + socket_name;
}

void prepare_collector_socket(const Directory& state) {
  const Directory directory = open_or_make(state);
  if (directory.stat(socket_name)) return;
  const BoundSocket socket(directory);
  // Unless another process has made one by now.
  if (::linkat(directory.get(), socket.name().c_str(), directory.get(), socket_name, 0) != 0 &&
      errno != EEXIST) {
    throw system_error(errno, "cannot create", directory.name_of(socket_name));
  }
}

Descriptor listen_as_collector(const Directory& state) {
  const Directory directory = open_or_make(state);
  BoundSocket socket(directory);
  if (::listen(socket.descriptor.get(), backlog) != 0) {
    throw system_error(errno, "cannot listen on", directory.name_of(socket_name));
  }
  directory.rename(socket.name(), directory, socket_name);
  return std::move(socket.descriptor);
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
