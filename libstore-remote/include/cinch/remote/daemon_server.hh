// Serves a store over the worker protocol: one process, many connections, a thread for each.
#pragma once

#include <cinch/core/export.hh>
#include <cinch/core/realiser.hh>
#include <cinch/core/settings.hh>
#include <cinch/core/store.hh>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>

namespace cinch {

struct DaemonServerOptions {
  std::string socket;                      // created; removed at the end
  std::uint32_t connections_max = 256;     // more clients wait to be accepted
  std::vector<std::string> trusted_users;  // names, "@group", "*"
  std::vector<std::string> allowed_users;
  std::optional<bool> force_trust;  // if set: all who may connect are trusted, or none is, not even
                                    // root and the daemon's own user
  // Gets one line for each connection that begins, ends or fails.
  std::function<void(Verbosity, std::string_view)> log;
};

class CINCH_REMOTE_API DaemonServer {
 public:
  // Binds the socket. Store and realiser must outlive it. Throws Code::busy if another daemon
  // listens there already.
  static std::unique_ptr<DaemonServer> listen(Store& store, Realiser& realiser,
                                              const DaemonServerOptions& options);
  virtual ~DaemonServer();
  // Serves until a stop is requested; then ends the connections, which cancels their operations,
  // and returns when all are gone.
  virtual void serve(std::stop_token stop) = 0;
};

}  // namespace cinch
