#include "transport/listener.hh"

#include "transport/address.hh"

#include <cinch/core/error.hh>
#include <cinch/files/directory.hh>

#include <cerrno>
#include <chrono>
#include <optional>
#include <thread>
#include <utility>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

namespace cinch::transport {
namespace {

constexpr int backlog = 128;
constexpr mode_t directory_mode = 0755;
constexpr mode_t socket_mode = 0666;  // who may do what is decided by who the peer is

constexpr int turn_tries_max = 100;
constexpr std::chrono::milliseconds turn_pause{10};

// Daemons that start or stop at the same time take turns: each holds the lock of the directory.
// Turns take no time, but whoever can read the directory can hold its lock for ever. That must not
// keep a daemon from starting or ending, so after a second it goes on without.
class DirectoryLock {
 public:
  explicit DirectoryLock(int directory) : directory_(directory) {
    for (int tries = 0; tries < turn_tries_max; ++tries) {
      if (::flock(directory_, LOCK_EX | LOCK_NB) == 0) return;
      std::this_thread::sleep_for(turn_pause);
    }
  }
  ~DirectoryLock() { ::flock(directory_, LOCK_UN); }
  DirectoryLock(const DirectoryLock&) = delete;
  DirectoryLock& operator=(const DirectoryLock&) = delete;

 private:
  int directory_;
};

std::optional<struct stat> stat_at(int directory, const std::string& name) {
  struct stat status {};
  if (::fstatat(directory, name.c_str(), &status, AT_SYMLINK_NOFOLLOW) == 0) return status;
  return std::nullopt;
}

bool somebody_listens(const std::string& file_name) {
  try {
    Socket::connect(file_name);
    return true;
  } catch (const Error& error) {
    if (error.code() == Code::disconnected) return false;
    throw;
  }
}

void remove_stale_socket(int directory, const std::string& file_name) {
  const std::string name = last_component(file_name);
  const auto status = stat_at(directory, name);
  if (!status) return;
  if (!S_ISSOCK(status->st_mode)) {
    throw Error(Code::invalid_argument, "this file exists and is not a socket").about(file_name);
  }
  if (somebody_listens(file_name)) {
    throw Error(Code::busy, "another daemon listens on this socket")
        .about(file_name)
        .hint("stop it, or choose another socket");
  }
  if (::unlinkat(directory, name.c_str(), 0) != 0) {
    throw system_error(errno, "cannot remove the socket of a daemon that is gone", file_name);
  }
}

}  // namespace

Listener::Listener(std::string file_name) : file_name_(std::move(file_name)) {
  Directory::create(directory_of(file_name_), directory_mode);
  directory_ =
      Descriptor(::open(directory_of(file_name_).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!directory_) throw system_error(errno, "cannot open the directory of the socket", file_name_);
  const DirectoryLock lock(directory_.get());
  remove_stale_socket(directory_.get(), file_name_);
  descriptor_ = Descriptor(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!descriptor_) throw system_error(errno, "cannot make a socket", file_name_);
  const SocketAddress address(file_name_);
  if (::bind(descriptor_.get(), address.get(), address.size()) != 0) {
    throw system_error(errno, "cannot make the socket", file_name_);
  }
  const std::string name = last_component(file_name_);
  if (const auto status = stat_at(directory_.get(), name)) {
    device_ = status->st_dev;
    inode_ = status->st_ino;
  }
  if (::fchmodat(directory_.get(), name.c_str(), socket_mode, 0) != 0 ||
      ::listen(descriptor_.get(), backlog) != 0) {
    const int reason = errno;
    ::unlinkat(directory_.get(), name.c_str(), 0);
    throw system_error(reason, "cannot listen on the socket", file_name_);
  }
}

Listener::~Listener() {
  const DirectoryLock lock(directory_.get());
  const std::string name = last_component(file_name_);
  const auto status = stat_at(directory_.get(), name);
  if (status && status->st_dev == device_ && status->st_ino == inode_) {
    ::unlinkat(directory_.get(), name.c_str(), 0);
  }
}

std::unique_ptr<Socket> Listener::accept() {
  const int descriptor = ::accept4(descriptor_.get(), nullptr, nullptr, SOCK_CLOEXEC);
  if (descriptor >= 0) return std::make_unique<Socket>(Descriptor(descriptor), "client");
  switch (errno) {
    case EAGAIN:
    case EINTR:
    case ECONNABORTED:
      return nullptr;
    default:
      throw system_error(errno, "cannot accept a connection", file_name_);
  }
}

}  // namespace cinch::transport
