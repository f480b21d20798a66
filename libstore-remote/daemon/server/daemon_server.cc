#include "server/serve_client.hh"
#include "transport/listener.hh"
#include "transport/watch.hh"

#include <cinch/core/error.hh>
#include <cinch/remote/daemon_server.hh>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <list>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

namespace cinch {

DaemonServer::~DaemonServer() = default;

namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr std::chrono::seconds handshake_time_max{30};
constexpr milliseconds accept_pause{200};             // after accept() failed: too many open files
constexpr std::chrono::seconds farewell_time_max{2};  // to send the error that ends an operation

// A client and the thread that serves it. The thread ends before the rest goes away.
struct Client {
  explicit Client(std::unique_ptr<transport::Socket> its_socket) : socket(std::move(its_socket)) {}

  std::unique_ptr<transport::Socket> socket;
  const Clock::time_point deadline = Clock::now() + handshake_time_max;
  std::atomic<bool> greeted = false;
  std::atomic<bool> ended = false;
  bool hung_up = false;
  std::jthread thread;
};

class ThreadedServer final : public DaemonServer {
 public:
  ThreadedServer(Store& store, Realiser& realiser, DaemonServerOptions options);
  void serve(std::stop_token stop) override;

 private:
  void wait();
  void accept();
  void start(std::unique_ptr<transport::Socket> socket);
  void remove_ended();
  void cut_off_silent();
  void end_all();
  std::vector<int> descriptors() const;
  milliseconds time_to_next_deadline() const;
  void log(Verbosity level, std::string_view line);

  Store& store_;
  Realiser& realiser_;
  DaemonServerOptions options_;
  std::mutex log_mutex_;
  std::unique_ptr<transport::Listener> listener_;
  transport::Watch watch_;
  std::optional<Clock::time_point> accept_again_;  // set while accept() pauses
  std::list<Client> clients_;
};

ThreadedServer::ThreadedServer(Store& store, Realiser& realiser, DaemonServerOptions options)
    : store_(store),
      realiser_(realiser),
      options_(std::move(options)),
      listener_(std::make_unique<transport::Listener>(options_.socket)) {
  options_.connections_max = std::max<std::uint32_t>(options_.connections_max, 1);
  // Many threads log: one line at a time.
  if (options_.log) {
    options_.log = [this, inner = std::move(options_.log)](Verbosity level, std::string_view line) {
      const std::lock_guard lock(log_mutex_);
      inner(level, line);
    };
  }
}

void ThreadedServer::serve(std::stop_token stop) {
  if (!listener_)
    throw Error(Code::invalid_argument, "the server has ended").about(options_.socket);
  const std::stop_callback on_stop(stop, [this] { watch_.wake(); });
  while (!stop.stop_requested()) {
    remove_ended();
    cut_off_silent();
    wait();
  }
  end_all();
}

void ThreadedServer::wait() {
  if (accept_again_ && *accept_again_ <= Clock::now()) accept_again_.reset();
  const bool takes_more = clients_.size() < options_.connections_max && !accept_again_;
  const transport::Watch::Report report = watch_.wait(takes_more ? listener_->descriptor() : -1,
                                                      descriptors(), time_to_next_deadline());
  auto client = clients_.begin();
  std::size_t position = 0;
  for (const std::size_t hung_up : report.hung_up) {
    std::advance(client, static_cast<std::ptrdiff_t>(hung_up - position));
    position = hung_up;
    client->hung_up = true;
    client->thread.request_stop();  // ends its builds at once
  }
  if (report.can_accept) accept();
}

// In the order of clients_. Those that hung up stand as -1, or they would be reported for ever.
std::vector<int> ThreadedServer::descriptors() const {
  std::vector<int> numbers;
  for (const Client& client : clients_) {
    numbers.push_back(client.hung_up ? -1 : client.socket->descriptor());
  }
  return numbers;
}

milliseconds ThreadedServer::time_to_next_deadline() const {
  constexpr Clock::time_point never = Clock::time_point::max();
  Clock::time_point next = accept_again_.value_or(never);
  for (const Client& client : clients_) {
    if (client.greeted || client.hung_up) continue;
    next = std::min(next, client.deadline);
  }
  if (next == never) return milliseconds(-1);
  const auto left = std::chrono::ceil<milliseconds>(next - Clock::now());
  return std::max(left, milliseconds(0));
}

void ThreadedServer::accept() {
  try {
    if (auto socket = listener_->accept()) start(std::move(socket));
  } catch (const std::exception& error) {
    // Too many descriptors or threads. The client waits, or sees its connection closed.
    log(Verbosity::error, error.what());
    accept_again_ = Clock::now() + accept_pause;
  }
}

void ThreadedServer::start(std::unique_ptr<transport::Socket> socket) {
  Client& client = clients_.emplace_back(std::move(socket));
  try {
    client.thread = std::jthread([this, &client](const std::stop_token& stop) {
      serve_client({.store = store_,
                    .realiser = realiser_,
                    .options = options_,
                    .socket = *client.socket,
                    .on_greeted = [&client] { client.greeted = true; }},
                   stop);
      client.ended = true;
      watch_.wake();
    });
  } catch (const std::exception&) {
    clients_.pop_back();
    throw;
  }
}

void ThreadedServer::remove_ended() {
  clients_.remove_if([](const Client& client) { return client.ended.load(); });
}

// A client that does not finish its handshake must not take a place for ever.
void ThreadedServer::cut_off_silent() {
  const Clock::time_point now = Clock::now();
  for (Client& client : clients_) {
    if (client.greeted || client.hung_up || now < client.deadline) continue;
    client.hung_up = true;
    client.socket->shutdown();
  }
}

void ThreadedServer::end_all() {
  listener_.reset();
  for (Client& client : clients_) {
    client.thread.request_stop();
    client.socket->shutdown_reading();
  }
  const Clock::time_point deadline = Clock::now() + farewell_time_max;
  for (remove_ended(); !clients_.empty() && Clock::now() < deadline; remove_ended()) {
    watch_.wait(-1, {}, milliseconds(50));
  }
  for (Client& client : clients_) client.socket->shutdown();
  clients_.clear();  // joins
}

void ThreadedServer::log(Verbosity level, std::string_view line) {
  if (options_.log) options_.log(level, line);
}

}  // namespace

std::unique_ptr<DaemonServer> DaemonServer::listen(Store& store, Realiser& realiser,
                                                   const DaemonServerOptions& options) {
  return std::make_unique<ThreadedServer>(store, realiser, options);
}

}  // namespace cinch
