#include "catch.hh"
#include "derivations.hh"
#include "memory_store.hh"

#include <cinch/core/derivation_hash.hh>
#include <cinch/core/realiser.hh>

#include <initializer_list>

namespace cinch {

using test::MemoryStore;

namespace {

struct Fixture {
  MemoryStore store;
  StorePath fixed = store.add_derivation(test::fixed_derivation());
  StorePath other = [&] {
    Derivation derivation = test::simple_derivation();
    DerivationHasher(store.store_dir(), [&](const StorePath& path) {
      return store.read_derivation(path);
    }).fill_in_outputs(derivation);
    return store.add_derivation(derivation);
  }();

  BuildResult result(BuildStatus status, bool of_fixed = false) const {
    return {.wanted = BuiltPath{of_fixed ? fixed : other, AllOutputs{}}, .status = status};
  }
  int status(std::initializer_list<BuildResult> results) {
    return build_exit_status(store, {results.begin(), results.end()});
  }
};

}  // namespace

TEST_CASE("exit statuses of builds are Nix's") {
  Fixture of;
  CHECK(of.status({}) == 0);
  for (const BuildStatus good :
       {BuildStatus::built, BuildStatus::substituted, BuildStatus::already_valid}) {
    CHECK(of.status({of.result(good)}) == 0);
  }
  for (const BuildStatus failed :
       {BuildStatus::permanent_failure, BuildStatus::input_rejected, BuildStatus::transient_failure,
        BuildStatus::cached_failure, BuildStatus::dependency_failed,
        BuildStatus::log_limit_exceeded, BuildStatus::output_rejected}) {
    CHECK(of.status({of.result(failed)}) == 100);
  }
  CHECK(of.status({of.result(BuildStatus::timed_out)}) == 101);
  CHECK(of.status({of.result(BuildStatus::output_rejected, true)}) == 102);
  CHECK(of.status({of.result(BuildStatus::not_deterministic)}) == 104);
  CHECK(of.status({of.result(BuildStatus::misc_failure)}) == 1);
  CHECK(of.status({{.wanted = OpaquePath{of.other}, .status = BuildStatus::no_substituters}}) == 1);
}

TEST_CASE("exit statuses of several builds have all their bits") {
  Fixture of;
  CHECK(of.status({of.result(BuildStatus::built), of.result(BuildStatus::timed_out),
                   of.result(BuildStatus::output_rejected, true)}) == 103);
  CHECK(of.status({of.result(BuildStatus::misc_failure),
                   of.result(BuildStatus::permanent_failure)}) == 100);
}

TEST_CASE("a failure without a sentence gets one") {
  Fixture of;
  BuildResult result = of.result(BuildStatus::timed_out);
  CHECK(describe_failure(result, StoreDir()) ==
        "cannot build '" + StoreDir().print(of.other) + "^*': TimedOut");
  result.error_message = "it took too long";
  CHECK(describe_failure(result, StoreDir()) == "it took too long");
}

}  // namespace cinch
