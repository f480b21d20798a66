#include "catch.hh"
#include "derivations.hh"
#include "errors.hh"

#include <cinch/core/derivation.hh>

namespace cinch {

using test::code_of;
using test::error_of;
using test::fixed_derivation;
using test::simple_derivation;

namespace {

const StoreDir store_dir;
const StorePath some_path = StorePath::parse("vqpn17r03lqabwk0wksgpbgy620zwfd4-source.sh");
const StorePath some_drv = StorePath::parse("vqpn17r03lqabwk0wksgpbgy620zwfd4-input.drv");

}  // namespace

TEST_CASE("output paths by name") {
  Derivation derivation = simple_derivation();
  CHECK(derivation.output_path(store_dir, "out") == std::nullopt);
  CHECK(code_of([&] { derivation.output_path(store_dir, "dev"); }) == Code::not_found);
  derivation.outputs = {{"out", InputAddressedOutput{some_path}}};
  CHECK(derivation.output_path(store_dir, "out") == some_path);
  CHECK_FALSE(derivation.is_fixed());

  const Derivation fixed = fixed_derivation("source");
  CHECK(fixed.is_fixed());
  CHECK(fixed.output_path(store_dir, "out")->name() == "source");
  CHECK(fixed.output_paths(store_dir).at("out") == fixed.output_path(store_dir, "out"));
  const StoreDir other("/other/store");
  CHECK(fixed.output_path(other, "out") != fixed.output_path(store_dir, "out"));
}

TEST_CASE("references are the sources and the input derivations") {
  Derivation derivation = simple_derivation();
  CHECK(derivation.references().empty());
  derivation.input_sources = {some_path};
  derivation.input_derivations = {{some_drv, {"out"}}};
  CHECK(derivation.references() == StorePathSet{some_drv, some_path});
}

TEST_CASE("the path of a derivation follows from its text and references") {
  // As nix-store 2.8.0 --add-text would name it; checked at large by the conformance tests.
  const StorePath path = derivation_path(store_dir, simple_derivation());
  CHECK(path.name() == "simple.drv");
  Derivation changed = simple_derivation();
  changed.arguments.back() += " ";
  CHECK(derivation_path(store_dir, changed) != path);
}

TEST_CASE("which kinds of outputs a derivation must not have") {
  Derivation derivation = simple_derivation();
  const auto refusal = [&] { return error_of([&] { check_derivation(derivation); }); };
  SECTION("with floating outputs of two algorithms") {
    const FloatingOutput floating{ContentAddressMethod::nar, HashAlgorithm::sha256};
    derivation.outputs = {{"out", floating}, {"dev", floating}};
    CHECK_FALSE(refusal());
    derivation.outputs.at("dev") =
        FloatingOutput{ContentAddressMethod::flat, HashAlgorithm::sha512};
    REQUIRE(refusal());
    CHECK(refusal()->code() == Code::invalid_derivation);
    CHECK(refusal()->subject() == "out");
  }
  SECTION("with outputs of two kinds, which are named") {
    derivation.outputs = {{"dev", FloatingOutput{ContentAddressMethod::nar, HashAlgorithm::sha256}},
                          {"out", ImpureOutput{ContentAddressMethod::nar, HashAlgorithm::sha256}}};
    REQUIRE(refusal());
    CHECK(refusal()->message().find("'dev' is floating, 'out' is impure") != std::string::npos);
  }
  SECTION("with text that is hashed with another algorithm than sha256") {
    derivation.outputs = {{"out", ImpureOutput{ContentAddressMethod::text, HashAlgorithm::sha512}}};
    REQUIRE(refusal());
    derivation.outputs = {
        {"out", FloatingOutput{ContentAddressMethod::text, HashAlgorithm::sha512}}};
    REQUIRE(refusal());
  }
  SECTION("with outputs of outputs of what is no derivation") {
    derivation.dynamic_inputs = {{some_path, {{"a", {{"b"}, {}}}}}};
    REQUIRE(refusal());
    CHECK(refusal()->subject() == some_path.base_name());
  }
}

TEST_CASE("what a derivation must not be") {
  Derivation derivation = simple_derivation();
  const auto refusal = [&] { return error_of([&] { check_derivation(derivation); }); };
  CHECK_FALSE(refusal());

  SECTION("without outputs") {
    derivation.outputs.clear();
    REQUIRE(refusal());
    CHECK(refusal()->code() == Code::invalid_derivation);
  }
  SECTION("with an output of a bad name") {
    for (const std::string name : {"", "a/b", "a b", "\xff"}) {
      derivation.outputs = {{name, DeferredOutput{}}};
      REQUIRE(refusal());
      CHECK(refusal()->code() == Code::invalid_derivation);
      CHECK(refusal()->subject() == name);
    }
  }
  SECTION("with an output whose path would be too long") {
    derivation.name = std::string(205, 'x');
    derivation.outputs = {{"documentation", DeferredOutput{}}};
    REQUIRE(refusal());
    CHECK(refusal()->subject() == "documentation");
  }
  SECTION("with a bad name") {
    derivation.name = "a b";
    REQUIRE(refusal());
    CHECK(refusal()->code() == Code::malformed);
  }
  SECTION("with a fixed output beside another one") {
    derivation = fixed_derivation();
    derivation.outputs.emplace("dev", DeferredOutput{});
    REQUIRE(refusal());
    CHECK(refusal()->code() == Code::invalid_derivation);
  }
  SECTION("with a fixed output that is not called out") {
    const DerivationOutput output = fixed_derivation().outputs.at("out");
    derivation.outputs = {{"dev", output}};
    REQUIRE(refusal());
    CHECK(refusal()->subject() == "dev");
    CHECK_FALSE(derivation.is_fixed());
  }
  SECTION("with a fixed text that is not hashed with sha256") {
    derivation.outputs = {
        {"out", FixedOutput{{ContentAddressMethod::text,
                             hash_bytes(HashAlgorithm::sha1, as_bytes("hello"))}}}};
    REQUIRE(refusal());
    CHECK(refusal()->code() == Code::invalid_derivation);
  }
  SECTION("with known and unknown paths") {
    derivation.outputs.emplace("dev", InputAddressedOutput{some_path});
    REQUIRE(refusal());
    CHECK(refusal()->code() == Code::invalid_derivation);
  }
  SECTION("with an input that is no derivation") {
    derivation.input_derivations = {{some_path, {"out"}}};
    REQUIRE(refusal());
    CHECK(refusal()->subject() == some_path.base_name());
  }
  SECTION("with an input of which it wants nothing") {
    derivation.input_derivations = {{some_drv, {}}};
    REQUIRE(refusal());
    CHECK(refusal()->subject() == some_drv.base_name());
  }
}

}  // namespace cinch
