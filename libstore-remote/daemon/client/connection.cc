#include "client/connection.hh"

#include "wire/handshake.hh"

#include <cinch/core/error.hh>

#include <chrono>
#include <utility>
#include <vector>

namespace cinch {

using wire::Operation;

Connection::Connection(const DaemonClientOptions& options)
    : store_dir_(options.store_dir),
      settings_(options.settings),
      socket_(transport::Socket::connect(options.socket)),
      in_(*socket_) {
  try {
    shake_hands();
    open_requests_ = 1;
    wait_for_reply();  // the daemon may refuse us in a sentence of its own
    end();
    if (settings_) send_options(*settings_);
  } catch (Error& error) {
    error.add_context("while connecting to the daemon at '" + options.socket + "'");
    throw;
  }
}

void Connection::shake_hands() {
  wire::HandshakeClient handshake(wire::full_offer());
  std::vector<std::byte> input;
  for (;;) {
    switch (handshake.step()) {
      case wire::HandshakeStep::have_output:
        socket_->write(handshake.output());
        handshake.clear_output();
        break;
      case wire::HandshakeStep::need_input:
        input.resize(handshake.needed());
        in_.read_exactly(input);
        handshake.put(input);
        break;
      case wire::HandshakeStep::finished:
        daemon_version_ = handshake.daemon_version();
        dialect_ = {
            .store_dir = store_dir_,
            .minor = handshake.minor(),
            .realisation_with_path =
                handshake.features().contains(std::string(wire::feature_realisation_with_path)),
            .build_end = handshake.features().contains(std::string(wire::feature_build_end))};
        return;
    }
  }
}

void Connection::begin(Operation operation) {
  out_.number(static_cast<std::uint64_t>(operation));
  ++open_requests_;
}

void Connection::send() {
  socket_->write(out_.bytes());
  out_.clear();
}

void Connection::wait_for_reply(const OnMessage& on_message) {
  for (;;) {
    const wire::Message message = wire::read_message(in_);
    if (std::holds_alternative<wire::WorkDone>(message)) return;
    if (const auto* failure = std::get_if<wire::Failure>(&message)) {
      end();  // an error takes the place of the reply
      throw wire::to_error(*failure);
    }
    if (on_message) on_message(message);
  }
}

void Connection::ask_to_keep_going(bool keep_going) {
  if (keep_going == keeps_going_) return;
  Settings settings = settings_.value_or(Settings{});
  settings.keep_going = keep_going;
  send_options(settings);
}

void Connection::send_options(const Settings& settings) {
  begin(Operation::set_options);
  out_.flag(settings.keep_failed);
  out_.flag(settings.keep_going);
  out_.flag(settings.fallback);
  out_.number(static_cast<std::uint64_t>(Verbosity::info));
  out_.number(settings.max_jobs);
  out_.number(static_cast<std::uint64_t>(settings.max_silent_time.count()));
  out_.number(1);                                             // obsolete: use the build hook
  out_.number(static_cast<std::uint64_t>(Verbosity::error));  // builders' output is shown
  out_.number(0);                                             // obsolete: log type
  out_.number(0);                                             // obsolete: print build trace
  out_.number(settings.cores);
  out_.flag(settings.substitute);
  const bool has_timeout = settings.timeout.count() > 0;
  out_.number(has_timeout ? 1 : 0);
  if (has_timeout) {
    out_.text("timeout");
    out_.text(std::to_string(settings.timeout.count()));
  }
  send();
  wait_for_reply();
  end();
  keeps_going_ = settings.keep_going;
}

}  // namespace cinch
