// A daemon in a thread of the test, and clients that speak raw bytes to it.
#pragma once

#include "fakes.hh"
#include "scratch.hh"
#include "transport/socket.hh"
#include "wire/decoder.hh"
#include "wire/encoder.hh"
#include "wire/handshake.hh"
#include "wire/messages.hh"
#include "wire/values.hh"

#include <cinch/remote/daemon_client.hh>
#include <cinch/remote/daemon_server.hh>

#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace cinch::test {

class RunningServer {
 public:
  explicit RunningServer(std::uint32_t connections_max = 256) {
    DaemonServerOptions options{.socket = socket(),
                                .connections_max = connections_max,
                                .trusted_users = {},
                                .allowed_users = {"*"},
                                .log = [this](Verbosity, std::string_view line) {
                                  const std::lock_guard lock(log_mutex_);
                                  log_.emplace_back(line);
                                }};
    server_ = DaemonServer::listen(store, realiser, options);
    thread_ = std::jthread([this](std::stop_token stop) { server_->serve(stop); });
  }
  ~RunningServer() { stop(); }

  void stop() {
    thread_.request_stop();
    if (thread_.joinable()) thread_.join();
  }
  std::string socket() const { return scratch.path("dir/socket"); }
  std::unique_ptr<DaemonClient> connect(std::uint32_t connections_max = 8) {
    return DaemonClient::connect(
        {.socket = socket(), .store_dir = StoreDir(), .connections_max = connections_max});
  }
  bool log_has(std::string_view words) {
    const std::lock_guard lock(log_mutex_);
    for (const std::string& line : log_) {
      if (line.find(words) != std::string::npos) return true;
    }
    return false;
  }

  Scratch scratch;
  MemoryStore store;
  FakeRealiser realiser;

 private:
  std::mutex log_mutex_;
  std::vector<std::string> log_;
  std::unique_ptr<DaemonServer> server_;
  std::jthread thread_;
};

// Speaks to a server byte by byte.
class RawClient {
 public:
  explicit RawClient(const std::string& server)
      : socket(transport::Socket::connect(server)), in(*socket) {}
  explicit RawClient(const RunningServer& server) : RawClient(server.socket()) {}

  void send() {
    socket->write(out.bytes());
    out.clear();
  }
  // A handshake as Nix does it, with this version.
  void greet(wire::Minor minor) {
    wire::HandshakeClient handshake({.newest = minor});
    while (handshake.step() != wire::HandshakeStep::finished) {
      if (handshake.step() == wire::HandshakeStep::have_output) {
        socket->write(handshake.output());
        handshake.clear_output();
      } else {
        std::vector<std::byte> input(handshake.needed());
        in.read_exactly(input);
        handshake.put(input);
      }
    }
    expect_done();
  }
  void begin(wire::Operation operation) { out.number(static_cast<std::uint64_t>(operation)); }
  void expect_done() {
    const wire::Message message = wire::read_message(in);
    if (const auto* failure = std::get_if<wire::Failure>(&message)) throw wire::to_error(*failure);
    if (!std::holds_alternative<wire::WorkDone>(message)) {
      throw Error(Code::protocol, "expected the end of the work");
    }
  }

  std::unique_ptr<transport::Socket> socket;
  wire::Decoder in;
  wire::Encoder out;
};

}  // namespace cinch::test
