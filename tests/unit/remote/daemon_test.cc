// Client and server against each other, over a real socket.
#include "catch.hh"
#include "errors.hh"
#include "fakes.hh"
#include "running_server.hh"

#include <cinch/core/derivation_hash.hh>
#include <cinch/files/descriptor.hh>

#include <thread>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

namespace cinch::test {
namespace {

StorePath some_path(const std::string& name) {
  return StorePath::parse("g1w7hy3qg1w7hy3qg1w7hy3qg1w7hy3q-" + name);
}

PathInfo add_text(Store& store, const std::string& name, const std::string& text,
                  StorePathSet references = {}) {
  StringSource source(text);
  return store.add_content(
      {.name = name, .method = ContentAddressMethod::text, .references = std::move(references)},
      source);
}

PathInfo info_of(const std::string& name, const std::string& nar) {
  return {.path = some_path(name),
          .nar_hash = hash_bytes(HashAlgorithm::sha256, as_bytes(nar)),
          .nar_size = nar.size()};
}

std::string nar_of(Store& store, const StorePath& path) {
  StringSink sink(std::uint64_t{1} << 30);
  store.read_nar(path, sink);
  return sink.take();
}

class Recorder final : public EventSink {
 public:
  void emit(const Event& event) override { events.push_back(event); }
  std::vector<Event> events;
};

}  // namespace

TEST_CASE("what is added through a daemon is found through it") {
  RunningServer server;
  const auto client = server.connect();
  CHECK(client->url() == "unix://" + server.socket());
  CHECK(client->daemon_version().starts_with("cinch-"));

  const PathInfo dependency = add_text(*client, "dependency", "1");
  const PathInfo info = add_text(*client, "user", "2", {dependency.path});
  CHECK(server.store.require(info.path) == info);
  const std::vector<StorePath> paths = {info.path, some_path("missing"), dependency.path};
  const auto found = client->find(paths);
  REQUIRE(found.size() == 3);
  CHECK(found[0] == info);
  CHECK_FALSE(found[1]);
  CHECK(found[2] == dependency);
  CHECK(client->find_valid({paths.begin(), paths.end()}) ==
        StorePathSet{info.path, dependency.path});
  CHECK(client->find_by_hash_part(info.path.hash_part()) == info.path);
  CHECK_FALSE(client->find_by_hash_part(paths[1].hash_part()));
  CHECK(client->all_valid_paths() == server.store.all_valid_paths());
  CHECK(client->find_referrers(paths)[2] == StorePathSet{info.path});
  CHECK(client->find_derivers(paths)[0].empty());
  CHECK(nar_of(*client, info.path) == MemoryStore::file_nar("2"));
  CHECK(code_of([&] { nar_of(*client, paths[1]); }) == Code::not_found);
  CHECK(code_of([&] { client->require(paths[1]); }) == Code::not_found);
}

TEST_CASE("all ways to add content give the same paths as the store itself") {
  RunningServer server;
  MemoryStore other;
  const auto client = server.connect();
  const auto method =
      GENERATE(ContentAddressMethod::text, ContentAddressMethod::flat, ContentAddressMethod::nar);
  const std::string content =
      method == ContentAddressMethod::nar ? MemoryStore::file_nar("x") : std::string("x");
  StringSource first(content);
  StringSource second(content);
  const AddContent options{.name = "x", .method = method};
  CHECK(client->add_content(options, first) == other.add_content(options, second));
}

TEST_CASE("thousands of queries take few round trips and come in order") {
  RunningServer server;
  std::vector<StorePath> paths;
  for (int number = 0; number < 1000; ++number) {
    paths.push_back(add_text(server.store, "n" + std::to_string(number), "x").path);
  }
  const auto client = server.connect();
  const auto found = client->find(paths);
  REQUIRE(found.size() == paths.size());
  for (std::size_t index = 0; index < paths.size(); ++index) {
    REQUIRE(found[index]);
    CHECK(found[index]->path == paths[index]);
  }
}

TEST_CASE("large NARs pass in both directions") {
  RunningServer server;
  const auto client = server.connect();
  const std::string nar = MemoryStore::file_nar(std::string(5'000'000, 'n'));
  const PathInfo info = info_of("large", nar);
  StringSource source(nar);
  client->add_nar(info, source, SignaturePolicy::accept_unsigned);
  CHECK(server.store.last_policy == SignaturePolicy::accept_unsigned);
  CHECK(nar_of(*client, info.path) == nar);
}

TEST_CASE("a refused NAR leaves the connection usable") {
  RunningServer server;
  const auto client = server.connect(1);
  const std::string nar = MemoryStore::file_nar(std::string(1'000'000, 'n'));
  PathInfo info = info_of("refused", nar);
  StringSource unsigned_nar(nar);
  CHECK(code_of([&] { client->add_nar(info, unsigned_nar, SignaturePolicy::require_trusted); }) ==
        Code::not_trusted);
  info.nar_hash = hash_bytes(HashAlgorithm::sha256, {});
  StringSource wrong(nar);
  CHECK(code_of([&] { client->add_nar(info, wrong, SignaturePolicy::accept_unsigned); }) ==
        Code::hash_mismatch);
  CHECK(client->all_valid_paths().empty());
}

TEST_CASE("a source that fails half-way breaks only its own connection") {
  RunningServer server;
  const auto client = server.connect(1);
  const std::string nar = MemoryStore::file_nar(std::string(300'000, 'n'));
  StringSource half(std::string_view(nar).substr(0, nar.size() / 2));
  CHECK(code_of([&] {
          client->add_nar(info_of("half", nar), half, SignaturePolicy::accept_unsigned);
        }) == Code::malformed);
  CHECK(client->all_valid_paths().empty());
}

TEST_CASE("roots and signatures reach the store") {
  RunningServer server;
  const auto client = server.connect();
  const PathInfo info = add_text(*client, "x", "x");
  client->add_temporary_roots({&info.path, 1});
  CHECK(server.store.temporary_roots == StorePathSet{info.path});
  client->add_indirect_root("/some/link");
  CHECK(server.store.indirect_roots == std::set<std::string>{"/some/link"});
  const Signature signature = SecretKey::generate("key").sign("x");
  client->add_signatures(info.path, {signature});
  CHECK(client->require(info.path).signatures == std::set<Signature>{signature});
}

TEST_CASE("roots are made again after a connection broke, by whatever is asked next") {
  RunningServer server;
  const auto client = server.connect(1);
  const PathInfo info = add_text(*client, "x", "x");
  client->add_temporary_roots({&info.path, 1});
  server.store.temporary_roots.clear();
  CHECK(client->is_valid(info.path));
  CHECK(server.store.temporary_roots.empty());
  const std::string nar = MemoryStore::file_nar("half");
  StringSource half(std::string_view(nar).substr(0, nar.size() / 2));
  CHECK(code_of([&] {
          client->add_nar(info_of("half", nar), half, SignaturePolicy::accept_unsigned);
        }) == Code::malformed);
  CHECK(server.store.temporary_roots.empty());
  CHECK(client->is_valid(info.path));
  CHECK(server.store.temporary_roots == StorePathSet{info.path});
}

TEST_CASE("realisations pass through a daemon") {
  RunningServer server;
  const auto client = server.connect();
  CHECK(client->realisation_forms().by_path);
  CHECK_FALSE(client->realisation_forms().by_hash);
  Realisation known{.key = {.derivation = some_path("a.drv"), .output = "out"},
                    .path = some_path("a"),
                    .signatures = {}};
  known.signatures = {SecretKey::generate("key").sign(known.fingerprint())};
  client->register_realisations({&known, 1}, SignaturePolicy::accept_unsigned);
  CHECK(server.store.realisations.at(known.key) == known);
  const std::vector keys{RealisationKey{some_path("b.drv"), "out"}, known.key};
  const auto found = client->find_realisations(keys);
  REQUIRE(found.size() == 2);
  CHECK_FALSE(found[0]);
  CHECK(found[1] == known);
  const auto hashed = HashedRealisationKey::parse("sha256:" + std::string(64, '1') + "!out");
  CHECK(code_of([&] { client->find_hashed_realisations({&hashed, 1}); }) == Code::not_supported);
}

TEST_CASE("the map of a derivation's outputs has what realisations tell") {
  RunningServer server;
  const Derivation derivation{
      .name = "x",
      .outputs = {{"by-hash", FloatingOutput{ContentAddressMethod::nar, HashAlgorithm::sha256}},
                  {"by-path", FloatingOutput{ContentAddressMethod::nar, HashAlgorithm::sha256}},
                  {"none", FloatingOutput{ContentAddressMethod::nar, HashAlgorithm::sha256}}},
      .system = "x86_64-linux",
      .builder = "/bin/sh"};
  const StorePath path = server.store.add_derivation(derivation);
  const RealisationKey named{.derivation = path, .output = "by-path"};
  server.store.realisations.emplace(named, Realisation{named, some_path("p"), {}});
  const auto hashes = DerivationHasher(StoreDir(), {}).realisation_hashes(derivation);
  const HashedRealisationKey hashed{hashes.at("by-hash"), "by-hash"};
  server.store.hashed_realisations.emplace(hashed,
                                           HashedRealisation{hashed, some_path("h"), {}, {}});
  RawClient client(server);
  client.greet(37);
  const wire::Dialect dialect{.minor = 37};
  client.begin(wire::Operation::query_derivation_output_map);
  wire::write_path(client.out, dialect, path);
  client.send();
  client.expect_done();
  REQUIRE(client.in.number() == 3);
  std::map<std::string, std::optional<StorePath>> outputs;
  for (int count = 0; count < 3; ++count) {
    const std::string name = client.in.text(100);
    outputs.emplace(name, wire::read_optional_path(client.in, dialect));
  }
  CHECK(outputs == std::map<std::string, std::optional<StorePath>>{{"by-hash", some_path("h")},
                                                                   {"by-path", some_path("p")},
                                                                   {"none", std::nullopt}});
}

TEST_CASE("clients of before 2.35 get realisations by hash") {
  RunningServer server;
  const HashedRealisation known{
      .key = HashedRealisationKey::parse("sha256:" + std::string(64, '1') + "!out"),
      .path = some_path("a"),
      .signatures = {},
      .dependencies = {}};
  server.store.hashed_realisations.emplace(known.key, known);
  for (const wire::Minor minor : {wire::Minor{37}, wire::Minor{31}, wire::Minor{30}}) {
    CAPTURE(minor);
    RawClient client(server);
    client.greet(minor);
    const wire::Dialect dialect{.minor = minor};
    client.begin(wire::Operation::query_realisation);
    wire::write_hashed_key(client.out, known.key);
    client.begin(wire::Operation::query_realisation);
    wire::write_hashed_key(client.out,
                           {.derivation_hash = known.key.derivation_hash, .output = "dev"});
    client.send();
    client.expect_done();
    REQUIRE(client.in.number() == 1);
    if (minor >= wire::since_realisation_values) {
      CHECK(wire::read_hashed_realisation(client.in, dialect) == known);
    } else {
      CHECK(wire::read_path(client.in, dialect) == known.path);
    }
    client.expect_done();
    CHECK(client.in.number() == 0);
  }
}

TEST_CASE("builds tell what happens and how they ended") {
  RunningServer server;
  const BuiltPath wanted{some_path("a.drv"), AllOutputs{}};
  server.realiser.on_realise = [&](auto paths, const RealiseOptions& options, EventSink& events,
                                   const auto&) {
    CHECK(options.keep_going);
    CHECK(paths.size() == 1);
    events.emit(MessageEvent{Verbosity::info, "hello"});
    events.emit(MessageEvent{Verbosity::vomit, "not asked for"});
    events.emit(BuildStartedEvent{wanted.derivation});
    events.emit(BuildLogEvent{wanted.derivation, "a line"});
    events.emit(BuildProgressEvent{.done = 1, .expected = 2, .running = 3, .failed = 4});
    events.emit(BuildFinishedEvent{.derivation = wanted.derivation,
                                   .status = BuildStatus::timed_out,
                                   .error_message = "too slow",
                                   .duration_ms = 1234});
    BuildResult result{.wanted = wanted, .status = BuildStatus::timed_out};
    result.error_message = "too slow";
    result.start_time = 5;
    result.stop_time = 6;
    result.cpu_user = std::chrono::microseconds(7);
    return std::vector<BuildResult>{result};
  };
  const auto client = server.connect();
  Recorder recorder;
  const std::vector<DerivingPath> all = {wanted};
  const auto results = client->realise(all, {.keep_going = true}, recorder, {});
  REQUIRE(results.size() == 1);
  CHECK(results[0].wanted == DerivingPath(wanted));
  CHECK(results[0].status == BuildStatus::timed_out);
  CHECK(results[0].error_message == "too slow");
  CHECK(results[0].stop_time == 6);
  CHECK(results[0].cpu_user == std::chrono::microseconds(7));
  REQUIRE(recorder.events.size() == 5);
  CHECK(std::get<MessageEvent>(recorder.events[0]).text == "hello");
  CHECK(std::get<BuildStartedEvent>(recorder.events[1]).derivation == wanted.derivation);
  CHECK(std::get<BuildLogEvent>(recorder.events[2]).line == "a line");
  CHECK(std::get<BuildProgressEvent>(recorder.events[3]).failed == 4);
  const auto end = std::get<BuildFinishedEvent>(recorder.events[4]);
  CHECK(end.status == BuildStatus::timed_out);
  CHECK(end.error_message == "too slow");
  CHECK(end.duration_ms == 1234);

  const MissingPlan plan = client->plan(all);
  CHECK(plan.will_build == StorePathSet{wanted.derivation});
  CHECK(plan.nar_bytes == 2);
}

TEST_CASE("cancelling a build stops it in the daemon") {
  RunningServer server;
  std::atomic<bool> stopped = false;
  std::stop_source stop;
  server.realiser.on_realise = [&](auto, const auto&, auto&, const std::stop_token& token) {
    stop.request_stop();
    wait_for_stop(token);
    stopped = true;
    throw Error(Code::cancelled, "the build was stopped");
    return std::vector<BuildResult>();
  };
  const auto client = server.connect();
  const std::vector<DerivingPath> wanted = {BuiltPath{some_path("a.drv"), AllOutputs{}}};
  NullEventSink events;
  CHECK(code_of([&] { client->realise(wanted, {}, events, stop.get_token()); }) == Code::cancelled);
  server.stop();
  CHECK(stopped);
}

TEST_CASE("stopping the server ends its builds, says so, and leaves no socket") {
  RunningServer server;
  std::jthread stopper;
  server.realiser.on_realise = [&](auto, const auto&, auto&, const std::stop_token& token) {
    stopper = std::jthread([&] { server.stop(); });
    wait_for_stop(token);
    throw Error(Code::cancelled, "the build was stopped");
    return std::vector<BuildResult>();
  };
  const auto client = server.connect();
  const std::vector<DerivingPath> wanted = {BuiltPath{some_path("a.drv"), AllOutputs{}}};
  NullEventSink events;
  const auto error = error_of([&] { client->realise(wanted, {}, events, {}); });
  REQUIRE(error);
  CHECK(error->code() == Code::cancelled);
  CHECK(error->message() == "the build was stopped");
  stopper.join();
  CHECK(::access(server.socket().c_str(), F_OK) != 0);
  CHECK(code_of([&] { server.connect(); }) == Code::disconnected);
}

TEST_CASE("a client of many threads has as many connections as it may") {
  RunningServer server;
  const PathInfo info = add_text(server.store, "x", "x");
  const auto client = server.connect(3);
  std::vector<std::jthread> threads;
  std::atomic<int> found = 0;
  for (int number = 0; number < 8; ++number) {
    threads.emplace_back([&] {
      for (int round = 0; round < 20; ++round) found += client->is_valid(info.path) ? 1 : 0;
    });
  }
  threads.clear();
  CHECK(found == 160);
}

TEST_CASE("a client outlives its daemon and finds the next one") {
  const Scratch scratch;
  MemoryStore store;
  FakeRealiser realiser;
  const DaemonServerOptions options{.socket = scratch.path("socket"), .allowed_users = {"*"}};
  std::unique_ptr<DaemonClient> client;
  for (int round = 0; round < 2; ++round) {
    const auto server = DaemonServer::listen(store, realiser, options);
    std::jthread thread([&](std::stop_token stop) { server->serve(stop); });
    if (!client) {
      client = DaemonClient::connect({.socket = options.socket, .store_dir = StoreDir()});
    }
    CHECK(client->all_valid_paths().empty());
  }
  CHECK(code_of([&] { client->all_valid_paths(); }) == Code::disconnected);
}

TEST_CASE("a stale socket is replaced, a live one is not, a file is left alone") {
  const Scratch scratch;
  MemoryStore store;
  FakeRealiser realiser;
  const DaemonServerOptions options{.socket = scratch.path("socket")};
  {
    // As a daemon that was killed leaves it.
    const auto server = DaemonServer::listen(store, realiser, options);
    REQUIRE(::rename(options.socket.c_str(), scratch.path("stale").c_str()) == 0);
  }
  REQUIRE(::rename(scratch.path("stale").c_str(), options.socket.c_str()) == 0);
  const auto server = DaemonServer::listen(store, realiser, options);
  CHECK(code_of([&] { DaemonServer::listen(store, realiser, options); }) == Code::busy);

  scratch.directory().write_file("file", "precious", 0644);
  CHECK(code_of([&] { DaemonServer::listen(store, realiser, {.socket = scratch.path("file")}); }) ==
        Code::invalid_argument);
  CHECK(scratch.directory().read_file("file", 100) == "precious");
}

TEST_CASE("who holds the lock of the socket's directory cannot keep a daemon from serving") {
  const Scratch scratch;
  MemoryStore store;
  FakeRealiser realiser;
  const std::string socket = scratch.path("socket");
  const Descriptor held(::open(scratch.path("").c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  REQUIRE(::flock(held.get(), LOCK_EX | LOCK_NB) == 0);
  REQUIRE(DaemonServer::listen(store, realiser, {.socket = socket}));
  CHECK(::access(socket.c_str(), F_OK) != 0);
}

TEST_CASE("a socket may have a long name") {
  const Scratch scratch;
  MemoryStore store;
  FakeRealiser realiser;
  const std::string socket =
      scratch.path(std::string(100, 'a') + "/" + std::string(100, 'b') + "/socket");
  const auto server =
      DaemonServer::listen(store, realiser, {.socket = socket, .allowed_users = {"*"}});
  std::jthread thread([&](std::stop_token stop) { server->serve(stop); });
  const auto client = DaemonClient::connect({.socket = socket, .store_dir = StoreDir()});
  CHECK(client->all_valid_paths().empty());
  thread.request_stop();
  thread.join();
  CHECK(::access(socket.c_str(), F_OK) != 0);
}

TEST_CASE("nobody listens") {
  const Scratch scratch;
  const auto connect = [&](const std::string& socket) {
    return error_of([&] { DaemonClient::connect({.socket = socket, .store_dir = StoreDir()}); });
  };
  const auto error = connect(scratch.path("socket"));
  REQUIRE(error);
  CHECK(error->code() == Code::disconnected);
  CHECK(error->subject() == scratch.path("socket"));
  CHECK_FALSE(error->hint().empty());
  CHECK(connect(scratch.path("no/such/" + std::string(120, 'x')))->code() == Code::disconnected);
}

}  // namespace cinch::test
