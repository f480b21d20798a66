// Builds in repair mode: what is damaged or missing is built, and nothing else is.
#include "catch.hh"
#include "own_process.hh"
#include "realiser_fixture.hh"

#include <cinch/core/error.hh>
#include <cinch/core/maintenance.hh>

#include <filesystem>
#include <fstream>
#include <stdexcept>

#include <sys/stat.h>

namespace cinch::test {
namespace {

constexpr RealiseOptions repair = {.mode = BuildMode::repair};

void damage(RealiserFixture& fixture, const StorePath& path) {
  const std::string name = fixture.store().real_path(path);
  REQUIRE(::chmod(name.c_str(), 0644) == 0);
  std::ofstream(name, std::ios::trunc) << "evil";
  REQUIRE(::chmod(name.c_str(), 0444) == 0);
}

struct Chain {
  explicit Chain(RealiserFixture& fixture) : first(fixture.add("first", "echo one > $out")) {
    Derivation derivation = RealiserFixture::shell("second", "echo $first > $out");
    fixture.use(derivation, "first", first);
    second = fixture.add(derivation);
    REQUIRE(fixture.realise(second).succeeded());
  }
  StorePath first;
  StorePath second = first;
};

class ThrowingSink final : public EventSink {
 public:
  void emit(const Event&) override { throw Error(Code::io, "nobody listens"); }
};

TEST_CASE("only what is damaged is built again, and the closure is looked at") {
  RealiserFixture fixture;
  const Chain chain(fixture);
  CHECK(fixture.realise({chain.second}, repair).at(0).status == BuildStatus::already_valid);
  CHECK(fixture.builder().runs == 2);
  const StorePath output = fixture.output(chain.first);
  SECTION("in the closure") {
    damage(fixture, output);
    const BuildResult result = fixture.realise({chain.second}, repair).at(0);
    CHECK(result.status == BuildStatus::already_valid);
    CHECK(result.outputs.at("out") == fixture.output(chain.second));
    CHECK(fixture.builder().runs == 3);
  }
  SECTION("and what needs it") {
    damage(fixture, output);
    std::filesystem::remove(fixture.store().real_path(fixture.output(chain.second)));
    CHECK(fixture.realise({chain.second, chain.first}, repair).at(0).status == BuildStatus::built);
    CHECK(fixture.builder().runs == 4);
  }
  CHECK(fixture.contents(output) == "one\n");
  CHECK(fixture.store().verify({.check_contents = true}).problems.empty());
  CHECK(fixture.left_overs() == 0);
}

TEST_CASE("a plain path is built again by its deriver") {
  RealiserFixture fixture;
  const Chain chain(fixture);
  const StorePath output = fixture.output(chain.first);
  damage(fixture, output);
  const std::vector<DerivingPath> wanted = {OpaquePath{output}, OpaquePath{chain.second}};
  for (const BuildResult& result : fixture.realiser().realise(wanted, repair, fixture.events, {})) {
    CHECK(result.succeeded());
  }
  CHECK(fixture.contents(output) == "one\n");
  CHECK(fixture.builder().runs == 3);
}

TEST_CASE("verifying with a builder builds again what no other store has") {
  RealiserFixture fixture;
  const Chain chain(fixture);
  damage(fixture, fixture.output(chain.first));
  damage(fixture, fixture.output(chain.second));
  VerifyOptions options{.check_contents = true, .repair = true};
  CHECK(fixture.store().verify(options).problems.size() == 2);
  options.builder = &fixture.realiser();
  options.events = &fixture.events;
  const VerifyReport report = fixture.store().verify(options);
  REQUIRE(report.problems.size() == 2);
  for (const VerifyProblem& problem : report.problems) CHECK(problem.solved);
  CHECK(fixture.store().verify({.check_contents = true}).problems.empty());
}

TEST_CASE("a sink that throws, and a stop, end a repair") {
  RealiserFixture fixture;
  const Chain chain(fixture);
  damage(fixture, fixture.output(chain.first));
  const std::vector<DerivingPath> wanted = {BuiltPath{chain.first, AllOutputs{}}};
  ThrowingSink sink;
  CHECK(code_of([&] { fixture.realiser().realise(wanted, repair, sink, {}); }) == Code::io);
  std::stop_source stop;
  stop.request_stop();
  CHECK(code_of([&] {
          fixture.realiser().realise(wanted, repair, fixture.events, stop.get_token());
        }) == Code::cancelled);
  CHECK(fixture.contents(fixture.output(chain.first)) == "evil");
}

TEST_CASE("a long chain of missing inputs needs no stack") {
  RealiserFixture fixture;
  StorePath last = fixture.add("step", "echo 0 > $out");
  for (int number = 1; number < 40; ++number) {
    Derivation derivation =
        RealiserFixture::shell("step", "echo " + std::to_string(number) + " > $out");
    fixture.use(derivation, "before", last);
    last = fixture.add(derivation);
  }
  CHECK(fixture.realise({last}, repair).at(0).status == BuildStatus::built);
  CHECK(fixture.builder().runs == 40);
}

}  // namespace
}  // namespace cinch::test
