#include "catch.hh"
#include "errors.hh"

#include <cinch/core/model_json.hh>

namespace cinch {

using test::code_of;
using test::error_of;

namespace {

using Names = std::set<std::string>;

const StoreDir store_dir;
const std::string base_name = "c015dhfh5l0lp6wxyvdn7bmwhbbr6hr9-x.drv";
const std::string drv = "/nix/store/" + base_name;
const StorePath path = store_dir.parse(drv);
const DerivingPath wanted = BuiltPath{path, AllOutputs{}};

std::string failure(const std::string& more) {
  return R"({"status":"TimedOut","success":false,"errorMsg":"slow","isNonDeterministic":true,)"
         R"("timesBuilt":1,"startTime":3,"stopTime":4)" +
         more + "}";
}

}  // namespace

TEST_CASE("deriving paths of any depth and their text") {
  const std::vector<std::pair<std::string, DynamicPath>> cases = {
      {"", {{path, {}}, std::nullopt}},
      {"^*", {{path, {}}, AllOutputs{}}},
      {"^a,b", {{path, {}}, Names{"a", "b"}}},
      {"^a^b", {{path, {"a"}}, Names{"b"}}},
      {"^a^b^*", {{path, {"a", "b"}}, AllOutputs{}}}};
  for (const auto& [text, value] : cases) {
    CAPTURE(text);
    CHECK(parse_dynamic_path(drv + text, store_dir) == value);
    CHECK(print_dynamic_path(value, store_dir) == drv + text);
    CHECK(parse_dynamic_path(print_dynamic_path(value, store_dir, '!'), store_dir, '!') == value);
  }
  const SinglePath single{path, {"a", "b"}};
  CHECK(parse_single_path(drv + "^a^b", store_dir) == single);
  CHECK(print_single_path(single, store_dir) == drv + "^a^b");
  const StoreDir odd("/a^b/store");
  CHECK(parse_single_path(print_single_path(single, odd), odd) == single);
}

TEST_CASE("deriving paths that are refused") {
  const auto refusal = [](const std::string& text) {
    return code_of([&] { parse_dynamic_path(text, store_dir); });
  };
  for (const std::string text : {"^", "^a^", "^*^a", "^a,b^c", "^a,", "^,a", "!a", "^a b"}) {
    CAPTURE(text);
    CHECK(refusal(drv + text) == Code::malformed);
  }
  CHECK(refusal("/nix/store/c015dhfh5l0lp6wxyvdn7bmwhbbr6hr9-x^a") == Code::malformed);
  CHECK(code_of([] { parse_single_path(drv + "^*", store_dir); }) == Code::malformed);
  CHECK(code_of([] { parse_single_path(drv + "^a,b", store_dir); }) == Code::malformed);
  std::string deep = drv;
  for (std::size_t i = 0; i < dynamic_path_depth_max; ++i) deep += "^a";
  CHECK_FALSE(refusal(deep));
  CHECK(refusal(deep + "^a") == Code::limit_exceeded);
  CHECK(error_of([] { parse_dynamic_path(drv + "^a^b c", store_dir); })->offset() ==
        drv.size() + 4);
  const DynamicPath open{{path, {"a"}}, std::nullopt};
  CHECK(code_of([&] { print_dynamic_path(open, store_dir); }) == Code::invalid_argument);
  CHECK(code_of([&] { print_dynamic_path_json(open); }) == Code::invalid_argument);
}

TEST_CASE("deriving paths and output specs in JSON that are refused") {
  const auto refusal = [](const std::string& text) {
    return code_of([&] { parse_dynamic_path_json(text); });
  };
  const std::string start = R"({"drvPath":")" + base_name + R"(","outputs":)";
  CHECK_FALSE(refusal(start + R"(["a"]})"));
  for (const std::string more :
       {"[]}", R"(["*","a"]})", R"(["a","a"]})", R"("*"})", "null}", R"(["a b"]})", "[1]}"}) {
    CAPTURE(more);
    CHECK(refusal(start + more) == Code::malformed);
  }
  CHECK(refusal("{}") == Code::malformed);
  CHECK(refusal('"' + drv + '"') == Code::malformed);
  CHECK(refusal(R"({"drvPath":"c015dhfh5l0lp6wxyvdn7bmwhbbr6hr9-x","outputs":["a"]})") ==
        Code::malformed);
  std::string deep = '"' + base_name + '"';
  for (std::size_t i = 0; i < dynamic_path_depth_max; ++i) {
    deep = R"({"drvPath":)" + deep + R"(,"output":"a"})";
  }
  CHECK(print_single_path_json(parse_single_path_json(deep)) == deep);
  const std::string deeper = R"({"drvPath":)" + deep + R"(,"output":"a"})";
  CHECK(code_of([&] { parse_single_path_json(deeper); }) == Code::limit_exceeded);
  CHECK(code_of([] { parse_single_path_json(std::string(100, '[')); }) == Code::limit_exceeded);
}

TEST_CASE("build results as JSON") {
  BuildResult result{.wanted = wanted,
                     .status = BuildStatus::substituted,
                     .times_built = 0,
                     .outputs = {{"out", StorePath::parse("g1w7hy3qg1w7hy3qg1w7hy3qg1w7hy3q-x")}}};
  result.signatures["out"].insert(SecretKey::generate("k").sign("x"));
  CHECK(parse_build_result_json(print_build_result_json(result), wanted) == result);
  const BuildResult failed = parse_build_result_json(failure(""), wanted);
  CHECK(failed.status == BuildStatus::timed_out);
  CHECK(failed.is_non_deterministic);
  CHECK(failed.error_message == "slow");
  CHECK_FALSE(failed.cpu_user);
  CHECK(parse_build_result_json(print_build_result_json(failed), wanted) == failed);
  for (const std::string more : {R"(,"status":"Built")", R"(,"cpuUser":-1)", R"(,"cpuUser":1.5)"}) {
    CAPTURE(more);
    CHECK(code_of([&] { parse_build_result_json(failure(more), wanted); }) == Code::malformed);
  }
  CHECK(code_of([] { parse_build_result_json(R"({"status":"Built","success":false})", wanted); }) ==
        Code::malformed);
  CHECK(code_of([] { parse_build_result_json(R"({"status":"Great","success":true})", wanted); }) ==
        Code::malformed);
  CHECK(code_of([] { parse_build_result_json(R"({"status":"Built","success":true})", wanted); }) ==
        Code::malformed);
}

TEST_CASE("build results with what was wanted") {
  const std::string drv = "g1w7hy3qg1w7hy3qg1w7hy3qg1w7hy3q-x.drv";
  for (const DerivingPath& path :
       {DerivingPath(OpaquePath{StorePath::parse(drv)}),
        DerivingPath(BuiltPath{StorePath::parse(drv), AllOutputs{}}),
        DerivingPath(BuiltPath{StorePath::parse(drv), std::set<std::string>{"dev", "out"}})}) {
    const BuildResult result = parse_build_result_json(failure(""), path);
    const std::string text = print_keyed_build_result_json(result);
    CHECK(parse_keyed_build_result_json(text) == result);
  }
  const auto code = [&](const std::string& path) {
    return code_of([&] { parse_keyed_build_result_json(failure(",\"path\":" + path)); });
  };
  const std::string nested = "{\"drvPath\":\"" + drv + "\",\"output\":\"a\"}";
  CHECK(code("{\"drvPath\":" + nested + ",\"outputs\":[\"b\"]}") == Code::not_supported);
  CHECK(code("1") == Code::malformed);
  CHECK(code_of([] { parse_keyed_build_result_json(failure("")); }) == Code::malformed);
}

}  // namespace cinch
