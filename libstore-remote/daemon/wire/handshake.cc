#include "wire/handshake.hh"

#include "wire/decoder.hh"

#include <cinch/core/error.hh>

#include <algorithm>
#include <utility>

namespace cinch::wire {
namespace {

std::string version_text(std::uint64_t version) {
  return std::to_string(version >> 8) + "." + std::to_string(version & 0xff);
}

std::size_t padded(std::uint64_t size) { return static_cast<std::size_t>((size + 7) / 8 * 8); }

}  // namespace

Offer full_offer() {
  return {.features = {std::string(feature_realisation_with_path), std::string(feature_build_end)}};
}

std::size_t Handshake::needed() const { return item_bytes_ - input_.size(); }

void Handshake::put(Bytes received) { input_ += as_text(received); }

bool Handshake::take_number(std::uint64_t& value) {
  if (input_.size() < 8) return false;
  StringSource source(input_);
  value = Decoder(source).number();
  input_.clear();
  item_bytes_ = 8;
  return true;
}

bool Handshake::take_text(std::string& value) {
  if (input_.size() < 8) return false;
  StringSource source(input_);
  Decoder decoder(source);
  if (input_.size() == 8) item_bytes_ = 8 + padded(decoder.number(name_bytes_max, "a length"));
  if (input_.size() < item_bytes_) return false;
  StringSource whole(input_);
  value = Decoder(whole).text(name_bytes_max);
  input_.clear();
  item_bytes_ = 8;
  return true;
}

bool Handshake::take_features() {
  if (!features_started_) {
    if (!take_number(features_left_)) return false;
    if (features_left_ > feature_count_max) {
      throw Error(Code::limit_exceeded, "the peer has " + std::to_string(features_left_) +
                                            " features, more than the allowed " +
                                            std::to_string(feature_count_max));
    }
    features_started_ = true;
  }
  std::string feature;
  while (features_left_ > 0) {
    if (!take_text(feature)) return false;
    if (offer_.features.contains(feature)) features_.insert(feature);
    --features_left_;
  }
  return true;
}

void Handshake::negotiate(std::uint64_t peer_version) {
  const auto peer_minor = static_cast<Minor>(peer_version & 0xff);
  if (peer_version >> 8 != protocol_major || peer_minor < offer_.oldest) {
    throw Error(Code::not_supported, "the peer speaks version " + version_text(peer_version) +
                                         " of the worker protocol, but this side speaks " +
                                         version_text(version_number(offer_.oldest)) + " to " +
                                         version_text(version_number(offer_.newest)));
  }
  minor_ = std::min(peer_minor, offer_.newest);
}

HandshakeStep HandshakeClient::step() {
  while (out().empty() && state_ != State::finished && advance()) {
  }
  if (!out().empty()) return HandshakeStep::have_output;
  return state_ == State::finished ? HandshakeStep::finished : HandshakeStep::need_input;
}

// One transition; false if the input for it is not there yet.
bool HandshakeClient::advance() {
  std::uint64_t number = 0;
  switch (state_) {
    case State::start:
      out().number(client_magic);
      state_ = State::magic;
      return true;
    case State::magic:
      if (!take_number(number)) return false;
      if (number != server_magic) {
        throw Error(Code::protocol, "what listens there is not a Nix daemon");
      }
      state_ = State::version;
      return true;
    case State::version:
      if (!take_number(number)) return false;
      negotiate(number);
      out().number(version_number(offer().newest));
      if (minor() >= since_features) out().texts(offer().features);
      state_ = State::features;
      return true;
    case State::features:
      if (minor() >= since_features && !take_features()) return false;
      out().number(0);  // no cpu affinity
      out().number(0);  // reserve no space
      state_ = State::greeting;
      return true;
    case State::greeting:
      if (minor() >= since_daemon_version && !take_text(daemon_version_)) return false;
      state_ = State::trust;
      return true;
    case State::trust:
      if (minor() >= since_trust) {
        if (!take_number(number)) return false;
        if (number <= static_cast<std::uint64_t>(Trust::not_trusted)) {
          trust_ = static_cast<Trust>(number);
        }
      }
      state_ = State::finished;
      return true;
    case State::finished:
      break;
  }
  return false;
}

HandshakeStep HandshakeServer::step() {
  while (out().empty() && state_ != State::finished && advance()) {
  }
  if (!out().empty()) return HandshakeStep::have_output;
  return state_ == State::finished ? HandshakeStep::finished : HandshakeStep::need_input;
}

bool HandshakeServer::advance() {
  std::uint64_t number = 0;
  switch (state_) {
    case State::magic:
      if (!take_number(number)) return false;
      if (number != client_magic) throw Error(Code::protocol, "the peer is not a Nix client");
      // At once: old clients send their version only after they got this one.
      out().number(server_magic);
      out().number(version_number(offer().newest));
      state_ = State::version;
      return true;
    case State::version:
      if (!take_number(number)) return false;
      negotiate(number);
      state_ = minor() >= since_features ? State::features : State::affinity;
      return true;
    case State::features:
      if (!take_features()) return false;
      out().texts(offer().features);
      state_ = State::affinity;
      return true;
    case State::affinity:
      if (!take_number(number)) return false;
      state_ = number != 0 ? State::cpu : State::reserve;
      return true;
    case State::cpu:
      if (!take_number(number)) return false;
      state_ = State::reserve;
      return true;
    case State::reserve:
      if (!take_number(number)) return false;
      if (minor() >= since_daemon_version) out().text(greeting_.daemon_version);
      if (minor() >= since_trust) out().number(static_cast<std::uint64_t>(greeting_.trust));
      state_ = State::finished;
      return true;
    case State::finished:
      break;
  }
  return false;
}

}  // namespace cinch::wire
