#include "catch.hh"
#include "derivations.hh"
#include "errors.hh"

#include <cinch/core/derivation_json.hh>

namespace cinch {

using test::code_of;
using test::error_of;

namespace {

const StoreDir store_dir;
const std::string hash_part = "c015dhfh5l0lp6wxyvdn7bmwhbbr6hr9";

Derivation parse(std::string_view json) { return parse_derivation_json(json, store_dir); }

// A derivation whose fields can be replaced by others, or left out ("").
struct Json {
  std::string name = R"("name": "x", )";
  std::string version = R"("version": 4, )";
  std::string outputs = R"("outputs": {"out": {}}, )";
  std::string inputs = R"("inputs": {"srcs": [], "drvs": {}}, )";
  std::string system = R"("system": "s", )";
  std::string args = R"("args": [], )";
  std::string env = R"("env": {}, )";
  std::string builder = R"("builder": "b")";

  std::string text() const {
    return "{" + name + version + outputs + inputs + system + args + env + builder + "}";
  }
};

Error refusal(const std::string& text) {
  const auto error = error_of([&] { parse(text); });
  INFO(text);
  REQUIRE(error);
  return *error;
}

}  // namespace

TEST_CASE("a derivation as JSON") {
  Derivation derivation = test::simple_derivation();
  derivation.input_sources = {StorePath::parse(hash_part + "-source")};
  derivation.input_derivations = {{StorePath::parse(hash_part + "-dep.drv"), {"dev", "out"}}};
  const std::string expected = R"({
  "args": [
    "-c",
    "echo hello > $out"
  ],
  "builder": "/bin/sh",
  "env": {
    "name": "simple",
    "out": ""
  },
  "inputs": {
    "drvs": {
      "c015dhfh5l0lp6wxyvdn7bmwhbbr6hr9-dep.drv": {
        "dynamicOutputs": {},
        "outputs": [
          "dev",
          "out"
        ]
      }
    },
    "srcs": [
      "c015dhfh5l0lp6wxyvdn7bmwhbbr6hr9-source"
    ]
  },
  "name": "simple",
  "outputs": {
    "out": {}
  },
  "system": "x86_64-linux",
  "version": 4
})";
  CHECK(print_derivation_json(derivation, store_dir) == expected);
  CHECK(parse(expected) == derivation);
}

TEST_CASE("outputs of each kind come back") {
  Derivation derivation = test::simple_derivation();
  derivation.outputs = {{"out", InputAddressedOutput{StorePath::parse(hash_part + "-simple")}}};
  CHECK(parse(print_derivation_json(derivation, store_dir)) == derivation);
  for (const auto method :
       {ContentAddressMethod::text, ContentAddressMethod::flat, ContentAddressMethod::nar}) {
    derivation.outputs = {
        {"out", FixedOutput{{method, hash_bytes(HashAlgorithm::sha256, as_bytes("x"))}}}};
    CHECK(parse(print_derivation_json(derivation, store_dir)) == derivation);
  }
}

TEST_CASE("structured attributes come back byte for byte, or are refused") {
  Derivation derivation = test::simple_derivation();
  derivation.environment["__json"] = R"({"a":[1,null,1.5],"b":{"c":"\u0001\"é"}})";
  const std::string text = print_derivation_json(derivation, store_dir);
  CHECK(text.find("\"structuredAttrs\": {") != std::string::npos);
  CHECK(text.find("__json") == std::string::npos);
  CHECK(parse(text) == derivation);

  for (const std::string other : {R"({"b":1,"a":2})", R"({"a": 1})", R"({"a":1)", "[]", "",
                                  R"({"a":1,"a":1})", R"({"a":"\u00e9"})", R"({"a":1.50})"}) {
    CAPTURE(other);
    derivation.environment["__json"] = other;
    CHECK(code_of([&] { print_derivation_json(derivation, store_dir); }) == Code::not_supported);
  }
  Json both;
  both.env = R"("env": {"__json": "{}"}, "structuredAttrs": {}, )";
  CHECK(parse(both.text()).environment.at("__json") == "{}");
  both.env = R"("env": {"__json": "{}"}, "structuredAttrs": {"a": 1}, )";
  CHECK(refusal(both.text()).subject() == "/structuredAttrs");
}

TEST_CASE("JSON that Nix 2.8 prints") {
  const std::string text = R"({
  "/nix/store/p44lbp6fqag9nksdnlg0bmn8xaqpywk7-a.drv": {
    "outputs": {"dev": {"path": "/nix/store/iaxjf1xj7n8f9vby9x2pscia546g5wdl-a-dev"},
                "out": {"path": "/nix/store/jbybyw0f8myzdczw8i64qwipfq4jabid-a"}},
    "inputSrcs": ["/nix/store/c015dhfh5l0lp6wxyvdn7bmwhbbr6hr9-source"],
    "inputDrvs": {"/nix/store/szy63x4kiglpajfigc97r1q3994f3g5f-f.drv": ["out"]},
    "system": "x86_64-linux", "builder": "/bin/sh", "args": ["-c", "x"],
    "env": {"__json": "{\"z\":1, \"a\":2}"}},
  "/nix/store/szy63x4kiglpajfigc97r1q3994f3g5f-f.drv": {
    "outputs": {"out": {"path": "/nix/store/1h96rj6ppr9df3xm8p7yzg11f434gbc5-f",
      "hashAlgo": "r:sha256",
      "hash": "894517c9163c896ec31a2adbd33c0681fd5f45b2c0ef08a64c92a03fb97f390f"}},
    "inputSrcs": [], "inputDrvs": {}, "system": "x86_64-linux", "builder": "/bin/sh",
    "args": [], "env": {"name": "f"}}})";
  const auto derivations = parse_derivations_json(text, store_dir);
  REQUIRE(derivations.size() == 2);
  const Derivation& a = derivations.begin()->second;
  CHECK(a.name == "a");
  CHECK(a.environment.at("__json") == R"({"z":1, "a":2})");
  CHECK(a.input_derivations.begin()->second == OutputNames{"out"});
  CHECK(a.outputs.at("dev") == DerivationOutput(InputAddressedOutput{
                                   StorePath::parse("iaxjf1xj7n8f9vby9x2pscia546g5wdl-a-dev")}));
  const Derivation& f = derivations.rbegin()->second;
  CHECK(f.is_fixed());
  CHECK(std::get<FixedOutput>(f.outputs.at("out")).address.method == ContentAddressMethod::nar);
}

TEST_CASE("JSON of the versions between") {
  Json json;
  json.version = R"("version": 3, )";
  json.outputs = R"("outputs": {"out": {"method": "nar", "hashAlgo": "sha256",
    "hash": "894517c9163c896ec31a2adbd33c0681fd5f45b2c0ef08a64c92a03fb97f390f"}}, )";
  json.inputs = R"("inputSrcs": ["c015dhfh5l0lp6wxyvdn7bmwhbbr6hr9-source"], "inputDrvs":
    {"c015dhfh5l0lp6wxyvdn7bmwhbbr6hr9-d.drv": {"outputs": ["out"], "dynamicOutputs": {}}}, )";
  const Derivation derivation = parse(json.text());
  CHECK(derivation.is_fixed());
  CHECK(derivation.input_sources.size() == 1);
  CHECK(derivation.input_derivations.size() == 1);
}

TEST_CASE("many derivations") {
  std::map<StorePath, Derivation> derivations;
  for (const std::string name : {"a", "b"}) {
    const Derivation derivation = test::simple_derivation(name);
    derivations.emplace(derivation_path(store_dir, derivation), derivation);
  }
  const std::string text = print_derivations_json(derivations, store_dir);
  CHECK(text.starts_with("{\n  \"derivations\": {\n    \""));
  CHECK(text.ends_with("},\n  \"version\": 4\n}"));
  CHECK(parse_derivations_json(text, store_dir) == derivations);
  CHECK(parse_derivations_json("{}", store_dir).empty());
  CHECK(parse_derivations_json(R"({"derivations": {}, "version": 4})", store_dir).empty());
}

TEST_CASE("a name that does not fit its path") {
  Json json;
  json.name = R"("name": "y", )";
  const std::string key = hash_part + "-x.drv";
  const auto error = error_of(
      [&] { parse_derivations_json("{\"" + key + "\": " + json.text() + "}", store_dir); });
  REQUIRE(error);
  CHECK(error->code() == Code::malformed);
  CHECK(error->subject() == "/" + key + "/name");
  for (const std::string& path :
       {hash_part + "-x", std::string("x.drv"), std::string("/tmp/x.drv")}) {
    CHECK(code_of([&] {
            parse_derivations_json("{\"" + path + "\": " + Json().text() + "}", store_dir);
          }) == Code::malformed);
  }
}

TEST_CASE("what is not JSON, with the offset") {
  struct Bad {
    std::string text;
    std::uint64_t offset;
  };
  for (const Bad& bad : {Bad{"", 0}, Bad{"{", 1}, Bad{"{]", 1}, Bad{"{} x", 3},
                         Bad{"{\"a\": nul}", 9}, Bad{"{\"a\": \"\xff\"}", 7}}) {
    const Error error = refusal(bad.text);
    CAPTURE(bad.text, std::string(error.what()));
    CHECK(error.code() == Code::malformed);
    REQUIRE(error.offset());
    CHECK(*error.offset() == bad.offset);
  }
}

TEST_CASE("limits of JSON") {
  const std::string deep = std::string(100'000, '[');
  CHECK(refusal(deep).code() == Code::limit_exceeded);
  Json json;
  json.env = "\"env\": {}, \"structuredAttrs\": {\"a\": " + std::string(60, '[') +
             std::string(60, ']') + "}, ";
  CHECK_FALSE(code_of([&] { parse(json.text()); }));
  CHECK(refusal(R"({"name": "x", "name": "x"})").message().find("'name' twice") !=
        std::string::npos);
  CHECK(refusal(R"({"a": 1e999})").code() == Code::malformed);
}

struct Bad {
  Json json;
  Code code;
  std::string place;
};

TEST_CASE("JSON of outputs that are none, with the place") {
  const Bad cases[] = {
      {{.outputs = R"("outputs": {"out": {"method": "nar", "hashAlgo": "sha-3"}}, )"},
       Code::malformed,
       "/outputs/out/hashAlgo"},
      {{.outputs = R"("outputs": {"out": {"hashAlgo": "x:sha256"}}, )"},
       Code::malformed,
       "/outputs/out/hashAlgo"},
      {{.outputs = R"("outputs": {"out": {"path": "x", "hashAlgo": "r:sha256"}}, )"},
       Code::malformed,
       "/outputs/out/path"},
      {{.outputs =
            R"("outputs": {"out": {"method": "nar", "hashAlgo": "sha256", "impure": false}}, )"},
       Code::malformed,
       "/outputs/out/impure"},
      {{.outputs = R"("outputs": {"out": {"impure": true}}, )"}, Code::malformed, "/outputs/out"},
  };
  for (const Bad& bad : cases) {
    const Error error = refusal(bad.json.text());
    CAPTURE(bad.json.text(), std::string(error.what()));
    CHECK(error.code() == bad.code);
    CHECK(error.subject() == bad.place);
  }
}

TEST_CASE("JSON that is not a derivation, with the place") {
  const Bad cases[] = {
      {{.name = ""}, Code::malformed, "/"},
      {{.name = R"("name": 1, )"}, Code::malformed, "/name"},
      {{.name = R"("name": "a b", )"}, Code::malformed, "/name"},
      {{.version = R"("version": 5, )"}, Code::not_supported, "/version"},
      {{.version = R"("version": "4", )"}, Code::malformed, "/version"},
      {{.outputs = ""}, Code::malformed, "/"},
      {{.outputs = R"("outputs": [], )"}, Code::malformed, "/outputs"},
      {{.outputs = R"("outputs": {"o/~": 1}, )"}, Code::malformed, "/outputs/o~1~0"},
      {{.outputs = R"("outputs": {"out": {"paht": "x"}}, )"}, Code::malformed, "/outputs/out"},
      {{.outputs = R"("outputs": {"out": {"path": "x"}}, )"}, Code::malformed, "/outputs/out/path"},
      {{.outputs = R"("outputs": {"out": {"method": "nar"}}, )"}, Code::malformed, "/outputs/out"},
      {{.outputs = R"("outputs": {"out": {"hash": "x"}}, )"}, Code::malformed, "/outputs/out"},
      {{.outputs = R"("outputs": {"out": {"method": "nar", "hash": "x"}}, )"},
       Code::malformed,
       "/outputs/out/hash"},
      {{.outputs = R"("outputs": {"out": {"method": "git", "hash": "x"}}, )"},
       Code::malformed,
       "/outputs/out/hash"},
      {{.outputs = R"("outputs": {"out": {"path": "c015dhfh5l0lp6wxyvdn7bmwhbbr6hr9-x", "method":
          "flat", "hash": "sha256-iUUXyRY8iW7DGirb0zwGgf1fRbLA7wimTJKgP7l/OQ8="}}, )"},
       Code::invalid_derivation,
       "/outputs/out/path"},
      {{.inputs = ""}, Code::malformed, "/"},
      {{.inputs = R"("inputs": {"srcs": []}, )"}, Code::malformed, "/inputs"},
      {{.inputs = R"("inputs": {"srcs": ["x", "y"], "drvs": {}}, )"},
       Code::malformed,
       "/inputs/srcs/0"},
      {{.inputs = R"("inputs": {"srcs": [], "drvs": {"x": []}}, )"},
       Code::malformed,
       "/inputs/drvs/x"},
      {{.inputs = R"("inputs": {"srcs": [], "drvs": {"c015dhfh5l0lp6wxyvdn7bmwhbbr6hr9-d.drv":
          {"outputs": [], "dynamicOutputs": {"a": {}}}}}, )"},
       Code::malformed,
       "/inputs/drvs/c015dhfh5l0lp6wxyvdn7bmwhbbr6hr9-d.drv/dynamicOutputs/a"},
      {{.inputs = R"("inputs": {"srcs": [], "drvs": {"c015dhfh5l0lp6wxyvdn7bmwhbbr6hr9-d.drv": [],
          "/nix/store/c015dhfh5l0lp6wxyvdn7bmwhbbr6hr9-d.drv": []}}, )"},
       Code::malformed,
       "/inputs/drvs/c015dhfh5l0lp6wxyvdn7bmwhbbr6hr9-d.drv"},
      {{.system = ""}, Code::malformed, "/"},
      {{.args = R"("args": ["a", 1], )"}, Code::malformed, "/args/1"},
      {{.env = R"("env": {"a": null}, )"}, Code::malformed, "/env/a"},
      {{.builder = R"("builder": {})"}, Code::malformed, "/builder"},
  };
  REQUIRE_FALSE(code_of([] { parse(Json().text()); }));
  for (const Bad& bad : cases) {
    const Error error = refusal(bad.json.text());
    CAPTURE(bad.json.text(), std::string(error.what()));
    CHECK(error.code() == bad.code);
    CHECK(error.subject() == bad.place);
  }
}

TEST_CASE("floating and impure outputs in JSON") {
  using Method = ContentAddressMethod;
  const auto output = [](const std::string& fields) {
    return parse(Json{.outputs = "\"outputs\": {\"out\": {" + fields + "}}, "}.text())
        .outputs.at("out");
  };
  const DerivationOutput floating = FloatingOutput{Method::nar, HashAlgorithm::sha256};
  const DerivationOutput impure = ImpureOutput{Method::nar, HashAlgorithm::sha256};
  CHECK(output(R"("method": "nar", "hashAlgo": "sha256")") == floating);
  CHECK(output(R"("hashAlgo": "r:sha256")") == floating);
  CHECK(output(R"("method": "nar", "hashAlgo": "sha256", "impure": true)") == impure);
  CHECK(output(R"("hashAlgo": "r:sha256", "impure": true)") == impure);
  CHECK(output(R"("hashAlgo": "sha1")") ==
        DerivationOutput(FloatingOutput{Method::flat, HashAlgorithm::sha1}));
}

TEST_CASE("dynamic derivations in JSON") {
  Derivation derivation = test::simple_derivation();
  const StorePath first = StorePath::parse(hash_part + "-a.drv");
  const StorePath second = StorePath::parse(hash_part + "-b.drv");
  derivation.input_derivations = {{first, {"out"}}};
  derivation.dynamic_inputs = {{first, {{"x", {{"y"}, {{"z", {{"w"}, {}}}}}}}},
                               {second, {{"x", {{"y"}, {}}}}}};
  const std::string text = print_derivation_json(derivation, store_dir);
  CHECK(parse(text) == derivation);
  // The deepest that the ATerm may hold, in the deepest form of JSON.
  DynamicInput deep{{"out"}, {}};
  for (std::size_t i = 1; i < dynamic_input_depth_max; ++i) deep = {{}, {{"a", deep}}};
  derivation.dynamic_inputs = {{second, {{"a", deep}}}};
  const std::map<StorePath, Derivation> many = {
      {StorePath::parse(hash_part + "-simple.drv"), derivation}};
  CHECK(parse_derivations_json(print_derivations_json(many, store_dir), store_dir) == many);
  derivation.dynamic_inputs = {{second, {{"a", {{}, {{"a", deep}}}}}}};
  CHECK(refusal(print_derivation_json(derivation, store_dir)).code() == Code::limit_exceeded);
  derivation.dynamic_inputs = {{second, {{"a\xff", {{"x"}, {}}}}}};
  CHECK(code_of([&] { print_derivation_json(derivation, store_dir); }) == Code::malformed);
}

TEST_CASE("resolved derivations have an array of inputs") {
  Derivation derivation = test::simple_derivation();
  derivation.input_sources = {StorePath::parse(hash_part + "-a")};
  const std::string text = print_resolved_derivation_json(derivation, store_dir);
  CHECK(text.find("\"inputs\": [\n    \"" + hash_part + "-a\"\n  ]") != std::string::npos);
  CHECK(parse(text) == derivation);
  derivation.input_derivations = {{StorePath::parse(hash_part + "-a.drv"), {"out"}}};
  CHECK(code_of([&] { print_resolved_derivation_json(derivation, store_dir); }) ==
        Code::invalid_argument);
}

TEST_CASE("fields that nobody knows are ignored") {
  Json json;
  json.env += R"("meta": {"a": [1, 2]}, )";
  CHECK(parse(json.text()) == parse(Json().text()));
}

TEST_CASE("bytes that are not UTF-8 cannot be printed as JSON") {
  Derivation derivation = test::simple_derivation();
  SECTION("in a variable") { derivation.environment["bad"] = "\xff"; }
  SECTION("in the name of a variable") { derivation.environment["bad\xff"] = ""; }
  SECTION("in an argument") { derivation.arguments = {"bad\xff"}; }
  SECTION("in the builder") { derivation.builder = "bad\xff"; }
  const auto error = error_of([&] { print_derivation_json(derivation, store_dir); });
  REQUIRE(error);
  CHECK(error->code() == Code::malformed);
  CHECK(error->message().find("not UTF-8") != std::string::npos);
  const StorePath path = derivation_path(store_dir, derivation);
  CHECK(code_of([&] {
          print_derivations_json({{path, derivation}}, store_dir);
        }) == Code::malformed);
}

}  // namespace cinch
