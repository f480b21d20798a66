// The client against a daemon that speaks an older protocol than ours does.
#include "catch.hh"
#include "client/realisation_order.hh"
#include "running_server.hh"
#include "transport/listener.hh"

#include <algorithm>
#include <string>
#include <thread>
#include <vector>

#include <poll.h>

namespace cinch::test {
namespace {

constexpr wire::Minor minor_of_nix_2_8 = 34;
constexpr int patience_ms = 10'000;

HashedRealisation numbered(char digit, const std::string& needs = "") {
  const auto key = [](char of) {
    return HashedRealisationKey::parse("sha256:" + std::string(64, of) + "!out");
  };
  const StorePath path = StorePath::parse("g1w7hy3qg1w7hy3qg1w7hy3qg1w7hy3q-x");
  HashedRealisation made{.key = key(digit), .path = path, .signatures = {}, .dependencies = {}};
  for (const char one : needs) made.dependencies.emplace(key(one), path);
  return made;
}

// What tells them apart.
template <class Realisations>
std::string digits(const Realisations& realisations) {
  std::string text;
  for (const HashedRealisation* one : realisations) {
    text += one->key.to_string().at(std::string_view("sha256:").size());
  }
  return text;
}

// Takes realisations from one client, until it leaves.
class OldDaemon {
 public:
  explicit OldDaemon(const std::string& socket) : listener_(socket), thread_([this] { serve(); }) {}

  // REQUIRES: the client has left.
  std::vector<HashedRealisation> registered() {
    thread_.join();
    return registered_;
  }

 private:
  void serve() {
    pollfd client{.fd = listener_.descriptor(), .events = POLLIN, .revents = 0};
    if (::poll(&client, 1, patience_ms) != 1) return;
    const auto socket = listener_.accept();
    wire::Decoder in(*socket);
    greet(*socket, in);
    const wire::Dialect dialect{.minor = minor_of_nix_2_8};
    try {
      while (in.number() ==
             static_cast<std::uint64_t>(wire::Operation::register_derivation_output)) {
        registered_.push_back(wire::read_hashed_realisation(in, dialect));
        say_done(*socket);
      }
    } catch (const Error&) {
      return;  // it has left
    }
  }

  static void greet(transport::Socket& socket, wire::Decoder& in) {
    wire::HandshakeServer handshake({.newest = minor_of_nix_2_8},
                                    {.daemon_version = "2.8.0", .trust = wire::Trust::unknown});
    while (handshake.step() != wire::HandshakeStep::finished) {
      if (handshake.step() == wire::HandshakeStep::have_output) {
        socket.write(handshake.output());
        handshake.clear_output();
      } else {
        std::vector<std::byte> input(handshake.needed());
        in.read_exactly(input);
        handshake.put(input);
      }
    }
    say_done(socket);
  }

  static void say_done(transport::Socket& socket) {
    wire::Encoder out;
    wire::write_message(out, wire::WorkDone{});
    socket.write(out.bytes());
  }

  transport::Listener listener_;
  std::vector<HashedRealisation> registered_;
  std::jthread thread_;
};

}  // namespace

TEST_CASE("what a realisation depends on is registered before it") {
  const Scratch scratch;
  OldDaemon daemon(scratch.path("socket"));
  const std::vector given{numbered('3', "12"), numbered('2', "1"), numbered('1')};
  DaemonClient::connect({.socket = scratch.path("socket"), .store_dir = StoreDir()})
      ->register_hashed_realisations(given, SignaturePolicy::accept_unsigned);
  CHECK(daemon.registered() == std::vector{given[2], given[1], given[0]});
}

TEST_CASE("the order of realisations changes no more than it must") {
  const auto ordered = [](const std::vector<HashedRealisation>& given) {
    return digits(dependencies_first(given));
  };
  CHECK(ordered({}).empty());
  CHECK(ordered({numbered('2'), numbered('1'), numbered('3', "1")}) == "213");
  CHECK(ordered({numbered('2', "9"), numbered('1')}) == "21");  // that one is elsewhere
  CHECK(ordered({numbered('4', "3"), numbered('5'), numbered('3', "2"), numbered('2')}) == "5234");
  // One key twice: what needs it waits for both.
  CHECK(ordered({numbered('1'), numbered('2', "1"), numbered('1', "3"), numbered('3')}) == "1312");
  // What nobody can register comes last, and is not lost.
  CHECK(ordered({numbered('1', "2"), numbered('2', "1"), numbered('3', "3"), numbered('4')}) ==
        "4123");
}

TEST_CASE("long chains of realisations are put in order") {
  constexpr int length = 20'000;
  std::vector<HashedRealisation> chain;
  for (int at = 0; at < length; ++at) {
    chain.push_back(numbered('1'));
    chain.back().key.output = "o" + std::to_string(at);
    if (at > 0) chain.back().dependencies.emplace(chain[at - 1].key, chain.back().path);
  }
  std::reverse(chain.begin(), chain.end());
  std::vector<const HashedRealisation*> expected;
  for (const HashedRealisation& one : chain) expected.push_back(&one);
  std::reverse(expected.begin(), expected.end());
  CHECK((dependencies_first(chain) == expected));
}

}  // namespace cinch::test
