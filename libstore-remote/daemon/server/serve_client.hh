// One client from its first byte to its last.
#pragma once

#include "transport/socket.hh"

#include <cinch/remote/daemon_server.hh>

#include <functional>
#include <stop_token>

namespace cinch {

struct ClientContext {
  Store& store;
  Realiser& realiser;
  const DaemonServerOptions& options;
  transport::Socket& socket;
  std::function<void()> on_greeted;  // called when the handshake is over
};

// Returns when the client has left, or broke the protocol, or a stop was requested. Never throws.
// Reports to `options.log`, which must bear several threads.
void serve_client(const ClientContext& context, const std::stop_token& stop) noexcept;

}  // namespace cinch
