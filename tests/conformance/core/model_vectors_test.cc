// Nix's own golden files of small values: each is read, and written to the same text.
#include "catch.hh"
#include "vectors.hh"

#include <cinch/core/model_json.hh>

#include <nlohmann/json.hpp>

namespace cinch {

namespace {

std::string read(const std::string& name) {
  const auto file = test::vectors() / "nix/libstore-tests/data" / (name + ".json");
  return nlohmann::json::parse(test::read_file(file)).dump();
}

const StorePath foo = StorePath::parse("g1w7hy3qg1w7hy3qg1w7hy3qg1w7hy3q-foo.drv");

}  // namespace

TEST_CASE("golden store paths and content addresses") {
  CHECK(parse_store_path_json(read("store-path/simple")) == foo);
  CHECK(print_store_path_json(foo) == read("store-path/simple"));
  for (const std::string name : {"content-address/nar", "content-address/text"}) {
    const ContentAddress address = parse_content_address_json(read(name));
    CHECK(name.ends_with(to_string(address.method)));
    CHECK(print_content_address_json(address) == read(name));
  }
}

TEST_CASE("golden output specs") {
  using Names = std::set<std::string>;
  const std::map<std::string, std::optional<OutputSpec>> cases = {
      {"all", AllOutputs{}},         {"name", Names{"a"}},
      {"names", Names{"a", "b"}},    {"extended/all", AllOutputs{}},
      {"extended/name", Names{"a"}}, {"extended/names", Names{"a", "b"}},
      {"extended/def", std::nullopt}};
  for (const auto& [name, spec] : cases) {
    CAPTURE(name);
    CHECK(parse_output_spec_json(read("outputs-spec/" + name)) == spec);
    CHECK(print_output_spec_json(spec) == read("outputs-spec/" + name));
  }
}

TEST_CASE("golden deriving paths") {
  using Names = std::set<std::string>;
  const std::map<std::string, SinglePath> single = {{"single_opaque", {foo, {}}},
                                                    {"single_built", {foo, {"bar"}}},
                                                    {"single_built_built", {foo, {"bar", "baz"}}}};
  for (const auto& [name, path] : single) {
    CAPTURE(name);
    CHECK(parse_single_path_json(read("derived-path/" + name)) == path);
    CHECK(print_single_path_json(path) == read("derived-path/" + name));
  }
  const std::map<std::string, DynamicPath> multiple = {
      {"multi_opaque", {{foo, {}}, std::nullopt}},
      {"mutli_built", {{foo, {}}, Names{"bar", "baz"}}},
      {"multi_built_built", {{foo, {"bar"}}, Names{"baz", "quux"}}},
      {"multi_built_built_wildcard", {{foo, {"bar"}}, AllOutputs{}}}};
  for (const auto& [name, path] : multiple) {
    CAPTURE(name);
    CHECK(parse_dynamic_path_json(read("derived-path/" + name)) == path);
    CHECK(print_dynamic_path_json(path) == read("derived-path/" + name));
  }
}

TEST_CASE("golden build results") {
  const DerivingPath wanted = BuiltPath{foo, AllOutputs{}};
  const std::map<std::string, BuildStatus> cases = {
      {"success", BuildStatus::built},
      {"not-deterministic", BuildStatus::not_deterministic},
      {"output-rejected", BuildStatus::output_rejected}};
  for (const auto& [name, status] : cases) {
    CAPTURE(name);
    const BuildResult result = parse_build_result_json(read("build-result/" + name), wanted);
    CHECK(result.status == status);
    CHECK(print_build_result_json(result) == read("build-result/" + name));
  }
  const BuildResult success = parse_build_result_json(read("build-result/success"), wanted);
  CHECK(success.cpu_user == std::chrono::seconds(500));
  CHECK(success.outputs.at("bar").name() == "bar");
}

}  // namespace cinch
