// Clients that break the protocol, at every stage: their connection ends, others live on, nothing
// is left behind.
#include "catch.hh"
#include "errors.hh"
#include "running_server.hh"

#include <chrono>
#include <thread>

namespace cinch::test {
namespace {

using wire::Operation;

const StorePath some_path = StorePath::parse("g1w7hy3qg1w7hy3qg1w7hy3qg1w7hy3q-x");

std::string numbers(std::initializer_list<std::uint64_t> values) {
  wire::Encoder encoder;
  for (const std::uint64_t value : values) encoder.number(value);
  return std::string(as_text(encoder.bytes()));
}

// Everything the server still says before it closes the connection.
std::string rest(RawClient& client) { return read_all(client.in, 1 << 20); }

void check_alive(RunningServer& server) {
  CHECK(server.connect()->all_valid_paths().size() == server.store.size());
}

// What AddToStoreNar needs before the frames.
void begin_add(RawClient& client) {
  client.begin(Operation::add_to_store_nar);
  client.out.text("/nix/store/" + some_path.base_name());
  client.out.text("");                    // deriver
  client.out.text(std::string(64, '0'));  // hash
  for (const std::uint64_t field : {0, 0, 100, 0, 0}) client.out.number(field);
  client.out.text("");   // content address
  client.out.number(0);  // repair
  client.out.number(1);  // no signatures needed
}

}  // namespace

TEST_CASE("garbage instead of a handshake") {
  RunningServer server;
  const std::string input = GENERATE(
      std::string("GET / HTTP/1.1\r\nHost: x\r\n\r\n"), std::string(4096, '\xff'),
      numbers({wire::client_magic, 0x126, UINT64_MAX}),
      numbers({wire::client_magic, 0x126, 1, std::uint64_t{1} << 63}), std::string("\0", 1));
  RawClient client(server);
  client.socket->write(as_bytes(input));
  if (input.size() >= 8) rest(client);  // the server closes; this returns
  check_alive(server);
}

TEST_CASE("a client that is too old gets a sentence") {
  RunningServer server;
  RawClient client(server);
  client.socket->write(as_bytes(numbers({wire::client_magic, 0x115, 0, 0})));
  CHECK(rest(client).find("speaks version 1.21 of the worker protocol") != std::string::npos);
}

TEST_CASE("lengths from hell") {
  RunningServer server;
  const std::uint64_t length =
      GENERATE(std::uint64_t{1} << 63, UINT64_MAX, UINT64_MAX - 7, std::uint64_t{1} << 40);
  const auto operation =
      GENERATE(Operation::is_valid_path, Operation::query_valid_paths, Operation::add_to_store,
               Operation::build_paths, Operation::query_path_from_hash_part,
               Operation::add_indirect_root, Operation::query_substitutable_path_infos);
  CAPTURE(length);
  RawClient client(server);
  client.greet(38);
  client.begin(operation);
  client.out.number(length);
  client.send();
  CHECK(rest(client).find("longer than the allowed") != std::string::npos);
  check_alive(server);
}

TEST_CASE("a frame from hell") {
  RunningServer server;
  const std::uint64_t length = GENERATE(std::uint64_t{1} << 63, UINT64_MAX, UINT64_MAX - 7);
  RawClient client(server);
  client.greet(38);
  begin_add(client);
  client.out.number(length);
  client.send();
  CHECK(rest(client).find("the length of a frame") != std::string::npos);
  CHECK(server.store.size() == 0);
  check_alive(server);
}

TEST_CASE("unknown and removed operations end the connection with a sentence") {
  RunningServer server;
  const std::uint64_t number =
      GENERATE(0, 2, 3, 4, 5, 15, 16, 17, 24, 25, 27, 48, 50, 1000, 1001, UINT64_MAX);
  RawClient client(server);
  client.greet(38);
  client.out.number(number);
  client.send();
  CHECK(rest(client).find("there is no operation with the number") != std::string::npos);
  check_alive(server);
}

TEST_CASE("clients that leave at every byte of a session") {
  RunningServer server;
  wire::Encoder whole;
  for (const std::uint64_t number : {wire::client_magic, std::uint64_t{0x122}}) {
    whole.number(number);
  }
  whole.number(0);
  whole.number(0);
  whole.number(static_cast<std::uint64_t>(Operation::add_to_store));
  whole.text("name");
  whole.text("fixed:r:sha256");
  whole.number(0);
  whole.number(0);
  const std::string nar = MemoryStore::file_nar("hello");
  whole.number(nar.size());
  const std::string input = std::string(as_text(whole.bytes())) + nar;
  for (std::size_t size = 0; size < input.size(); size += 5) {
    RawClient client(server);
    client.socket->write(as_bytes(std::string_view(input).substr(0, size)));
  }
  check_alive(server);
  CHECK(server.store.size() == 0);
}

TEST_CASE("a refused stream is skipped and the connection goes on") {
  RunningServer server;
  RawClient client(server);
  client.greet(34);
  begin_add(client);
  const std::string nar = MemoryStore::file_nar("this is not what the hash says");
  client.out.number(nar.size());
  client.send();
  client.socket->write(as_bytes(nar));
  client.out.number(3);
  client.send();
  client.socket->write(as_bytes("abc"));  // after the NAR, still in the stream
  client.out.number(0);
  client.send();
  CHECK(code_of([&] { client.expect_done(); }) == Code::hash_mismatch);

  client.begin(Operation::query_all_valid_paths);
  client.send();
  client.expect_done();
  CHECK(client.in.number() == 0);
}

TEST_CASE("one slow client does not block the others") {
  RunningServer server;
  RawClient silent(server);
  RawClient half(server);
  half.socket->write(as_bytes(numbers({wire::client_magic})));
  RawClient in_argument(server);
  in_argument.greet(38);
  in_argument.begin(Operation::is_valid_path);
  in_argument.out.number(100);
  in_argument.send();
  in_argument.socket->write(as_bytes("/nix/st"));
  check_alive(server);
}

TEST_CASE("a client that does not read its replies holds up nobody else") {
  RunningServer server;
  for (int number = 0; number < 200; ++number) {
    StringSource source("x");
    server.store.add_content({.name = std::string(200, 'n') + std::to_string(number),
                              .method = ContentAddressMethod::text},
                             source);
  }
  RawClient greedy(server);
  greedy.greet(38);
  for (int number = 0; number < 100; ++number) greedy.begin(Operation::query_all_valid_paths);
  greedy.send();
  check_alive(server);
}

TEST_CASE("a client that does not read log lines holds up neither the build nor its own end") {
  RunningServer server;
  std::atomic<bool> built = false;
  server.realiser.on_realise = [&](auto, const auto&, EventSink& events, const auto&) {
    events.emit(BuildStartedEvent{some_path});
    for (int number = 0; number < 50'000; ++number) {
      events.emit(BuildLogEvent{some_path, std::string(1000, 'l')});
    }
    built = true;
    return std::vector<BuildResult>();
  };
  RawClient client(server);
  client.greet(34);
  client.begin(Operation::build_paths);
  client.out.number(0);
  client.out.number(0);
  client.send();
  for (int tries = 0; tries < 1000 && !built; ++tries) {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  CHECK(built);  // 50 MB of log lines, and not one was read
  std::uint64_t lines = 0;
  bool told = false;
  for (;;) {
    const wire::Message message = wire::read_message(client.in);
    if (std::holds_alternative<wire::WorkDone>(message)) break;
    if (std::holds_alternative<wire::ActivityResult>(message)) ++lines;
    if (const auto* text = std::get_if<wire::LogText>(&message)) {
      told = told || text->text.find("lines of build logs were left out") != std::string::npos;
    }
  }
  CHECK(lines > 0);
  CHECK(lines < 50'000);
  CHECK(told);
}

TEST_CASE("hanging up during a build stops it at once") {
  RunningServer server;
  std::atomic<bool> started = false;
  std::atomic<bool> stopped = false;
  server.realiser.on_realise = [&](auto, const auto&, auto&, const std::stop_token& stop) {
    started = true;
    wait_for_stop(stop);
    stopped = true;
    throw Error(Code::cancelled, "the build was stopped");
    return std::vector<BuildResult>();
  };
  {
    RawClient client(server);
    client.greet(34);
    client.begin(Operation::build_paths);
    client.out.number(0);
    client.out.number(0);
    client.send();
    while (!started) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  for (int tries = 0; tries < 1000 && !stopped; ++tries) {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  CHECK(stopped);
  check_alive(server);
}

TEST_CASE("more clients than there may be wait for their turn") {
  RunningServer server(2);
  auto first = std::make_unique<RawClient>(server);
  first->greet(38);
  RawClient second(server);
  second.greet(38);
  std::atomic<bool> greeted = false;
  std::jthread waiting([&] {
    RawClient third(server);
    third.greet(38);
    greeted = true;
  });
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  CHECK_FALSE(greeted);
  first.reset();
  waiting.join();
  CHECK(greeted);
}

}  // namespace cinch::test
