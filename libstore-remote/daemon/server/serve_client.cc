#include "server/serve_client.hh"

#include "server/access.hh"
#include "server/operations.hh"
#include "server/session.hh"
#include "wire/handshake.hh"

#include <cinch/core/error.hh>

#include <string>
#include <vector>

#include <unistd.h>

namespace cinch {
namespace {

constexpr std::string_view daemon_version = "cinch-" CINCH_VERSION;
constexpr std::size_t replies_bytes_max = std::size_t{256} << 10;

struct Peer {
  Access access;
  std::string text;  // for the log
};

Peer identify(const ClientContext& context) {
  const transport::PeerCredentials credentials = context.socket.peer();
  const User user = look_up_user(credentials);
  const AccessRules rules{.trusted_users = context.options.trusted_users,
                          .allowed_users = context.options.allowed_users,
                          .own_user = ::geteuid(),
                          .force_trust = context.options.force_trust};
  return {
      .access = decide_access(rules, credentials, user),
      .text = "process " + std::to_string(credentials.process) + " of user '" + user.name + "'"};
}

wire::Dialect shake_hands(Session& session, wire::HandshakeServer& handshake) {
  std::vector<std::byte> input;
  for (;;) {
    switch (handshake.step()) {
      case wire::HandshakeStep::have_output:
        session.socket.write(handshake.output());
        handshake.clear_output();
        break;
      case wire::HandshakeStep::need_input:
        input.resize(handshake.needed());
        session.in.read_exactly(input);
        handshake.put(input);
        break;
      case wire::HandshakeStep::finished:
        const auto has = [&](std::string_view feature) {
          return handshake.features().contains(std::string(feature));
        };
        return {.store_dir = session.store.store_dir(),
                .minor = handshake.minor(),
                .realisation_with_path = has(wire::feature_realisation_with_path),
                .build_end = has(wire::feature_build_end)};
    }
  }
}

// False if the client was turned away.
bool greet(const ClientContext& context, const Peer& peer, Session& session) {
  session.trusted = peer.access == Access::trusted;
  wire::HandshakeServer handshake(
      wire::full_offer(),
      {.daemon_version = std::string(daemon_version),
       .trust = session.trusted ? wire::Trust::trusted : wire::Trust::not_trusted});
  try {
    session.dialect = shake_hands(session, handshake);
  } catch (const Error& error) {
    if (error.code() == Code::not_supported) {
      wire::write_old_failure(session.out, error.what());
      session.flush();
    }
    throw;
  }
  context.on_greeted();
  if (peer.access == Access::refused) {
    const Error error =
        Error(Code::permission_denied, peer.text + " is not allowed to connect to the daemon")
            .hint("ask for a place in its setting allowed-users");
    wire::write_message(session.out, wire::to_failure(error));
  } else {
    wire::write_message(session.out, wire::WorkDone{});
  }
  session.flush();
  return peer.access != Access::refused;
}

void run_operation(Session& session, std::uint64_t number) {
  session.operation = find_operation(number);
  if (!session.operation) {
    throw Error(Code::protocol, "there is no operation with the number " + std::to_string(number));
  }
  try {
    session.operation->run(session);
  } catch (const ErrorSent&) {
    return;
  } catch (Error& error) {
    error.add_context("in the operation '" + std::string(session.operation->name) + "'");
    throw;
  }
  if (session.out.size() > replies_bytes_max) session.flush();
}

// The client learns why its connection ends, if it still listens.
void send_last_error(Session& session, const Error& error) {
  try {
    wire::write_message(session.out, wire::to_failure(error));
    session.flush();
  } catch (const Error& gone) {
    if (gone.code() != Code::disconnected) throw;
  }
}

void serve_operations(Session& session) {
  try {
    while (!session.stop.stop_requested() && !session.in.at_end()) {
      run_operation(session, session.in.number());
    }
    session.flush();
  } catch (const Error& error) {
    if (error.code() != Code::disconnected) send_last_error(session, error);
    throw;
  }
}

void serve(const ClientContext& context, const std::stop_token& stop) {
  const Peer peer = identify(context);
  const auto log = [&](Verbosity level, const std::string& what) {
    if (context.options.log) context.options.log(level, peer.text + " " + what);
  };
  try {
    Session session({.store = context.store,
                     .realiser = context.realiser,
                     .socket = context.socket,
                     .stop = stop});
    if (!greet(context, peer, session)) return log(Verbosity::warn, "is not allowed to connect");
    log(Verbosity::info, session.trusted ? "connected (trusted)" : "connected");
    serve_operations(session);
    log(Verbosity::info, "left");
  } catch (const Error& error) {
    const bool left = error.code() == Code::disconnected;
    log(left ? Verbosity::info : Verbosity::warn,
        (left ? "left early: " : "was cut off: ") + std::string(error.what()));
  } catch (const std::exception& error) {
    log(Verbosity::error, "was cut off: " + std::string(error.what()));
  }
}

}  // namespace

void serve_client(const ClientContext& context, const std::stop_token& stop) noexcept {
  try {
    serve(context, stop);
  } catch (const std::exception& error) {
    if (context.options.log) context.options.log(Verbosity::error, error.what());
  }
}

}  // namespace cinch
