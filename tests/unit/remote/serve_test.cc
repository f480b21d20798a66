// The server of the serve protocol, without pipes: a session is a text of commands, and what it
// answers another one.
#include "catch.hh"
#include "errors.hh"
#include "fakes.hh"
#include "serve/protocol.hh"
#include "serve/session.hh"
#include "serve/values.hh"
#include "wire/basic_derivation.hh"

#include <algorithm>

namespace cinch::test {
namespace {

using serve::Command;
using wire::Encoder;

const StorePath some_path = StorePath::parse("g1w7hy3qg1w7hy3qg1w7hy3qg1w7hy3q-x");
const StorePath some_derivation = StorePath::parse("g1w7hy3qg1w7hy3qg1w7hy3qg1w7hy3q-x.drv");
constexpr std::uint64_t answer_bytes_max = std::uint64_t{1} << 24;

class Client {
 public:
  explicit Client(std::uint64_t minor = serve::newest_minor) {
    out.number(serve::client_magic);
    out.number(serve::protocol_major << 8 | minor);
  }
  void begin(Command command) { out.number(static_cast<std::uint64_t>(command)); }
  void path(const StorePath& path) { out.text("/nix/store/" + path.base_name()); }
  std::string text() const { return std::string(as_text(out.bytes())); }

  Encoder out;
};

struct Server {
  MemoryStore store;
  FakeRealiser realiser;
  std::optional<Settings> settings;  // what the last build had
  bool write_allowed = true;
  bool can_build = true;

  // What a session with these bytes answers. Throws what ends it.
  std::string answer(std::string_view input, std::stop_token stop = {}) {
    StringSource source(input);
    StringSink sink(answer_bytes_max);
    NullEventSink events;
    Settings base;
    base.keep_going = true;
    ServeOptions options{.write_allowed = write_allowed,
                         .settings = base,
                         .make_realiser = {},
                         .make_spool = {},
                         .events = events};
    if (can_build) {
      options.make_realiser = [this](Store&, const Settings& given) {
        settings = given;
        return std::make_unique<Lent>(realiser);
      };
    }
    serve::Session session({.store = store,
                            .input = source,
                            .output = sink,
                            .options = options,
                            .stop = std::move(stop)});
    session.run();
    return sink.take();
  }

 private:
  struct Lent final : public Realiser {
    explicit Lent(Realiser& realiser) : realiser_(realiser) {}
    ~Lent() override = default;
    std::vector<BuildResult> realise(std::span<const DerivingPath> wanted,
                                     const RealiseOptions& options, EventSink& events,
                                     std::stop_token stop) override {
      return realiser_.realise(wanted, options, events, std::move(stop));
    }
    MissingPlan plan(std::span<const DerivingPath> wanted) override {
      return realiser_.plan(wanted);
    }
    Realiser& realiser_;
  };
};

// What follows the greeting.
std::string reply(Server& server, const Client& client) {
  const std::string answer = server.answer(client.text());
  REQUIRE(answer.size() >= 16);
  return answer.substr(16);
}

std::string numbers(std::initializer_list<std::uint64_t> values) {
  Encoder encoder;
  for (const std::uint64_t value : values) encoder.number(value);
  return std::string(as_text(encoder.bytes()));
}

void add_nar(Client& client, const std::string& nar, std::uint64_t size) {
  client.begin(Command::add_to_store_nar);
  client.path(some_path);
  client.out.text("");  // deriver
  client.out.text(hash_bytes(HashAlgorithm::sha256, as_bytes(nar)).digest_text(HashFormat::base16));
  for (const std::uint64_t field :
       {std::uint64_t{0}, std::uint64_t{7}, size, std::uint64_t{0}, std::uint64_t{0}}) {
    client.out.number(field);  // references, time, size, ultimate, signatures
  }
  client.out.text("");  // content address
}

void write_nar(Client& client, const std::string& nar) {
  // A NAR is a row of texts: its length is a multiple of eight.
  for (std::size_t at = 0; at < nar.size(); at += 8) {
    std::uint64_t value = 0;
    for (std::size_t byte = 8; byte > 0; --byte) {
      value = value << 8 | static_cast<unsigned char>(nar[at + byte - 1]);
    }
    client.out.number(value);
  }
}

void build_paths(Client& client, serve::Minor minor) {
  client.begin(Command::build_paths);
  client.out.texts(std::vector<std::string>{"/nix/store/" + some_derivation.base_name()});
  client.out.number(11);  // seconds of silence
  client.out.number(12);  // seconds
  if (minor >= 2) client.out.number(13);
  if (minor >= 3) {
    client.out.number(0);
    client.out.number(1);
  }
  if (minor >= 7) client.out.number(1);
}

// An output that is said to be there, or to have failed.
FakeRealiser::OnRealise ends_with(BuildStatus status) {
  return [status](std::span<const DerivingPath> wanted, const auto&, auto&, const auto&) {
    BuildResult result{.wanted = wanted.front(), .status = status};
    if (!result.succeeded()) result.error_message = "it broke";
    return std::vector<BuildResult>(2, result);
  };
}

}  // namespace

TEST_CASE("serve: the lower version holds") {
  Server server;
  server.realiser.on_realise = ends_with(BuildStatus::built);
  for (const serve::Minor minor : {1, 2, 3, 4, 5, 6, 7, 8, 200}) {
    CAPTURE(minor);
    Client client(minor);
    build_paths(client, minor);
    CHECK(server.answer(client.text()) ==
          numbers({serve::server_magic, serve::version_number(7), 0}));
    REQUIRE(server.settings);
    CHECK(server.settings->max_silent_time == std::chrono::seconds(11));
    CHECK(server.settings->timeout == std::chrono::seconds(12));
    CHECK(server.settings->max_build_log_size == (minor >= 2 ? 13U : 0U));
    CHECK(server.settings->keep_failed == (minor >= 7));
    CHECK_FALSE(server.settings->keep_build_log);
    CHECK_FALSE(server.settings->substitute);
    CHECK(server.settings->keep_going);
  }
  for (const std::uint64_t version :
       {std::uint64_t{0x200}, std::uint64_t{0x107}, std::uint64_t{0x307}, std::uint64_t{1} << 63}) {
    CHECK(code_of([&] {
            server.answer(numbers({serve::client_magic, version}));
          }) == Code::not_supported);
  }
  CHECK(code_of([&] { server.answer(numbers({serve::server_magic, 0x207})); }) == Code::protocol);
  CHECK(code_of([&] { server.answer(""); }) == Code::disconnected);
}

TEST_CASE("serve: without leave to write nothing is written") {
  Server server;
  server.write_allowed = false;
  const auto command = GENERATE(Command::import_paths, Command::build_paths,
                                Command::build_derivation, Command::add_to_store_nar);
  Client client;
  client.begin(command);
  const auto error = error_of([&] { server.answer(client.text()); });
  REQUIRE(error);
  CHECK(error->code() == Code::permission_denied);
  CHECK(error->message().ends_with("paths is not allowed"));
}

TEST_CASE("serve: paths are locked only by who may write") {
  Server server;
  server.write_allowed = GENERATE(false, true);
  const bool lock = GENERATE(false, true);
  Client client;
  client.begin(Command::query_valid_paths);
  client.out.flag(lock);
  client.out.flag(true);  // substitute
  client.out.number(1);
  client.path(some_path);
  CHECK(reply(server, client) == numbers({0}));
  CHECK(server.store.temporary_roots.contains(some_path) == (lock && server.write_allowed));
}

TEST_CASE("serve: more infos than are held at once") {
  Server server;
  Client client;
  client.begin(Command::query_path_infos);
  StorePathSet paths;
  for (std::size_t number = 0; number < 2 * serve::infos_at_once + 1; ++number) {
    const std::string name = std::to_string(number);
    StringSource content(name);
    paths.insert(
        server.store.add_content({.name = name, .method = ContentAddressMethod::flat}, content)
            .path);
  }
  wire::write_paths(client.out, serve::dialect_of(StoreDir()), paths);
  const std::string infos = reply(server, client);
  StringSource source(infos);
  wire::Decoder decoder(source);
  for (const StorePath& path : paths) {
    CHECK(wire::read_path(decoder, serve::dialect_of(StoreDir())) == path);
    CHECK(decoder.text(100).empty());  // deriver
    CHECK(decoder.number() == 0);      // references
    CHECK(decoder.number() == server.store.require(path).nar_size);
    CHECK(decoder.number() == server.store.require(path).nar_size);
    CHECK(decoder.text(100).starts_with("sha256:"));
    CHECK(decoder.text(100).starts_with("fixed:sha256:"));
    CHECK(decoder.number() == 0);  // signatures
  }
  CHECK(decoder.text(100).empty());
  CHECK(decoder.at_end());
}

TEST_CASE("serve: an addition") {
  Server server;
  const std::string nar = MemoryStore::file_nar("some content");
  Client client;
  add_nar(client, nar, nar.size());
  write_nar(client, nar);
  CHECK(reply(server, client) == numbers({1}));
  CHECK(server.store.last_policy == SignaturePolicy::accept_unsigned);
  const PathInfo info = server.store.require(some_path);
  CHECK(info.nar_size == nar.size());
  CHECK(info.registration_time == 7);
  StringSink read(answer_bytes_max);
  server.store.read_nar(some_path, read);
  CHECK(read.text() == nar);
}

TEST_CASE("serve: a NAR of another length than was said") {
  Server server;
  const std::string nar = MemoryStore::file_nar("some content");
  Client client;
  SECTION("longer") { add_nar(client, nar, nar.size() - 8); }
  SECTION("longer than nothing") { add_nar(client, nar, 0); }
  write_nar(client, nar);
  CHECK(code_of([&] { server.answer(client.text()); }) == Code::protocol);
  CHECK(server.store.size() == 0);
}

TEST_CASE("serve: a NAR that is shorter than was said") {
  Server server;
  const std::string nar = MemoryStore::file_nar("some content");
  Client client;
  add_nar(client, nar, nar.size() + 8);
  write_nar(client, nar);
  client.out.number(0);
  CHECK(code_of([&] { server.answer(client.text()); }) == Code::hash_mismatch);
  CHECK(server.store.size() == 0);
}

TEST_CASE("serve: clients that leave at every byte") {
  Server server;
  const std::string nar = MemoryStore::file_nar("some content");
  Client client;
  add_nar(client, nar, nar.size());
  write_nar(client, nar);
  const std::string whole = client.text();
  for (std::size_t size = 0; size < whole.size(); ++size) {
    CAPTURE(size);
    const auto error = error_of([&] { server.answer(whole.substr(0, size)); });
    CHECK((size == 16) == !error);  // between two commands
    if (error) CHECK(error->code() == Code::disconnected);
  }
  CHECK(server.store.size() == 0);
}

TEST_CASE("serve: lengths from hell") {
  Server server;
  const std::uint64_t length =
      GENERATE(std::uint64_t{1} << 63, UINT64_MAX, UINT64_MAX - 7, std::uint64_t{1} << 40);
  const auto command =
      GENERATE(Command::query_path_infos, Command::dump_store_path, Command::build_paths,
               Command::build_derivation, Command::add_to_store_nar);
  Client client;
  client.begin(command);
  client.out.number(length);
  CHECK(code_of([&] { server.answer(client.text()); }) == Code::limit_exceeded);
}

TEST_CASE("serve: how builds end") {
  struct Case {
    BuildStatus status;
    std::uint64_t exit_status;
  };
  const Case expected =
      GENERATE(Case{BuildStatus::built, 0}, Case{BuildStatus::already_valid, 0},
               Case{BuildStatus::permanent_failure, 100}, Case{BuildStatus::timed_out, 101},
               Case{BuildStatus::not_deterministic, 104}, Case{BuildStatus::no_substituters, 1});
  Server server;
  server.realiser.on_realise = ends_with(expected.status);
  Client client;
  build_paths(client, serve::newest_minor);
  Encoder answer;
  answer.number(expected.exit_status);
  if (expected.exit_status != 0) answer.text("it broke");  // once
  CHECK(reply(server, client) == as_text(answer.bytes()));
}

TEST_CASE("serve: builds that cannot be tried") {
  Server server;
  std::string message;
  Client client;
  SECTION("an error is an answer") {
    server.realiser.on_realise = [](auto, const auto&, auto&,
                                    const auto&) -> std::vector<BuildResult> {
      throw Error(Code::io, "the disk is on fire");
    };
    message = "the disk is on fire";
    build_paths(client, serve::newest_minor);
  }
  SECTION("no realiser") {
    server.can_build = false;
    message = "this server cannot build ('memory')";
    build_paths(client, serve::newest_minor);
  }
  const std::string said = reply(server, client);
  StringSource source(said);
  wire::Decoder decoder(source);
  CHECK(decoder.number() == 1);
  CHECK(decoder.text(1000).find(message.substr(0, 19)) == 0);
  CHECK(decoder.at_end());
}

TEST_CASE("serve: a stop ends the session") {
  Server server;
  std::stop_source stop;
  server.realiser.on_realise = [&](auto, const auto&, auto&,
                                   const std::stop_token& token) -> std::vector<BuildResult> {
    stop.request_stop();
    wait_for_stop(token);
    throw Error(Code::cancelled, "the build was cancelled");
  };
  Client client;
  build_paths(client, serve::newest_minor);
  CHECK(code_of([&] { server.answer(client.text(), stop.get_token()); }) == Code::cancelled);
}

TEST_CASE("serve: a store in which nothing can be built says so") {
  Server server;
  Client client;
  client.begin(Command::build_derivation);
  client.path(some_derivation);
  client.out.number(1);
  for (const std::string text : {"out", "/nix/store/g1w7hy3qg1w7hy3qg1w7hy3qg1w7hy3q-x", "", ""}) {
    client.out.text(text);
  }
  client.out.number(0);  // sources
  client.out.text("system");
  client.out.text("/bin/sh");
  client.out.number(0);  // arguments
  client.out.number(0);  // environment
  for (int option = 0; option < 6; ++option) client.out.number(0);
  const std::string said = reply(server, client);
  StringSource source(said);
  wire::Decoder decoder(source);
  const BuildResult result =
      wire::read_build_result(decoder, serve::dialect_of(StoreDir()), serve::build_result_form(7),
                              BuiltPath{some_derivation, AllOutputs{}});
  CHECK(decoder.at_end());
  CHECK(result.status == BuildStatus::misc_failure);
  CHECK(result.error_message.starts_with("this store cannot build a derivation that is not in it"));
}

namespace {

// A derivation of one output and one variable, as the wire has it.
std::string derivation_text(const std::vector<std::string>& outputs,
                            const std::vector<std::string>& environment) {
  Encoder encoder;
  encoder.number(outputs.size() / 4);
  for (const std::string& text : outputs) encoder.text(text);
  encoder.number(1);
  encoder.text("/nix/store/" + some_path.base_name());
  encoder.text("x86_64-linux");
  encoder.text("/bin/sh");
  encoder.texts(std::vector<std::string>{"-c", "true"});
  encoder.number(environment.size() / 2);
  for (const std::string& text : environment) encoder.text(text);
  return std::string(as_text(encoder.bytes()));
}

Derivation read_derivation(const std::string& text) {
  StringSource source(text);
  wire::Decoder decoder(source);
  Derivation derivation =
      wire::read_basic_derivation(decoder, serve::dialect_of(StoreDir()), some_derivation);
  CHECK(decoder.at_end());
  return derivation;
}

}  // namespace

TEST_CASE("derivations on the wire") {
  const std::string hash(64, '1');
  const FixedOutput fixed{
      ContentAddress{ContentAddressMethod::flat, Hash::parse_digest(hash, HashAlgorithm::sha256)}};
  const std::string fixed_path =
      StoreDir().print(make_content_addressed_path(StoreDir(), "x", fixed.address));
  const Derivation derivation =
      read_derivation(derivation_text({"out", fixed_path, "sha256", hash}, {"a", "1", "b", ""}));
  CHECK(derivation.name == "x");
  CHECK(derivation.outputs == std::map<std::string, DerivationOutput>{{"out", fixed}});
  CHECK(derivation.input_sources == StorePathSet{some_path});
  CHECK(derivation.system == "x86_64-linux");
  CHECK(derivation.builder == "/bin/sh");
  CHECK(derivation.arguments == std::vector<std::string>{"-c", "true"});
  CHECK(derivation.environment == std::map<std::string, std::string>{{"a", "1"}, {"b", ""}});

  const std::string path = "/nix/store/" + some_path.base_name();
  const auto code = [](const std::vector<std::string>& outputs,
                       const std::vector<std::string>& environment = {}) {
    return code_of([&] { read_derivation(derivation_text(outputs, environment)); });
  };
  CHECK_FALSE(code({"out", path, "", ""}));
  CHECK_FALSE(code({"out", "", "", ""}));
  CHECK(code({"out", path, "sha256", hash}) == Code::invalid_derivation);
  CHECK(code({"out", path, "", hash}) == Code::malformed);
  CHECK(code({"out", path, "sha257", ""}) == Code::malformed);
  CHECK(code({"out", "/tmp/x", "", ""}) == Code::malformed);
  CHECK(code({"out", path, "", "", "out", path, "", ""}) == Code::malformed);
  CHECK(code({"out", path, "", ""}, {"a", "1", "a", "1"}) == Code::malformed);
}

TEST_CASE("derivations that are too long in all are refused") {
  const std::string half(std::size_t{33} << 20, 'x');
  CHECK(code_of([&] {
          read_derivation(derivation_text({}, {"a", half, "b", half}));
        }) == Code::limit_exceeded);
}

}  // namespace cinch::test
