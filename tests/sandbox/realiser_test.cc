// Derivations in, valid paths out: store, coordinator, sandbox and outputs together.
#include "catch.hh"
#include "own_process.hh"
#include "realiser_fixture.hh"

#include <cinch/core/error.hh>
#include <cinch/core/nar.hh>

#include <chrono>
#include <cstdlib>
#include <stdexcept>
#include <thread>

#include <sys/mount.h>
#include <sys/stat.h>

namespace cinch::test {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

TEST_CASE("a chain is built, registered with its references, and logged") {
  RealiserFixture fixture;
  StorePath first = fixture.add("first", "echo building first; echo hello > $out");
  Derivation derivation = RealiserFixture::shell(
      "second", "printf 'building second' >&2; echo $first > $out; cat $first >> $out");
  fixture.use(derivation, "first", first);
  StorePath second = fixture.add(derivation);

  BuildResult result = fixture.realise(second);
  INFO(result.error_message);
  REQUIRE(result.status == BuildStatus::built);
  StorePath output = fixture.output(second);
  CHECK(result.outputs == std::map<std::string, StorePath>{{"out", output}});
  CHECK(result.times_built == 1);
  CHECK(result.start_time > 1'600'000'000);
  CHECK(result.stop_time >= result.start_time);
  CHECK(result.cpu_user.has_value());

  PathInfo info = fixture.store().require(output);
  CHECK(info.references == StorePathSet{fixture.output(first)});
  CHECK(info.deriver == second);
  CHECK(info.ultimate);
  CHECK(info.registration_time >= result.start_time);
  CHECK_FALSE(info.content_address);
  CHECK(fixture.contents(output) ==
        fixture.store().store_dir().print(fixture.output(first)) + "\nhello\n");
  CHECK(fixture.log(first) == "building first\n");
  CHECK(fixture.log(second) == "building second");
  CHECK(fixture.events.log() == "building first\nbuilding second\n");
  CHECK(fixture.left_overs() == 0);
}

TEST_CASE("events tell the whole story in order") {
  RealiserFixture fixture;
  StorePath path = fixture.add("story", "echo one; echo two; : > $out");
  fixture.realise(path);
  std::string story;
  for (const Event& event : fixture.events.events) {
    if (std::holds_alternative<BuildStartedEvent>(event)) story += "started ";
    if (const auto* line = std::get_if<BuildLogEvent>(&event)) story += line->line + " ";
    if (std::holds_alternative<BuildFinishedEvent>(event)) story += "finished";
  }
  CHECK(story == "started one two finished");
  CHECK(std::holds_alternative<BuildProgressEvent>(fixture.events.events.back()));
  BuildFinishedEvent finished = fixture.events.all<BuildFinishedEvent>().front();
  CHECK(finished.derivation == path);
  CHECK(finished.status == BuildStatus::built);
  BuildProgressEvent last = fixture.events.all<BuildProgressEvent>().back();
  CHECK(last.done == 1);
  CHECK(last.expected == 1);
  CHECK(last.running == 0);
  CHECK(last.failed == 0);
}

TEST_CASE("what is valid is not built again") {
  RealiserFixture fixture;
  StorePath path = fixture.add("once", "echo x > $out");
  CHECK(fixture.realise(path).status == BuildStatus::built);
  BuildResult again = fixture.realise(path);
  CHECK(again.status == BuildStatus::already_valid);
  CHECK(again.outputs.at("out") == fixture.output(path));
  CHECK(fixture.builder().runs == 1);
}

TEST_CASE("a failure names derivation, status and log, and shows the last lines") {
  RealiserFixture fixture;
  fixture.settings.log_lines = 2;
  StorePath path = fixture.add("failing", "echo a; echo b; echo c >&2; : > $out; exit 3");
  BuildResult result = fixture.realise(path);
  CHECK(result.status == BuildStatus::permanent_failure);
  CHECK(result.error_message == "builder for '" + fixture.store().store_dir().print(path) +
                                    "' failed with exit code 3;\nlast 2 log lines:\n> b\n> c\n" +
                                    "the log is at: " + fixture.store().log_location(path));
  CHECK_FALSE(fixture.store().is_valid(fixture.output(path)));
  CHECK(fixture.log(path) == "a\nb\nc\n");
  CHECK(fixture.left_overs() == 0);
}

TEST_CASE("ways to fail have their own status") {
  RealiserFixture fixture;
  fixture.settings.timeout = 1s;
  fixture.settings.max_build_log_size = 100;
  StorePath late = fixture.add("late", "sleep 100");
  StorePath loud = fixture.add("loud", "yes");
  Derivation crashing = RealiserFixture::shell("crashing", "");
  crashing.builder = "/probe";
  crashing.arguments = {"crash"};
  Derivation absent = RealiserFixture::shell("absent", "");
  absent.builder = "/no/such/builder";
  auto results = fixture.realise({late, loud, fixture.add(crashing), fixture.add(absent)},
                                 {.keep_going = true});
  CHECK(results[0].status == BuildStatus::timed_out);
  CHECK(contains(results[0].error_message, "ran for more than 1 second"));
  CHECK(results[1].status == BuildStatus::log_limit_exceeded);
  CHECK(contains(results[1].error_message, "printed more than 100 bytes"));
  CHECK(results[2].status == BuildStatus::permanent_failure);
  CHECK(contains(results[2].error_message, "was killed by signal 11 (Segmentation fault)"));
  CHECK(results[3].status == BuildStatus::permanent_failure);
  CHECK(contains(results[3].error_message, "No such file or directory"));
}

TEST_CASE("a builder that makes no output has failed") {
  RealiserFixture fixture;
  StorePath path = fixture.add("nothing", "echo a; echo b");
  BuildResult result = fixture.realise(path);
  CHECK(result.status == BuildStatus::output_rejected);
  CHECK(contains(result.error_message, ";\nlast 2 log lines:\n> a\n> b\nthe log is at: " +
                                           fixture.store().log_location(path)));
  CHECK(contains(result.error_message, "succeeded but did not create its output 'out' at '" +
                                           fixture.store().store_dir().print(fixture.output(path)) +
                                           "'"));
}

TEST_CASE("without keep-going a failure ends the request, with it the rest is built") {
  RealiserFixture fixture;
  StorePath bad = fixture.add("bad", "exit 1");
  Derivation needs = RealiserFixture::shell("needs", ": > $out");
  fixture.use(needs, "bad", bad);
  StorePath needs_bad = fixture.add(needs);
  StorePath good = fixture.add("good", ": > $out");
  auto results = fixture.realise({needs_bad, good}, {.keep_going = true});
  CHECK(results[0].status == BuildStatus::dependency_failed);
  CHECK(contains(results[0].error_message, "failed with exit code 1"));
  CHECK(results[1].status == BuildStatus::built);

  StorePath other = fixture.add("other", ": > $out");
  results = fixture.realise({bad, other});
  CHECK(results[0].status == BuildStatus::permanent_failure);
  CHECK(results[1].status == BuildStatus::misc_failure);
  CHECK_FALSE(fixture.store().is_valid(fixture.output(other)));
}

TEST_CASE("a full disk is told from a builder's own failure") {
  Scratch scratch;
  int status = in_a_process(
      [&] {
        if (!enter_namespaces(CLONE_NEWUSER | CLONE_NEWNS)) return 1;
        if (mount("tmpfs", scratch.path().c_str(), "tmpfs", 0, "size=9m") != 0) return 2;
        setenv("TMPDIR", scratch.path().c_str(), 1);
        RealiserFixture fixture;
        StorePath path = fixture.add("large", "head -c 20000000 /dev/zero > $out");
        BuildResult result = fixture.realise(path);
        if (result.status != BuildStatus::transient_failure) return 3;
        if (!contains(result.error_message, "the disk is nearly full")) return 4;
        if (!contains(result.error_message, "No space left on device")) return 5;
        if (fixture.left_overs() != 0) return 6;
        path = fixture.add("loud", "head -c 9000000 /dev/urandom | base64");
        result = fixture.realise(path);
        if (result.status != BuildStatus::transient_failure) return 7;
        if (!contains(result.error_message, "while building '")) return 8;
        if (!contains(result.error_message, "make room on the disk")) return 9;
        return fixture.left_overs() == 0 ? 0 : 10;
      },
      [](pid_t) {});
  CHECK(status == 0);
}

TEST_CASE("several outputs may refer to each other, but not in a cycle") {
  RealiserFixture fixture;
  Derivation derivation = RealiserFixture::shell("several", "echo $dev $out > $out; echo x > $dev");
  derivation.outputs.emplace("dev", DeferredOutput{});
  derivation.environment["dev"] = "";
  StorePath path = fixture.add(derivation);
  BuildResult result = fixture.realise(path);
  INFO(result.error_message);
  REQUIRE(result.status == BuildStatus::built);
  StorePath out = fixture.output(path);
  StorePath dev = fixture.output(path, "dev");
  CHECK(fixture.store().require(out).references == StorePathSet{out, dev});
  CHECK(fixture.store().require(dev).references.empty());

  derivation = RealiserFixture::shell("cyclic", "echo $dev > $out; echo $out > $dev");
  derivation.outputs.emplace("dev", DeferredOutput{});
  derivation.environment["dev"] = "";
  path = fixture.add(derivation);
  result = fixture.realise(path);
  CHECK(result.status == BuildStatus::output_rejected);
  CHECK(contains(result.error_message, "cycle"));
  CHECK_FALSE(fixture.store().is_valid(fixture.output(path)));
}

TEST_CASE("one output alone can be asked for") {
  RealiserFixture fixture;
  Derivation derivation = RealiserFixture::shell("several", ": > $out; : > $dev");
  derivation.outputs.emplace("dev", DeferredOutput{});
  derivation.environment["dev"] = "";
  StorePath path = fixture.add(derivation);
  std::vector<DerivingPath> wanted = {BuiltPath{path, std::set<std::string>{"dev"}},
                                      BuiltPath{path, std::set<std::string>{"lib"}}};
  auto results = fixture.realiser().realise(wanted, {}, fixture.events, {});
  CHECK(results[0].status == BuildStatus::built);
  CHECK(results[0].outputs ==
        std::map<std::string, StorePath>{{"dev", fixture.output(path, "dev")}});
  CHECK(results[1].status == BuildStatus::input_rejected);
  CHECK(contains(results[1].error_message, "has no output 'lib'"));
}

TEST_CASE("outputs are written anew, in canonical form") {
  RealiserFixture fixture;
  StorePath path =
      fixture.add("modes",
                  "mkdir $out; cd $out; echo x > plain; echo y > program; chmod 711 program;"
                  "echo z > open; chmod 666 open; ln -s plain link; ln plain ../held");
  REQUIRE(fixture.realise(path).status == BuildStatus::built);
  std::string real = fixture.store().real_path(fixture.output(path));
  auto status = [&](const std::string& name) {
    struct stat found {};
    REQUIRE(lstat((real + name).c_str(), &found) == 0);
    return found;
  };
  CHECK((status("").st_mode & 07777) == 0555);
  CHECK((status("/plain").st_mode & 07777) == 0444);
  CHECK((status("/open").st_mode & 07777) == 0444);
  CHECK((status("/program").st_mode & 07777) == 0555);
  CHECK(status("/plain").st_mtime == 1);
  CHECK(status("/link").st_mtime == 1);
  CHECK(status("/plain").st_nlink == 1);
}

TEST_CASE("a fixed output must be what was promised") {
  RealiserFixture fixture;
  Hash right = hash_bytes(HashAlgorithm::sha256, as_bytes("contents\n"));
  Hash wrong = hash_bytes(HashAlgorithm::sha256, as_bytes("something else"));
  StorePath good = fixture.add(
      RealiserFixture::fixed("good", "echo contents > $out", {ContentAddressMethod::flat, right}));
  CHECK(fixture.realise(good).status == BuildStatus::built);
  PathInfo info = fixture.store().require(fixture.output(good));
  CHECK(info.content_address == ContentAddress{ContentAddressMethod::flat, right});
  CHECK(info.is_content_addressed(fixture.store().store_dir()));

  StorePath bad = fixture.add(
      RealiserFixture::fixed("bad", "echo contents > $out", {ContentAddressMethod::flat, wrong}));
  BuildResult result = fixture.realise(bad);
  CHECK(result.status == BuildStatus::output_rejected);
  CHECK(contains(result.error_message, "hash mismatch in fixed-output derivation '" +
                                           fixture.store().store_dir().print(bad) + "'"));
  CHECK(contains(result.error_message, "specified: " + wrong.to_string(HashFormat::sri)));
  CHECK(contains(result.error_message, "got:    " + right.to_string(HashFormat::sri)));
  CHECK_FALSE(fixture.store().is_valid(fixture.output(bad)));

  StorePath program = fixture.add(RealiserFixture::fixed(
      "program", "echo contents > $out; chmod +x $out", {ContentAddressMethod::flat, right}));
  CHECK(contains(fixture.realise(program).error_message, "not executable"));
}

TEST_CASE("a fixed output of a whole tree, with another algorithm") {
  RealiserFixture fixture;
  StringSink nar(1 << 20);
  NarWriter writer(nar);
  writer.file(2, true);
  writer.contents(as_bytes("x\n"));
  writer.leave();
  writer.finish();
  for (HashAlgorithm algorithm : {HashAlgorithm::sha256, HashAlgorithm::sha1}) {
    ContentAddress address{ContentAddressMethod::nar, hash_bytes(algorithm, as_bytes(nar.text()))};
    StorePath path =
        fixture.add(RealiserFixture::fixed("tree", "echo x > $out; chmod +x $out", address));
    BuildResult result = fixture.realise(path);
    INFO(result.error_message);
    CHECK(result.status == BuildStatus::built);
    CHECK(fixture.store().require(fixture.output(path)).content_address == address);
  }
}

TEST_CASE("a fixed output may ask for variables of the caller, others may not") {
  RealiserFixture fixture;
  fixture.impure_environment = {{"http_proxy", "http://proxy"}, {"SECRET", "x"}};
  std::string script = "echo $http_proxy,$SECRET,$NIX_OUTPUT_CHECKED > $out";
  Hash hash = hash_bytes(HashAlgorithm::sha256, as_bytes("http://proxy,,1\n"));
  Derivation derivation =
      RealiserFixture::fixed("proxy", script, {ContentAddressMethod::flat, hash});
  derivation.environment["impureEnvVars"] = "http_proxy https_proxy";
  CHECK(fixture.realise(fixture.add(derivation)).status == BuildStatus::built);
  derivation = RealiserFixture::shell("no-proxy", script);
  derivation.environment["impureEnvVars"] = "http_proxy https_proxy";
  StorePath path = fixture.add(derivation);
  fixture.realise(path);
  CHECK(fixture.contents(fixture.output(path)) == ",,\n");
}

TEST_CASE("outputs that no store can hold are refused, and leave nothing") {
  RealiserFixture fixture;
  StorePath path = fixture.add("socket", "mkdir $out; echo x > $out/a; /probe socket $out/s");
  BuildResult result = fixture.realise(path);
  CHECK(result.status == BuildStatus::output_rejected);
  CHECK(contains(result.error_message, "/s"));
  CHECK_FALSE(fixture.store().is_valid(fixture.output(path)));
  struct stat status {};
  CHECK(lstat(fixture.store().real_path(fixture.output(path)).c_str(), &status) != 0);
  CHECK(fixture.left_overs() == 0);
}

TEST_CASE("an output may be a symlink, also to nowhere") {
  RealiserFixture fixture;
  StorePath path = fixture.add("link", "ln -s nowhere $out");
  CHECK(fixture.realise(path).status == BuildStatus::built);
}

TEST_CASE("two jobs run at a time") {
  RealiserFixture fixture(2);
  std::vector<StorePath> paths;
  for (int i = 0; i < 4; ++i) {
    paths.push_back(fixture.add("sleeper" + std::to_string(i), "sleep 0.5; : > $out"));
  }
  for (const BuildResult& result : fixture.realise(paths)) CHECK(result.succeeded());
  CHECK(fixture.builder().runs == 4);
  CHECK(fixture.builder().most_at_once == 2);
}

TEST_CASE("two callers who want the same share one build") {
  RealiserFixture fixture(4);
  StorePath path = fixture.add("shared", "echo line; sleep 0.3; : > $out");
  Realiser& realiser = fixture.realiser();
  RecordingSink sinks[2];
  BuildResult results[2] = {{.wanted = OpaquePath{path}}, {.wanted = OpaquePath{path}}};
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 2; ++i) {
      threads.emplace_back([&, i] {
        std::vector<DerivingPath> wanted = {BuiltPath{path, AllOutputs{}}};
        results[i] = realiser.realise(wanted, {}, sinks[i], {}).front();
      });
    }
  }
  CHECK(results[0].succeeded());
  CHECK(results[1].succeeded());
  CHECK(fixture.builder().runs == 1);
}

TEST_CASE("a cancelled request leaves no process, no directory and no lock") {
  RealiserFixture fixture(2);
  StorePath path = fixture.add("endless", "sleep 1000; : > $out");
  std::stop_source stop;
  std::jthread stopper([&] {
    std::this_thread::sleep_for(200ms);
    stop.request_stop();
  });
  Clock::time_point start = Clock::now();
  CHECK(code_of([&] { fixture.realise({path}, {}, stop.get_token()); }) == Code::cancelled);
  CHECK(Clock::now() - start < 2s);
  CHECK(fixture.left_overs() == 0);
  auto lock = fixture.store().lock({fixture.output(path)}, {}, [] { FAIL("it is locked"); });
  CHECK(lock);
}

TEST_CASE("cancelling one caller leaves the other's build alone") {
  RealiserFixture fixture(2);
  StorePath path = fixture.add("wanted-twice", "sleep 0.6; : > $out");
  Realiser& realiser = fixture.realiser();
  std::stop_source stop;
  std::jthread other([&] {
    NullEventSink sink;
    std::vector<DerivingPath> wanted = {BuiltPath{path, AllOutputs{}}};
    code_of([&] { realiser.realise(wanted, {}, sink, stop.get_token()); });
  });
  std::jthread stopper([&] {
    std::this_thread::sleep_for(200ms);
    stop.request_stop();
  });
  CHECK(fixture.realise(path).status == BuildStatus::built);
  CHECK(fixture.builder().runs == 1);
}

TEST_CASE("an exception from the sink comes out of the call, and stops the build") {
  class ThrowingSink final : public EventSink {
    void emit(const Event& event) override {
      if (std::holds_alternative<BuildLogEvent>(event)) throw std::runtime_error("enough");
    }
  };
  RealiserFixture fixture;
  StorePath path = fixture.add("talker", "echo x; sleep 1000; : > $out");
  ThrowingSink sink;
  std::vector<DerivingPath> wanted = {BuiltPath{path, AllOutputs{}}};
  CHECK_THROWS_AS(fixture.realiser().realise(wanted, {}, sink, {}), std::runtime_error);
  CHECK(fixture.left_overs() == 0);
}

TEST_CASE("what is wanted but cannot be had is a result") {
  RealiserFixture fixture;
  StorePath unknown = StorePath::parse("00000000000000000000000000000000-unknown");
  StorePath unknown_drv = StorePath::parse("00000000000000000000000000000000-unknown.drv");
  StorePath known = fixture.add("known", ": > $out");
  std::vector<DerivingPath> wanted = {OpaquePath{unknown}, OpaquePath{known},
                                      BuiltPath{unknown_drv, AllOutputs{}}};
  auto results = fixture.realiser().realise(wanted, {}, fixture.events, {});
  CHECK(results[0].status == BuildStatus::no_substituters);
  CHECK(contains(results[0].error_message, "is not valid"));
  CHECK(results[1].status == BuildStatus::already_valid);
  CHECK(results[2].status == BuildStatus::misc_failure);
  CHECK(contains(results[2].error_message, "is not in the store"));
}

TEST_CASE("what cannot be built here is refused with the reason") {
  RealiserFixture fixture;
  auto message = [&](const std::function<void(Derivation&)>& change) {
    Derivation derivation = RealiserFixture::shell("refused", ": > $out");
    change(derivation);
    BuildResult result = fixture.realise(fixture.add(derivation));
    CHECK(result.status == BuildStatus::input_rejected);
    return result.error_message;
  };
  CHECK(contains(message([](Derivation& it) { it.system = "riscv64-linux"; }),
                 "it needs a machine of type 'riscv64-linux'"));
  CHECK(contains(message([](Derivation& it) { it.builder = "builtin:fetchurl"; }),
                 "'builtin:fetchurl'"));
  CHECK(contains(message([](Derivation& it) { it.environment["requiredSystemFeatures"] = "gpu"; }),
                 "asks for 'gpu'"));
  CHECK(contains(message([](Derivation& it) { it.environment["__noChroot"] = "1"; }),
                 "'__noChroot'"));
  CHECK(contains(message([](Derivation& it) { it.environment["__impureHostDeps"] = "/x"; }),
                 "'__impureHostDeps'"));
  CHECK(fixture.builder().runs == 0);
}

TEST_CASE("settings that allow no build say so") {
  RealiserFixture fixture;
  fixture.settings.max_jobs = 0;
  CHECK(contains(fixture.realise(fixture.add("x", ": > $out")).error_message, "max-jobs is 0"));
  RealiserFixture unsandboxed;
  unsandboxed.settings.sandbox = SandboxMode::off;
  CHECK(contains(unsandboxed.realise(unsandboxed.add("x", ": > $out")).error_message,
                 "in a sandbox only"));
}

TEST_CASE("what is checked is built again, and compared with what is there") {
  RealiserFixture fixture;
  const StorePath same = fixture.add("same", "echo 1 > $out");
  const StorePath other =
      fixture.add("other", "read line < /proc/sys/kernel/random/uuid; echo $line > $out");
  REQUIRE(fixture.realise(same).succeeded());
  REQUIRE(fixture.realise(other).succeeded());
  const std::string before = fixture.contents(fixture.output(other));
  CHECK(fixture.realise({same}, {.mode = BuildMode::check}).at(0).succeeded());
  CHECK(fixture.realise({other}, {.mode = BuildMode::check}).at(0).status ==
        BuildStatus::not_deterministic);
  CHECK(fixture.builder().runs == 4);
  CHECK(fixture.contents(fixture.output(other)) == before);
}

TEST_CASE("a failed build's directory is kept if asked for") {
  RealiserFixture fixture;
  fixture.settings.keep_failed = true;
  StorePath path = fixture.add("failing", "echo evidence > file; exit 1");
  std::string message = fixture.realise(path).error_message;
  std::string mark = "\nthe build directory was kept at: ";
  REQUIRE(contains(message, mark));
  std::string kept = message.substr(message.find(mark) + mark.size());
  CHECK(Directory::open(kept).read_file("file", 100) == "evidence\n");
}

TEST_CASE("input sources and their closures are shown, nothing else is") {
  RealiserFixture fixture;
  auto add_text = [&](const std::string& name, const std::string& text, StorePathSet references) {
    StringSource source(text);
    return fixture.store()
        .add_content({.name = name,
                      .method = ContentAddressMethod::text,
                      .references = std::move(references)},
                     source)
        .path;
  };
  StorePath inner = add_text("inner", "inner", {});
  StorePath outer = add_text("outer", fixture.store().store_dir().print(inner), {inner});
  StorePath unrelated = add_text("unrelated", "unrelated", {});
  Derivation derivation = RealiserFixture::shell("lister", "ls /nix/store; ls /nix/store > $out");
  derivation.input_sources = {outer};
  BuildResult result = fixture.realise(fixture.add(derivation));
  CHECK(result.status == BuildStatus::built);
  CHECK(contains(fixture.events.log(), inner.base_name()));
  CHECK(contains(fixture.events.log(), outer.base_name()));
  CHECK_FALSE(contains(fixture.events.log(), unrelated.base_name()));
  CHECK(fixture.store().require(result.outputs.at("out")).references ==
        StorePathSet{inner, outer, result.outputs.at("out")});
}

TEST_CASE("a plan tells what would be built, and changes nothing") {
  RealiserFixture fixture;
  StorePath first = fixture.add("first", ": > $out");
  Derivation derivation = RealiserFixture::shell("second", ": > $out");
  fixture.use(derivation, "first", first);
  StorePath second = fixture.add(derivation);
  StorePath unknown = StorePath::parse("00000000000000000000000000000000-unknown");
  std::vector<DerivingPath> wanted = {BuiltPath{second, AllOutputs{}}, OpaquePath{unknown}};
  MissingPlan plan = fixture.realiser().plan(wanted);
  CHECK(plan.will_build == StorePathSet{first, second});
  CHECK(plan.unknown == StorePathSet{unknown});
  CHECK(plan.will_substitute.empty());
  fixture.realise(first);
  CHECK(fixture.realiser().plan(wanted).will_build == StorePathSet{second});
}

}  // namespace
}  // namespace cinch::test
