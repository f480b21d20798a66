// One connection to a daemon, after the handshake: requests out, messages and replies in.
#pragma once

#include "transport/socket.hh"
#include "wire/decoder.hh"
#include "wire/encoder.hh"
#include "wire/messages.hh"
#include "wire/protocol.hh"

#include <cinch/core/settings.hh>
#include <cinch/remote/daemon_client.hh>

#include <functional>
#include <memory>
#include <optional>
#include <string>

namespace cinch {

class Connection {
 public:
  // Connects and shakes hands.
  explicit Connection(const DaemonClientOptions& options);

  const wire::Dialect& dialect() const { return dialect_; }
  const std::string& daemon_version() const { return daemon_version_; }

  // A request is begun, its arguments are added to out(), and send() sends what is there. Several
  // requests may be sent before the first reply is read.
  void begin(wire::Operation operation);
  wire::Encoder& out() { return out_; }
  void send();
  // The socket itself, for what follows a request that was sent.
  Sink& raw_out() { return *socket_; }

  // Reads messages up to the reply, which is then read from in(). Throws the error that the daemon
  // reports instead. `on_message` gets everything in between.
  using OnMessage = std::function<void(const wire::Message&)>;
  void wait_for_reply(const OnMessage& on_message = {});
  wire::Decoder& in() { return in_; }
  // Says that the reply was read.
  void end() { --open_requests_; }
  // Whether every request has had its whole reply: only then can the connection be used again.
  bool is_idle() const { return open_requests_ == 0; }
  // Whether an idle connection is still what it was: no end, no bytes that nobody asked for.
  bool is_fresh() const { return is_idle() && in_.buffered() == 0 && !socket_->is_readable(); }

  // Whether the daemon has something to say while a stream is sent.
  bool has_message() const { return in_.buffered() > 0 || socket_->is_readable(); }
  // Makes everyone who waits on this connection return with an error; from any thread.
  void shutdown() noexcept { socket_->shutdown(); }

  // Makes the daemon keep going after a failed build, or not, if it does not already.
  void ask_to_keep_going(bool keep_going);

 private:
  void shake_hands();
  void send_options(const Settings& settings);

  StoreDir store_dir_;
  std::optional<Settings> settings_;
  std::unique_ptr<transport::Socket> socket_;
  wire::Decoder in_;
  wire::Encoder out_;
  wire::Dialect dialect_;
  std::string daemon_version_;
  std::uint64_t open_requests_ = 0;
  bool keeps_going_ = false;
};

}  // namespace cinch
