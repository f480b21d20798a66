#include "transport/address.hh"

#include <cinch/core/error.hh>

#include <cerrno>
#include <cstring>

#include <fcntl.h>

namespace cinch::transport {

std::string directory_of(const std::string& file_name) {
  const std::size_t slash = file_name.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : file_name.substr(0, slash);
}

std::string last_component(const std::string& file_name) {
  return file_name.substr(file_name.rfind('/') + 1);
}

SocketAddress::SocketAddress(const std::string& file_name) {
  std::string name = file_name;
  if (name.size() >= sizeof address_.sun_path) {
    const std::string directory = directory_of(file_name);
    directory_ = Descriptor(::open(directory.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    if (!directory_) throw system_error(errno, "cannot open the directory of a socket", directory);
    name = "/proc/self/fd/" + std::to_string(directory_.get()) + "/" + last_component(file_name);
  }
  if (name.size() >= sizeof address_.sun_path || file_name.empty() ||
      file_name.find('\0') != std::string::npos) {
    throw Error(Code::invalid_argument, "this cannot be the name of a socket")
        .about(file_name)
        .hint("use a shorter name");
  }
  address_.sun_family = AF_UNIX;
  std::memcpy(address_.sun_path, name.c_str(), name.size() + 1);
}

}  // namespace cinch::transport
