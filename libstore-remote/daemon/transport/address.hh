// The address of a socket file, whatever the length of its name: sockaddr_un has room for 107
// bytes, so a longer name goes through a descriptor of its directory.
#pragma once

#include <cinch/files/descriptor.hh>

#include <string>

#include <sys/socket.h>
#include <sys/un.h>

namespace cinch::transport {

class SocketAddress {
 public:
  // Throws Code::invalid_argument if even the last component is too long.
  explicit SocketAddress(const std::string& file_name);

  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&address_); }
  socklen_t size() const { return sizeof address_; }

 private:
  Descriptor directory_;  // keeps the short name meaningful
  sockaddr_un address_{};
};

// The directory part of a file name ("." if there is none) and the last component.
std::string directory_of(const std::string& file_name);
std::string last_component(const std::string& file_name);

}  // namespace cinch::transport
