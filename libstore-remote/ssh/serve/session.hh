// One client of the serve protocol, from its first byte to its last.
#pragma once

#include "serve/protocol.hh"
#include "wire/decoder.hh"
#include "wire/encoder.hh"
#include "wire/protocol.hh"

#include <cinch/remote/serve_pipe.hh>

#include <stop_token>

namespace cinch::serve {

class Session {
 public:
  struct Parts {
    Store& store;
    Source& input;
    Sink& output;
    const ServeOptions& options;
    int output_descriptor = -1;  // watched while something is built; -1: nothing to watch
    std::stop_token stop{};
  };
  // All of it must outlive the session.
  explicit Session(const Parts& parts);
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  // As serve_pipe().
  void run();

  // What commands work with.
  Store& store;
  Sink& output;
  const ServeOptions& options;
  const int output_descriptor;
  const std::stop_token stop;
  wire::Decoder in;
  wire::Encoder out;  // sent when a command is done
  const wire::Dialect dialect;
  Minor minor = oldest_minor;  // what both ends speak

  // Sends what waits in `out`, now.
  void flush();

 private:
  void greet();
  void run_command(std::uint64_t number);
};

}  // namespace cinch::serve
