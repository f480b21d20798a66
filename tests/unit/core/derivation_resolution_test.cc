#include "catch.hh"
#include "derivations.hh"
#include "errors.hh"

#include <cinch/core/derivation_hash.hh>
#include <cinch/core/derivation_resolution.hh>
#include <cinch/core/placeholder.hh>

#include <map>
#include <string>
#include <utility>

namespace cinch {

using test::code_of;

namespace {

const StoreDir store_dir;
const StorePath foo = StorePath::parse("g1w7hy3qg1w7hy3qg1w7hy3qg1w7hy3q-foo.drv");
const StorePath built = StorePath::parse("f1w7hy3qg1w7hy3qg1w7hy3qg1w7hy3q-foo");

// What has been built.
using Realised = std::map<std::pair<StorePath, std::string>, StorePath>;

std::optional<Derivation> resolve(const Derivation& derivation, const Realised& realised) {
  return resolve_derivation(
      derivation, store_dir,
      [&](const StorePath& path, std::string_view output) -> std::optional<StorePath> {
        const auto found = realised.find({path, std::string(output)});
        if (found == realised.end()) return std::nullopt;
        return found->second;
      });
}

}  // namespace

TEST_CASE("placeholders") {
  CHECK(Placeholder::own_output("out").text() ==
        "/1rz4g4znpzjwh1xymhjpm42vipw92pr73vdgl6xs1hycac8kf2n9");
  CHECK(Placeholder::input_output(foo, "out").text() ==
        "/0c6rn30q4frawknapgwq386zq358m8r6msvywcvc89n6m5p2dgbz");
  const StorePath twice = StorePath::parse("g1w7hy3qg1w7hy3qg1w7hy3qg1w7hy3q-foo.drv.drv");
  CHECK(Placeholder::input_output(twice, "out").output_of_this("out").text() ==
        "/0gn6agqxjyyalf0dpihgyf49xq5hqxgw100f0wydnj6yqrhqsb3w");
  CHECK(code_of([] { Placeholder::input_output(built, "out"); }) == Code::invalid_argument);
}

TEST_CASE("replacing placeholders") {
  const std::string out = Placeholder::own_output("out").text();
  const std::string dev = Placeholder::own_output("dev").text();
  const PlaceholderTexts texts = {{out, "OUT"}};
  CHECK(replace_placeholders("", texts) == "");
  CHECK(replace_placeholders(out, texts) == "OUT");
  CHECK(replace_placeholders("a/" + out + "/b" + out + "/" + dev, texts) == "a/OUT/bOUT/" + dev);
  CHECK(replace_placeholders(out.substr(0, 52), texts) == out.substr(0, 52));
  CHECK(replace_placeholders(out, {}) == out);
  CHECK(replace_placeholders(std::string(100'000, '/'), texts) == std::string(100'000, '/'));
}

TEST_CASE("a deferred derivation is resolved and filled in") {
  Derivation derivation = test::simple_derivation("user");
  derivation.input_derivations = {{foo, {"out"}}};
  const std::string placeholder = Placeholder::input_output(foo, "out").text();
  derivation.builder = placeholder + "/bin/sh";
  derivation.arguments = {"x" + placeholder};
  derivation.environment["a" + placeholder] = placeholder + ":" + placeholder;
  CHECK(needs_resolution(derivation));
  CHECK_FALSE(resolve(derivation, {}));

  const std::optional<Derivation> resolved = resolve(derivation, {{{foo, "out"}, built}});
  REQUIRE(resolved);
  const std::string path = store_dir.print(built);
  CHECK(resolved->input_derivations.empty());
  CHECK(resolved->input_sources == StorePathSet{built});
  CHECK(resolved->builder == path + "/bin/sh");
  CHECK(resolved->arguments.front() == "x" + path);
  CHECK(resolved->environment.at("a" + path) == path + ":" + path);
  CHECK_NOTHROW(DerivationHasher(store_dir, {}).check_outputs(*resolved));
  CHECK_FALSE(needs_resolution(*resolved));
}

TEST_CASE("outputs of outputs are resolved") {
  const StorePath made = StorePath::parse("h1w7hy3qg1w7hy3qg1w7hy3qg1w7hy3q-made.drv");
  Derivation derivation = test::simple_derivation("user");
  derivation.dynamic_inputs = {{foo, {{"drv", {{"out"}, {}}}}}};
  derivation.environment["dep"] =
      Placeholder::input_output(foo, "drv").output_of_this("out").text();
  CHECK(needs_resolution(derivation));
  CHECK_FALSE(resolve(derivation, {{{foo, "drv"}, made}}));
  const auto resolved = resolve(derivation, {{{foo, "drv"}, made}, {{made, "out"}, built}});
  REQUIRE(resolved);
  CHECK(resolved->environment.at("dep") == store_dir.print(built));
  CHECK(resolved->input_sources == StorePathSet{built});
  CHECK(code_of([&] { resolve(derivation, {{{foo, "drv"}, built}}); }) == Code::invalid_derivation);
}

}  // namespace cinch
