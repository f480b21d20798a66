#include "wire/handshake.hh"

#include "catch.hh"
#include "errors.hh"
#include "wire/decoder.hh"

#include <string>

namespace cinch::wire {
namespace {

// Steps a machine; its output goes to `sent`, its input comes from `received` by `at_a_time` bytes.
// False if it wants more input than there is.
template <class Machine>
bool run(Machine& machine, std::string& received, std::string& sent, std::size_t at_a_time = 8) {
  for (;;) {
    switch (machine.step()) {
      case HandshakeStep::have_output:
        sent += as_text(machine.output());
        machine.clear_output();
        break;
      case HandshakeStep::need_input: {
        if (received.empty()) return false;
        const std::size_t count = std::min({machine.needed(), received.size(), at_a_time});
        machine.put(as_bytes(std::string_view(received).substr(0, count)));
        received.erase(0, count);
        break;
      }
      case HandshakeStep::finished:
        return true;
    }
  }
}

struct Pair {
  HandshakeClient client;
  HandshakeServer server;
  std::string to_server;
  std::string to_client;

  Pair(Offer of_client, Offer of_server)
      : client(std::move(of_client)),
        server(std::move(of_server), {.daemon_version = "0.1.0", .trust = Trust::trusted}) {}

  bool shake(std::size_t at_a_time) {
    for (int round = 0; round < 100; ++round) {
      const bool client_done = run(client, to_client, to_server, at_a_time);
      const bool server_done = run(server, to_server, to_client, at_a_time);
      if (client_done && server_done) return true;
    }
    return false;
  }
};

std::string numbers(std::initializer_list<std::uint64_t> values) {
  Encoder encoder;
  for (const std::uint64_t value : values) encoder.number(value);
  return std::string(as_text(encoder.bytes()));
}

}  // namespace

TEST_CASE("client and server agree on the older version and the common features") {
  const Minor client_minor = GENERATE(Minor{26}, Minor{33}, Minor{34}, Minor{35}, Minor{38});
  const Minor server_minor = GENERATE(Minor{26}, Minor{33}, Minor{34}, Minor{35}, Minor{38});
  const std::size_t at_a_time = GENERATE(1, 8, 1000);
  CAPTURE(client_minor, server_minor, at_a_time);
  Pair pair({.newest = client_minor, .features = {"a", "b", "c"}},
            {.newest = server_minor, .features = {"b", "c", "d"}});
  REQUIRE(pair.shake(at_a_time));
  const Minor lower = std::min(client_minor, server_minor);
  CHECK(pair.client.minor() == lower);
  CHECK(pair.server.minor() == lower);
  CHECK(pair.client.daemon_version() == (lower >= 33 ? "0.1.0" : ""));
  CHECK(pair.client.trust() == (lower >= 35 ? Trust::trusted : Trust::unknown));
  const std::set<std::string> common =
      lower >= 38 ? std::set<std::string>{"b", "c"} : std::set<std::string>{};
  CHECK(pair.client.features() == common);
  CHECK(pair.server.features() == common);
  CHECK(pair.to_client.empty());
  CHECK(pair.to_server.empty());
}

TEST_CASE("an empty list of features is a list") {
  Pair pair({}, full_offer());
  REQUIRE(pair.shake(8));
  CHECK(pair.server.minor() == 38);
  CHECK(pair.server.features().empty());
}

TEST_CASE("the server answers the magic before it sees the client's version") {
  HandshakeServer server(full_offer(), {.daemon_version = "x", .trust = Trust::unknown});
  std::string received = numbers({client_magic});
  std::string sent;
  CHECK_FALSE(run(server, received, sent));
  CHECK(sent == numbers({server_magic, 0x126}));
}

TEST_CASE("a client of Nix 2.8 gets no trust flag and no features") {
  HandshakeServer server(full_offer(), {.daemon_version = "x", .trust = Trust::trusted});
  std::string received = numbers({client_magic, 0x122, 0, 0});
  std::string sent;
  CHECK(run(server, received, sent));
  Encoder greeting;
  greeting.text("x");
  CHECK(sent == numbers({server_magic, 0x126}) + std::string(as_text(greeting.bytes())));
}

TEST_CASE("the obsolete cpu affinity brings one more number") {
  HandshakeServer server(full_offer(), {.daemon_version = "x", .trust = Trust::trusted});
  std::string received = numbers({client_magic, 0x122, 1, 5, 0});
  std::string sent;
  CHECK(run(server, received, sent));
  CHECK(received.empty());
}

TEST_CASE("strangers and old versions are refused") {
  const auto server_says = [](std::string received) {
    HandshakeServer server(full_offer(), {.daemon_version = "x", .trust = Trust::trusted});
    std::string sent;
    return test::code_of([&] { run(server, received, sent); });
  };
  CHECK(server_says("GET / HTTP/1.1\r\n") == Code::protocol);
  CHECK(server_says(numbers({server_magic})) == Code::protocol);
  CHECK(server_says(numbers({client_magic, 0x119})) == Code::not_supported);
  CHECK(server_says(numbers({client_magic, 0x226})) == Code::not_supported);
  CHECK(server_says(numbers({client_magic, UINT64_MAX})) == Code::not_supported);

  const auto client_says = [](std::string received) {
    HandshakeClient client(full_offer());
    std::string sent;
    return test::code_of([&] { run(client, received, sent); });
  };
  CHECK(client_says("SSH-2.0-OpenSSH_9.2") == Code::protocol);
  CHECK(client_says(numbers({server_magic, 0x10a})) == Code::not_supported);
  CHECK(client_says(numbers({server_magic, 0x200})) == Code::not_supported);
}

TEST_CASE("lengths in the handshake have limits") {
  const auto server_says = [](std::string received) {
    HandshakeServer server(full_offer(), {.daemon_version = "x", .trust = Trust::trusted});
    std::string sent;
    return test::code_of([&] { run(server, received, sent); });
  };
  CHECK(server_says(numbers({client_magic, 0x126, UINT64_MAX})) == Code::limit_exceeded);
  CHECK(server_says(numbers({client_magic, 0x126, 1, UINT64_MAX})) == Code::protocol);
  CHECK(server_says(numbers({client_magic, 0x126, 1, UINT64_MAX - 7})) == Code::protocol);
}

TEST_CASE("neither side takes a byte that follows the handshake") {
  HandshakeServer server(full_offer(), {.daemon_version = "x", .trust = Trust::trusted});
  std::string received = numbers({client_magic, 0x122, 0, 0, 26});
  std::string sent;
  CHECK(run(server, received, sent, 1000));
  CHECK(received == numbers({26}));
}

}  // namespace cinch::wire
