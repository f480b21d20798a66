// daemon.
#include "../context.hh"
#include "../state_directory.hh"
#include "../verbs.hh"

#include <cinch/build/make_realiser.hh>
#include <cinch/core/error.hh>
#include <cinch/remote/daemon_server.hh>

namespace cinch::cli {

namespace {

// Where clients look for a daemon of this store.
std::string socket_name(const Context& context, const Store& store) {
  if (const auto given = context.arguments.value("--socket")) return *given;
  if (const auto given = context.arguments.value("--socket-path")) return *given;
  if (std::string name = context.variable("NIX_DAEMON_SOCKET_PATH"); !name.empty()) {
    return name;
  }
  return state_directory(context, store) + "/daemon-socket/socket";
}

int run_daemon(Context& context) {
  const std::stop_token stop = context.interruption.begin();
  const std::unique_ptr<Store> store = context.open_store();
  const std::unique_ptr<Realiser> realiser = make_realiser(*store, context.settings);
  DaemonServerOptions options;
  options.socket = socket_name(context, *store);
  options.trusted_users = context.settings.trusted_users;
  options.allowed_users = context.settings.allowed_users;
  if (context.has("--force-trusted")) options.force_trust = true;
  if (context.has("--force-untrusted")) options.force_trust = false;
  options.log = [&](Verbosity level, std::string_view line) {
    context.console.message(level, line);
  };
  const std::unique_ptr<DaemonServer> server = DaemonServer::listen(*store, *realiser, options);
  context.console.message(Verbosity::notice, "listening on '" + options.socket + "'");
  server->serve(stop);
  return 0;
}

constexpr Option options[] = {
    {"--socket", "PATH", "where to listen (default: where clients of this store look)"},
    {"--socket-path", "PATH", "the same, as Nix calls it"},
    {"--force-trusted", "", "trust every client that may connect"},
    {"--force-untrusted", "", "trust no client, not even root"},
    {"--daemon", "", "accepted, as nix-daemon takes it"},
};

constexpr Verb table[] = {
    {"daemon", "Serve a store to clients, Nix's among them", "", 0, 0,
     "Speaks Nix's worker protocol on a socket until it is told to stop by SIGTERM or Ctrl-C, "
     "which is a success. Who may connect, and who is trusted, follows from allowed-users and "
     "trusted-users.",
     "cinch daemon --store ./root --socket ./socket\nNIX_REMOTE=unix://$PWD/socket nix store ping",
     options, run_daemon},
};

}  // namespace

constinit const std::span<const Verb> daemon_verbs = table;

}  // namespace cinch::cli
