// The beginning of a connection, as two step machines without I/O.
//
//   client                            server
//   magic                          ->
//                                  <- magic, version     (without waiting for the client's)
//   version                        ->
//   [1.38] features                ->
//                                  <- [1.38] features
//   0 (cpu affinity), 0 (reserve)  ->
//                                  <- [1.33] daemon's version, [1.35] trust
//                                  <- messages, then "work done" (read by the caller)
#pragma once

#include "wire/encoder.hh"
#include "wire/protocol.hh"

#include <cinch/core/stream.hh>

#include <cstdint>
#include <set>
#include <string>
#include <vector>

namespace cinch::wire {

struct Offer {
  Minor oldest = oldest_minor;
  Minor newest = newest_minor;
  std::set<std::string> features;
};
// Everything that this implementation has.
Offer full_offer();

enum class HandshakeStep : std::uint8_t { need_input, have_output, finished };

// What both machines share: bytes wait here until an item is complete.
class Handshake {
 public:
  // After need_input: how many bytes the current item still lacks. Never more than belong to the
  // handshake.
  std::size_t needed() const;
  void put(Bytes received);  // REQUIRES: at most needed() bytes
  Bytes output() const { return output_.bytes(); }
  void clear_output() { output_.clear(); }

  Minor minor() const { return minor_; }
  const std::set<std::string>& features() const { return features_; }

 protected:
  explicit Handshake(Offer offer) : offer_(std::move(offer)) {}
  ~Handshake() = default;

  // Takes the next item if it is complete.
  bool take_number(std::uint64_t& value);
  bool take_text(std::string& value);
  bool take_features();  // sets features() to what both have
  Encoder& out() { return output_; }
  const Offer& offer() const { return offer_; }
  void negotiate(std::uint64_t peer_version);

 private:
  Offer offer_;
  Encoder output_;
  std::string input_;
  std::size_t item_bytes_ = 8;
  std::uint64_t features_left_ = 0;
  bool features_started_ = false;
  Minor minor_ = 0;
  std::set<std::string> features_;
};

class HandshakeClient final : public Handshake {
 public:
  explicit HandshakeClient(Offer offer) : Handshake(std::move(offer)) {}
  // Throws Code::protocol (not a daemon), Code::not_supported (no common version).
  HandshakeStep step();
  const std::string& daemon_version() const { return daemon_version_; }
  Trust trust() const { return trust_; }

 private:
  enum class State : std::uint8_t { start, magic, version, features, greeting, trust, finished };
  bool advance();

  State state_ = State::start;
  std::string daemon_version_;
  Trust trust_ = Trust::unknown;
};

class HandshakeServer final : public Handshake {
 public:
  struct Greeting {
    std::string daemon_version;
    Trust trust;
  };
  HandshakeServer(Offer offer, Greeting greeting)
      : Handshake(std::move(offer)), greeting_(std::move(greeting)) {}
  // Throws Code::protocol (not a client), Code::not_supported (too old).
  HandshakeStep step();

 private:
  enum class State : std::uint8_t { magic, version, features, affinity, cpu, reserve, finished };
  bool advance();

  State state_ = State::magic;
  Greeting greeting_;
};

}  // namespace cinch::wire
