// Our client against Nix's daemon.
#include "catch.hh"
#include "errors.hh"
#include "nix.hh"

#include <cinch/core/derivation_hash.hh>
#include <cinch/core/nar.hh>
#include <cinch/remote/daemon_client.hh>

#include <memory>
#include <string>
#include <thread>
#include <vector>

namespace cinch::test {
namespace {

std::unique_ptr<DaemonClient> connect(const NixWorld& world) {
  return DaemonClient::connect(
      {.socket = world.socket(), .store_dir = StoreDir(world.store_dir())});
}

std::string file_nar(std::string_view contents) {
  StringSink nar(std::uint64_t{1} << 30);
  NarWriter writer(nar);
  writer.file(contents.size(), false);
  writer.contents(as_bytes(contents));
  writer.leave();
  writer.finish();
  return nar.take();
}

PathInfo add(Store& store, const std::string& name, const std::string& content,
             ContentAddressMethod method, StorePathSet references = {}) {
  StringSource source(content);
  return store.add_content({.name = name, .method = method, .references = std::move(references)},
                           source);
}

Derivation shell_derivation(const StoreDir& store_dir, const std::string& name,
                            const std::string& script) {
  Derivation derivation{.name = name,
                        .outputs = {{"out", DeferredOutput{}}},
                        .system = "x86_64-linux",
                        .builder = "/bin/sh",
                        .arguments = {"-c", script},
                        .environment = {{"out", ""}}};
  DerivationHasher hasher(store_dir, [](const StorePath&) -> Derivation {
    throw Error(Code::not_found, "there are no inputs");
  });
  hasher.fill_in_outputs(derivation);
  return derivation;
}

class Recorder final : public EventSink {
 public:
  void emit(const Event& event) override { events.push_back(event); }
  std::vector<Event> events;
};

}  // namespace

TEST_CASE("our client adds to and asks Nix's daemon") {
  const NixWorld world;
  const NixDaemon daemon(world);
  const auto client = connect(world);
  CHECK(world.nix({"nix", "--version"}) == "nix (Nix) " + client->daemon_version() + "\n");

  const PathInfo text = add(*client, "text", "hello", ContentAddressMethod::text);
  const PathInfo flat = add(*client, "flat", "hello", ContentAddressMethod::flat);
  const std::string nar = file_nar(std::string(3'000'000, 'x'));
  const PathInfo tree = add(*client, "tree", nar, ContentAddressMethod::nar);
  const PathInfo user = add(*client, "user", "uses " + client->store_dir().print(text.path),
                            ContentAddressMethod::text, {text.path});
  CHECK(tree.nar_hash == hash_bytes(HashAlgorithm::sha256, as_bytes(nar)));

  const StorePath missing = StorePath::parse("g1w7hy3qg1w7hy3qg1w7hy3qg1w7hy3q-x");
  const std::vector<StorePath> paths = {text.path, missing, tree.path, user.path, flat.path};
  const auto found = client->find(paths);
  REQUIRE(found.size() == 5);
  CHECK(found[0] == text);
  CHECK_FALSE(found[1]);
  CHECK(found[2] == tree);
  CHECK(found[3] == user);
  CHECK(found[4] == flat);
  CHECK(client->find_valid({paths.begin(), paths.end()}).size() == 4);
  CHECK(client->all_valid_paths().size() == 4);
  CHECK(client->find_referrers(paths)[0] == StorePathSet{user.path});
  CHECK(client->find_derivers(paths)[0].empty());
  CHECK(client->find_by_hash_part(tree.path.hash_part()) == tree.path);
  client->add_temporary_roots(paths);

  StringSink copy(nar.size());
  client->read_nar(tree.path, copy);
  CHECK(copy.text() == nar);
  StringSink none(100);
  CHECK(code_of([&] { client->read_nar(missing, none); }) == Code::not_found);
  CHECK(client->is_valid(tree.path));
}

TEST_CASE("our client registers realisations with Nix's daemon, and finds them") {
  const NixWorld world("nix-command ca-derivations");
  const NixDaemon daemon(world);
  const auto client = connect(world);
  const StorePath a = add(*client, "a", "a", ContentAddressMethod::text).path;
  const StorePath b = add(*client, "b", "b", ContentAddressMethod::text).path;
  const auto key = [](char digit) {
    return HashedRealisationKey::parse("sha256:" + std::string(64, digit) + "!out");
  };
  HashedRealisation first{.key = key('1'), .path = a, .signatures = {}, .dependencies = {}};
  first.signatures = {SecretKey::generate("key").sign(first.fingerprint())};
  const HashedRealisation second{
      .key = key('2'), .path = b, .signatures = {}, .dependencies = {{first.key, a}}};
  const std::vector both{first, second};
  client->register_hashed_realisations(both, SignaturePolicy::accept_unsigned);
  const std::vector keys{second.key, key('3'), first.key};
  const auto found = client->find_hashed_realisations(keys);
  REQUIRE(found.size() == 3);
  CHECK(found[0] == second);
  CHECK_FALSE(found[1]);
  CHECK(found[2] == first);
  // This daemon's version knows no other form.
  CHECK(client->realisation_forms().by_hash);
  CHECK_FALSE(client->realisation_forms().by_path);
  const RealisationKey named{
      .derivation = StorePath::parse("g1w7hy3qg1w7hy3qg1w7hy3qg1w7hy3q-x.drv"), .output = "out"};
  CHECK(code_of([&] { client->find_realisations({&named, 1}); }) == Code::not_supported);
}

TEST_CASE("our client copies NARs into Nix's daemon, and hears its refusals") {
  const NixWorld world;
  const NixDaemon daemon(world);
  const auto client = connect(world);
  const std::string nar = file_nar(std::string(1'000'000, 'y'));
  PathInfo info{.path = StorePath::parse("g1w7hy3qg1w7hy3qg1w7hy3qg1w7hy3q-copied"),
                .nar_hash = hash_bytes(HashAlgorithm::sha256, as_bytes(nar)),
                .nar_size = nar.size()};
  StringSource unsigned_nar(nar);
  CHECK(code_of([&] { client->add_nar(info, unsigned_nar, SignaturePolicy::require_trusted); }) ==
        Code::not_trusted);
  StringSource source(nar);
  client->add_nar(info, source, SignaturePolicy::accept_unsigned);
  CHECK(client->require(info.path).nar_hash == info.nar_hash);
  const Signature signature = SecretKey::generate("test-1").sign("x");
  client->add_signatures(info.path, {signature});
  CHECK(client->require(info.path).signatures == std::set<Signature>{signature});
}

TEST_CASE("our client builds through Nix's daemon") {
  const NixWorld world;
  const NixDaemon daemon(world);
  const auto client = connect(world);
  const Derivation good =
      shell_derivation(client->store_dir(), "good", "echo line one; echo line two; echo 1 > $out");
  const Derivation bad = shell_derivation(client->store_dir(), "bad", "echo oh no; exit 3");
  const StorePath good_path = client->add_derivation(good);
  const StorePath bad_path = client->add_derivation(bad);
  const std::vector<DerivingPath> wanted = {BuiltPath{good_path, AllOutputs{}},
                                            BuiltPath{bad_path, AllOutputs{}}};
  CHECK(client->plan(wanted).will_build == StorePathSet{good_path, bad_path});

  Recorder recorder;
  const auto results = client->realise(wanted, {.keep_going = true}, recorder, {});
  REQUIRE(results.size() == 2);
  CHECK(results[0].status == BuildStatus::built);
  CHECK(results[0].outputs.at("out") == *good.output_path(client->store_dir(), "out"));
  CHECK(results[1].status == BuildStatus::permanent_failure);
  CHECK(results[1].error_message.find("exit code 3") != std::string::npos);
  std::vector<std::string> lines;
  std::size_t started = 0;
  std::map<StorePath, BuildStatus> ended;
  for (const Event& event : recorder.events) {
    if (const auto* line = std::get_if<BuildLogEvent>(&event)) {
      if (line->derivation == good_path) lines.push_back(line->line);
    } else if (const auto* end = std::get_if<BuildFinishedEvent>(&event)) {
      ended.emplace(end->derivation, end->status);
    } else if (std::holds_alternative<BuildStartedEvent>(event)) {
      ++started;
    }
  }
  CHECK(started == 2);
  CHECK(lines == std::vector<std::string>{"line one", "line two"});
  CHECK(ended == std::map<StorePath, BuildStatus>{{good_path, BuildStatus::built},
                                                  {bad_path, BuildStatus::permanent_failure}});
  CHECK(client->read_derivation(good_path) == good);

  NullEventSink events;
  CHECK(client->realise({wanted.data(), 1}, {}, events, {})[0].status ==
        BuildStatus::already_valid);
}

TEST_CASE("cancelling leaves Nix's daemon at once") {
  const NixWorld world;
  const NixDaemon daemon(world);
  const auto client = connect(world);
  const StorePath path = client->add_derivation(
      shell_derivation(client->store_dir(), "slow", "echo begun; /bin/sleep 60; echo 1 > $out"));
  class StopAtFirstLine final : public EventSink {
   public:
    void emit(const Event& event) override {
      if (std::holds_alternative<BuildLogEvent>(event)) stop.request_stop();
    }
    std::stop_source stop;
  } events;
  const std::vector<DerivingPath> wanted = {BuiltPath{path, AllOutputs{}}};
  const auto begin = std::chrono::steady_clock::now();
  CHECK(code_of([&] { client->realise(wanted, {}, events, events.stop.get_token()); }) ==
        Code::cancelled);
  CHECK(std::chrono::steady_clock::now() - begin < std::chrono::seconds(20));
  CHECK(client->is_valid(path));
}

}  // namespace cinch::test
