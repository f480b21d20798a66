#include "root_server.hh"

#include "collector_socket.hh"

#include <cinch/core/error.hh>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <optional>
#include <utility>

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

namespace cinch::local {

namespace {

constexpr std::size_t clients_max = 1000;
constexpr std::size_t line_bytes_max = 4096;  // no path is longer
// How soon after its answer a client has written the root into its file, if it can be seen that it
// has not, and if it cannot be seen; and how often to look. A busy machine may take long.
constexpr auto written_within = std::chrono::milliseconds(5000);
constexpr auto unknown_within = std::chrono::milliseconds(100);
constexpr auto look_interval = std::chrono::milliseconds(2);
constexpr int retry_ms = 20;  // for clients whose path is being deleted

// In this process's view; 0 if it has none of that one.
pid_t process_behind(const Descriptor& socket) {
  struct ucred credentials = {};
  socklen_t size = sizeof credentials;
  const int result = ::getsockopt(socket.get(), SOL_SOCKET, SO_PEERCRED, &credentials, &size);
  return result == 0 ? credentials.pid : 0;
}

}  // namespace

RootServer::RootServer(const Directory& state, StoreDir store_dir, Protect protect)
    : state_(state),
      store_dir_(std::move(store_dir)),
      protect_(std::move(protect)),
      listener_(listen_as_collector(state)),
      wake_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  if (!wake_) throw system_error(errno, "cannot create an event counter", state.name());
  thread_ = std::thread([this] { serve(); });
}

RootServer::~RootServer() {
  const std::uint64_t one = 1;
  (void)!::write(wake_.get(), &one, sizeof one);
  thread_.join();
  wait_for_roots();
}

// Nix writes a root into its file only after the answer, Cinch before it asks. If the next
// collector started before that, it would not see it.
void RootServer::wait_for_roots() {
  for (;;) {
    const RootsWritten written = look_for_roots();
    const auto wait_max = written == RootsWritten::not_yet ? written_within : unknown_within;
    if (written == RootsWritten::yes || Clock::now() >= last_answer_ + wait_max) return;
    std::this_thread::sleep_for(look_interval);
  }
}

// Whether all who were answered have written their roots.
RootsWritten RootServer::look_for_roots() try {
  RootsWritten all = RootsWritten::yes;
  std::erase_if(answered_, [&](const auto& client) {
    const RootsWritten one = find_temporary_roots(state_, store_dir_, client.first, client.second);
    if (one != RootsWritten::yes && all != RootsWritten::not_yet) all = one;
    return one == RootsWritten::yes;
  });
  return all;
} catch (const Error&) {
  return RootsWritten::unknown;
}

void RootServer::serve() {
  for (;;) {
    std::vector<struct pollfd> waits = {{wake_.get(), POLLIN, 0}};
    const bool room = clients_.size() < clients_max;
    waits.push_back({room ? listener_.get() : -1, POLLIN, 0});
    bool waiting = false;
    for (const Client& client : clients_) {
      const bool has_line = client.received.find('\n') != std::string::npos;
      waiting = waiting || has_line;
      waits.push_back({client.socket.get(), static_cast<short>(has_line ? 0 : POLLIN), 0});
    }
    if (::poll(waits.data(), waits.size(), waiting ? retry_ms : -1) < 0 && errno != EINTR) return;
    if (waits[0].revents != 0) return;
    std::size_t at = 2;
    std::erase_if(clients_, [&](Client& client) {
      const short events = waits[at++].revents;
      if ((events & (POLLERR | POLLNVAL)) != 0) return true;
      return (events != 0 && !receive(client)) || !answer(client);
    });
    if (waits[1].revents != 0) accept_clients();
  }
}

void RootServer::accept_clients() {
  while (clients_.size() < clients_max) {
    Descriptor socket(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (!socket) return;
    const pid_t process = process_behind(socket);
    clients_.push_back({std::move(socket), process, {}});
  }
}

bool RootServer::receive(Client& client) const {
  std::array<char, line_bytes_max> piece;
  const ssize_t size = ::recv(client.socket.get(), piece.data(), piece.size(), 0);
  if (size < 0) return errno == EAGAIN || errno == EINTR;
  client.received.append(piece.data(), static_cast<std::size_t>(size));
  return size > 0 && client.received.size() <= 2 * line_bytes_max;
}

// Answers all lines that can be answered by now.
bool RootServer::answer(Client& client) {
  for (;;) {
    const std::size_t end = client.received.find('\n');
    if (end == std::string::npos) return client.received.size() <= line_bytes_max;
    const std::string_view line = std::string_view(client.received).substr(0, end);
    const std::optional<StorePath> path = store_dir_.containing(line);
    if (!path || store_dir_.print(*path) != line) return false;
    if (!protect_(*path)) return true;
    client.received.erase(0, end + 1);
    answered_[client.process].insert(*path);
    if (::send(client.socket.get(), "1", 1, MSG_NOSIGNAL) != 1) return false;
    last_answer_ = Clock::now();
  }
}

}  // namespace cinch::local
