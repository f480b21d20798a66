// One client, after the handshake: what the operations of the table work with.
#pragma once

#include "transport/socket.hh"
#include "wire/decoder.hh"
#include "wire/encoder.hh"
#include "wire/framed.hh"
#include "wire/messages.hh"
#include "wire/protocol.hh"

#include <cinch/core/error.hh>
#include <cinch/core/event.hh>
#include <cinch/core/realiser.hh>
#include <cinch/core/store.hh>

#include <cstdint>
#include <stop_token>
#include <type_traits>
#include <utility>

namespace cinch {

struct OperationEntry;

// Thrown when the client got an error in place of a reply: the operation is over, the connection
// goes on.
struct ErrorSent {};

class Session {
 public:
  struct Parts {
    Store& store;
    Realiser& realiser;
    transport::Socket& socket;
    std::stop_token stop;
  };
  explicit Session(const Parts& parts)
      : store(parts.store),
        realiser(parts.realiser),
        socket(parts.socket),
        stop(parts.stop),
        input_(*this),
        in(input_) {}
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  Store& store;
  Realiser& realiser;
  transport::Socket& socket;
  const std::stop_token stop;  // the client hung up, or the server ends
  wire::Dialect dialect;
  bool trusted = false;

 private:
  // Sends what waits in `out` before it waits for the client.
  class Input final : public Source {
   public:
    explicit Input(Session& session) : session_(session) {}
    ~Input() override = default;
    std::size_t read(std::span<std::byte> buffer) override {
      session_.flush();
      return session_.socket.read(buffer);
    }

   private:
    Session& session_;
  };
  Input input_;

 public:
  wire::Decoder in;
  wire::Encoder out;

  // What SetOptions says.
  Verbosity verbosity = Verbosity::info;
  bool keep_going = false;

  std::uint64_t next_activity = 1;
  const OperationEntry* operation = nullptr;  // the current one

  void flush();

  // The middle of an operation, between its arguments and its reply. An error of the body goes to
  // the client (then this throws ErrorSent); else the client is told that the reply follows.
  template <class Body>
  auto work(Body&& body);
  // As above, for an operation that ends in a stream of frames: whatever the body leaves of it is
  // skipped, so that client and server stay in step.
  template <class Body>
  auto work_on(wire::FramedSource& frames, Body&& body);

 private:
  void check_trust() const;
  [[noreturn]] void refuse(const Error& error);
};

// Runs the body; turns what it throws into an Error for `on_error`, which does not return.
template <class Body, class OnError>
auto run_guarded(Body&& body, OnError&& on_error) {
  try {
    return body();
  } catch (const Error& error) {
    on_error(error);
  } catch (const std::exception& error) {
    on_error(Error(Code::internal, error.what()));
  }
  throw ErrorSent();
}

template <class Body>
auto Session::work(Body&& body) {
  const auto guarded = [&] {
    return run_guarded(
        [&] {
          check_trust();
          return body();
        },
        [&](const Error& error) { refuse(error); });
  };
  if constexpr (std::is_void_v<decltype(body())>) {
    guarded();
    wire::write_message(out, wire::WorkDone{});
  } else {
    auto result = guarded();
    wire::write_message(out, wire::WorkDone{});
    return result;
  }
}

template <class Body>
auto Session::work_on(wire::FramedSource& frames, Body&& body) {
  const auto guarded = [&] {
    return run_guarded(
        [&] {
          check_trust();
          return body();
        },
        [&](const Error& error) {
          try {
            frames.drain();
          } catch (const Error&) {
            throw error;  // the connection is broken, and the first error says why
          }
          refuse(error);
        });
  };
  if constexpr (std::is_void_v<decltype(body())>) {
    guarded();
    frames.drain();
    wire::write_message(out, wire::WorkDone{});
  } else {
    auto result = guarded();
    frames.drain();
    wire::write_message(out, wire::WorkDone{});
    return result;
  }
}

}  // namespace cinch
