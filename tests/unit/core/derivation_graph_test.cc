#include "catch.hh"
#include "derivations.hh"
#include "errors.hh"
#include "memory_store.hh"

#include <cinch/core/derivation_graph.hh>

namespace cinch {

using test::error_of;

namespace {

const DerivationOutput impure = ImpureOutput{ContentAddressMethod::nar, HashAlgorithm::sha256};
const DerivationOutput floating = FloatingOutput{ContentAddressMethod::nar, HashAlgorithm::sha256};

Derivation with_output(Derivation derivation, const DerivationOutput& output) {
  derivation.outputs = {{"out", output}};
  derivation.environment.erase("out");
  return derivation;
}

}  // namespace

TEST_CASE("graphs in which something pure depends on something impure are refused") {
  test::MemoryStore store;
  const Derivation source = with_output(test::simple_derivation("source"), impure);
  const StorePath path = derivation_path(store.store_dir(), source);
  const auto user = [&](const DerivationOutput& output) {
    Derivation derivation = with_output(test::simple_derivation("user"), output);
    derivation.input_derivations = {{path, {"out"}}};
    return derivation;
  };
  Derivation fixed = test::fixed_derivation("user");
  fixed.input_derivations = {{path, {"out"}}};
  const Derivation allowed[] = {user(impure), fixed};
  Derivation dynamic = with_output(test::simple_derivation("user"), floating);
  dynamic.dynamic_inputs = {{path, {{"out", {{"out"}, {}}}}}};
  const Derivation refused[] = {user(floating), user(DeferredOutput{}), dynamic};

  SECTION("the input is in the graph") {
    for (const Derivation& derivation : refused) {
      const auto error = error_of([&] {
        add_incomplete_derivations(
            store, {{path, source}, {derivation_path(store.store_dir(), derivation), derivation}});
      });
      REQUIRE(error);
      CHECK(error->code() == Code::invalid_derivation);
      CHECK(error->subject() == store.store_dir().print(path));
      CHECK(error->message().starts_with("the pure derivation '"));
    }
    CHECK(store.objects.empty());
    for (const Derivation& derivation : allowed) {
      add_incomplete_derivations(
          store, {{path, source}, {derivation_path(store.store_dir(), derivation), derivation}});
    }
  }
  SECTION("the input is in the store") {
    store.add_derivation(source);
    for (const Derivation& derivation : refused) {
      const StorePath own = derivation_path(store.store_dir(), derivation);
      CHECK(error_of([&] { add_incomplete_derivation(store, derivation); })->subject() ==
            store.store_dir().print(path));
      CHECK(error_of([&] {
              add_incomplete_derivations(store, {{own, derivation}});
            })->subject() == store.store_dir().print(path));
      // As Nix does, a store holds it; only nobody can build it.
      CHECK_NOTHROW(store.add_derivation(derivation));
    }
    for (const Derivation& derivation : allowed) add_incomplete_derivation(store, derivation);
  }
}

}  // namespace cinch
