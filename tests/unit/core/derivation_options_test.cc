#include "catch.hh"
#include "derivations.hh"
#include "errors.hh"

#include <cinch/core/derivation_options.hh>
#include <cinch/core/placeholder.hh>

namespace cinch {

using test::code_of;
using test::error_of;

namespace {

const StoreDir store_dir;
const StorePath input = StorePath::parse("c015dhfh5l0lp6wxyvdn7bmwhbbr6hr9-d.drv");
const StorePath other = StorePath::parse("0123456789abcdfghijklmnpqrsvwxyz-other");
const std::string other_text = "/nix/store/0123456789abcdfghijklmnpqrsvwxyz-other";

Derivation with(std::map<std::string, std::string> environment) {
  Derivation derivation = test::simple_derivation();
  derivation.environment.merge(environment);
  return derivation;
}

Derivation structured(const std::string& json) { return with({{"__json", json}}); }

DerivationOptions read(const Derivation& derivation) {
  return read_derivation_options(derivation, store_dir);
}

std::optional<Error> refusal(const Derivation& derivation) {
  return error_of([&] { (void)read(derivation); });
}

// Valid, with one field replaced.
std::string options_json(const std::string& name = "", const std::string& value = "") {
  std::map<std::string, std::string> fields = {
      {"outputChecks", R"({"perOutput":{}})"},
      {"unsafeDiscardReferences", "{}"},
      {"passAsFile", "[]"},
      {"exportReferencesGraph", "{}"},
      {"additionalSandboxProfile", "\"\""},
      {"noChroot", "false"},
      {"impureHostDeps", "[]"},
      {"impureEnvVars", "[]"},
      {"allowLocalNetworking", "false"},
      {"requiredSystemFeatures", "[]"},
      {"preferLocalBuild", "false"},
      {"allowSubstitutes", "true"},
  };
  fields[name] = value;
  std::string json;
  for (const auto& [field, text] : fields) {
    if (!text.empty()) json += (json.empty() ? "{\"" : ",\"") + field + "\":" + text;
  }
  return json + "}";
}

}  // namespace

TEST_CASE("options of a derivation without any") {
  const DerivationOptions options = read(test::simple_derivation());
  CHECK(options.allow_substitutes);
  CHECK_FALSE(options.prefer_local_build);
  REQUIRE(options.checks_of("out") != nullptr);
  CHECK(options.checks_of("out")->ignore_self_references);
  CHECK_FALSE(options.checks_of("out")->allowed_references);
  CHECK(read(structured("{}")).checks_of("out") == nullptr);
}

TEST_CASE("the worked example of docs/formats/derivation-options.md") {
  const std::string json = print_derivation_options_json(
      read(with({{"passAsFile", "text"}, {"disallowedRequisites", "dev"}})));
  std::string compact;
  for (const char character : json) {
    if (character != ' ' && character != '\n') compact += character;
  }
  CHECK(compact ==
        R"({"additionalSandboxProfile":"","allowLocalNetworking":false,"allowSubstitutes":true,)"
        R"("exportReferencesGraph":{},"impureEnvVars":[],"impureHostDeps":[],"noChroot":false,)"
        R"("outputChecks":{"forAllOutputs":{"allowedReferences":null,"allowedRequisites":null,)"
        R"("disallowedReferences":[],"disallowedRequisites":[{"drvPath":"self","output":"dev"}],)"
        R"("ignoreSelfRefs":true,"maxClosureSize":null,"maxSize":null}},"passAsFile":["text"],)"
        R"("preferLocalBuild":false,"requiredSystemFeatures":[],"unsafeDiscardReferences":{}})");
}

TEST_CASE("options in the environment") {
  const DerivationOptions options = read(with({
      {"allowedReferences", ""},
      {"disallowedReferences", "dev " + other_text + "\t\n" + other_text + "/bin"},
      {"passAsFile", " a\nb a "},
      {"exportReferencesGraph", "one.txt " + other_text + "/below two " + other_text},
      {"__noChroot", "true"},  // only "1" is true
      {"preferLocalBuild", "1"},
      {"allowSubstitutes", ""},
      {"unsafeDiscardReferences", "1"},  // is a structured attribute only
      {"outputChecks", "1"},
  }));
  const OutputChecks& checks = *options.checks_of("any");
  CHECK(checks.allowed_references == ReferenceSpecs());
  CHECK_FALSE(checks.allowed_requisites);
  // What lies below a path is no path, and so the name of an output.
  CHECK(checks.disallowed_references ==
        ReferenceSpecs{{"dev", other_text + "/bin"}, {{other, {}}}});
  CHECK(options.pass_as_file == std::set<std::string>{"a", "b"});
  CHECK(options.export_references_graph ==
        std::map<std::string, SinglePathSet>{{"one.txt", {{other, {}}}}, {"two", {{other, {}}}}});
  CHECK_FALSE(options.no_chroot);
  CHECK(options.prefer_local_build);
  CHECK_FALSE(options.allow_substitutes);
  CHECK_FALSE(options.discards_references("out"));
}

TEST_CASE("bad options in the environment name the attribute") {
  for (const char* text : {"one", "one two three", "1one /x", "a/b /x", "a /x"}) {
    CAPTURE(text);
    const auto error = refusal(with({{"exportReferencesGraph", text}}));
    REQUIRE(error);
    CHECK(error->code() == Code::invalid_derivation);
    CHECK(error->subject() == "exportReferencesGraph");
  }
  const auto error = refusal(with({{"exportReferencesGraph", "a.b-c_1 /x/y"}}));
  CHECK(error->message() ==
        "the attribute 'exportReferencesGraph': '/x/y' is not a path in '/nix/store'");
}

TEST_CASE("options in structured attributes") {
  const DerivationOptions options = read(structured(R"({
    "outputChecks": {"out": {"maxSize": 18446744073709551615, "maxClosureSize": 0,
      "allowedRequisites": ["out", "/nix/store/0123456789abcdfghijklmnpqrsvwxyz-other/"]}},
    "unsafeDiscardReferences": {"out": true, "dev": false},
    "exportReferencesGraph": {"any key": ["/nix/store/0123456789abcdfghijklmnpqrsvwxyz-other",
      [["/nix/store/c015dhfh5l0lp6wxyvdn7bmwhbbr6hr9-d.drv/x"]]], "none": []},
    "impureEnvVars": ["A", "B"], "__noChroot": true, "allowedReferences": []})"));
  CHECK(options.checks_of("dev") == nullptr);
  const OutputChecks& checks = *options.checks_of("out");
  CHECK(checks.nar_size_max == 18446744073709551615U);
  CHECK(checks.closure_size_max == 0);
  CHECK(checks.allowed_requisites == ReferenceSpecs{{"out"}, {{other, {}}}});
  CHECK_FALSE(checks.allowed_references);
  CHECK_FALSE(checks.ignore_self_references);
  CHECK(options.discards_references("out"));
  CHECK_FALSE(options.discards_references("dev"));
  CHECK(
      options.export_references_graph ==
      std::map<std::string, SinglePathSet>{{"any key", {{other, {}}, {input, {}}}}, {"none", {}}});
  CHECK(options.no_chroot);
  // Nix warns that it has no meaning so.
  CHECK(read(structured(R"({"exportReferencesGraph": "x /y"})")).export_references_graph.empty());
}

TEST_CASE("structured attributes without effect") {
  using Names = std::set<std::string>;
  CHECK(ignored_attributes(structured(
            R"({"passAsFile": ["a"], "maxSize": 1, "x": 1, "exportReferencesGraph": "a"})")) ==
        Names{"passAsFile", "maxSize", "exportReferencesGraph"});
  CHECK(ignored_attributes(structured(R"({"exportReferencesGraph": {}})")).empty());
  CHECK(ignored_attributes(with({{"passAsFile", "a"}})).empty());
}

TEST_CASE("bad structured attributes name the place") {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"[]", "__json"},
      {"{", "__json"},
      {R"({"a":1,"a":2})", "__json"},
      {R"({"__noChroot": "1"})", "/__noChroot"},
      {R"({"impureEnvVars": "A"})", "/impureEnvVars"},
      {R"({"requiredSystemFeatures": ["a", 1]})", "/requiredSystemFeatures/1"},
      {R"({"__sandboxProfile": null})", "/__sandboxProfile"},
      {R"({"outputChecks": []})", "/outputChecks"},
      {R"({"outputChecks": {"out": 1}})", "/outputChecks/out"},
      {R"({"outputChecks": {"out": {"maxSize": -1}}})", "/outputChecks/out/maxSize"},
      {R"({"outputChecks": {"out": {"maxSize": 1.5}}})", "/outputChecks/out/maxSize"},
      {R"({"outputChecks": {"a/b": {"maxClosureSize": null}}})",
       "/outputChecks/a~1b/maxClosureSize"},
      {R"({"outputChecks": {"out": {"allowedReferences": "x"}}})",
       "/outputChecks/out/allowedReferences"},
      {R"({"unsafeDiscardReferences": {"out": 1}})", "/unsafeDiscardReferences/out"},
      {R"({"exportReferencesGraph": {"x": ["/y"]}})", "/exportReferencesGraph/x/0"},
      {R"({"exportReferencesGraph": {"x": {}}})", "/exportReferencesGraph/x"},
  };
  for (const auto& [json, place] : cases) {
    CAPTURE(json);
    const auto error = refusal(structured(json));
    REQUIRE(error);
    CHECK(error->code() == Code::invalid_derivation);
    CHECK(error->subject() == place);
  }
  CHECK(refusal(structured("{"))->offset() == 1);
  CHECK(refusal(structured(R"({"__noChroot": 0})"))->offset() == 15);
  const std::string deep = R"({"exportReferencesGraph":{"x":)" + std::string(100'000, '[');
  CHECK(refusal(structured(deep))->code() == Code::limit_exceeded);
}

TEST_CASE("placeholders of inputs in options") {
  Derivation derivation = test::simple_derivation();
  derivation.input_derivations = {{input, {"out"}}};
  derivation.dynamic_inputs = {{input, {{"a", {{"b"}, {{"c", {{"d"}, {}}}}}}}}};
  const Placeholder out = Placeholder::input_output(input, "out");
  const Placeholder a = Placeholder::input_output(input, "a");
  const Placeholder deep = a.output_of_this("c").output_of_this("d");
  derivation.environment["allowedReferences"] =
      deep.text() + " " + a.output_of_this("b").text() + " " + out.text() + "/bin " + other_text;
  // Of an output that is not among the inputs.
  const Placeholder unknown = Placeholder::input_output(input, "dev");
  derivation.environment["disallowedReferences"] = unknown.text();

  const DerivationOptions options = read(derivation);
  const OutputChecks& checks = *options.checks_of("out");
  const SinglePathSet expected = {
      {other, {}}, {input, {"out"}}, {input, {"a", "b"}}, {input, {"a", "c", "d"}}};
  CHECK(checks.allowed_references->paths == expected);
  CHECK(checks.disallowed_references.own_outputs == std::set<std::string>{unknown.text()});

  SECTION("survive JSON, in Nix's order") {
    const std::string json = print_derivation_options_json(options);
    CHECK(parse_derivation_options_json(json) == options);
    CHECK(json.find("other") < json.find("\"output\": \"out\""));
    CHECK(json.find("\"output\": \"out\"") < json.find("\"output\": \"b\""));
  }
  SECTION("are resolved, if all are known") {
    const StorePath inner = StorePath::parse("0123456789abcdfghijklmnpqrsvwxyz-inner.drv");
    const FindRealisedOutput find = [&](const StorePath& path,
                                        std::string_view output) -> std::optional<StorePath> {
      if (output == "a" || output == "c") return inner;
      if (output == "d" && path != inner) return std::nullopt;
      return StorePath::parse("0123456789abcdfghijklmnpqrsvwxyz-" + std::string(output));
    };
    const auto resolved = resolve_derivation_options(options, find);
    REQUIRE(resolved);
    std::set<std::string> names;
    for (const SinglePath& path : resolved->checks_of("out")->allowed_references->paths) {
      CHECK(path.outputs.empty());
      names.emplace(path.path.name());
    }
    CHECK(names == std::set<std::string>{"b", "d", "other", "out"});
    CHECK_FALSE(resolve_derivation_options(
        options, [](const StorePath&, std::string_view) { return std::nullopt; }));
    const auto bad = [&](const StorePath&, std::string_view) { return other; };
    CHECK(code_of([&] { (void)resolve_derivation_options(options, bad); }) ==
          Code::invalid_derivation);
  }
}

TEST_CASE("JSON of options: what is refused") {
  CHECK_NOTHROW(parse_derivation_options_json(options_json()));
  CHECK_NOTHROW(parse_derivation_options_json(options_json("unknown", "1")));
  const std::string checks =
      R"({"ignoreSelfRefs":true,"maxSize":null,"maxClosureSize":null,"allowedReferences":null,)"
      R"("disallowedReferences":[],"allowedRequisites":null,"disallowedRequisites":[X]})";
  const auto with_specs = [&](const std::string& specs) {
    std::string text = checks;
    return R"({"forAllOutputs":)" + text.replace(text.find('X'), 1, specs) + "}";
  };
  CHECK_NOTHROW(parse_derivation_options_json(
      options_json("outputChecks", with_specs(R"({"drvPath":"self","output":"!"})"))));
  const std::vector<std::tuple<std::string, std::string, std::string>> cases = {
      {"noChroot", "", "/"},
      {"noChroot", "1", "/noChroot"},
      {"outputChecks", "{}", "/outputChecks"},
      {"outputChecks", R"({"perOutput":{},"forAllOutputs":{}})", "/outputChecks"},
      {"outputChecks", R"({"perOutput":{"out":{}}})", "/outputChecks/perOutput/out"},
      {"outputChecks", with_specs("1"), "/outputChecks/forAllOutputs/disallowedRequisites/0"},
      {"outputChecks", with_specs("\"x\""), "/outputChecks/forAllOutputs/disallowedRequisites/0"},
      {"outputChecks", with_specs(R"({"drvPath":"self"})"),
       "/outputChecks/forAllOutputs/disallowedRequisites/0"},
      {"exportReferencesGraph", R"({"a":"x"})", "/exportReferencesGraph/a"},
      {"unsafeDiscardReferences", R"({"a":"x"})", "/unsafeDiscardReferences/a"},
      {"passAsFile", "null", "/passAsFile"},
  };
  for (const auto& [name, value, place] : cases) {
    CAPTURE(name, value);
    const auto error = error_of([&, &field = name, &text = value] {
      (void)parse_derivation_options_json(options_json(field, text));
    });
    REQUIRE(error);
    CHECK(error->code() == Code::malformed);
    CHECK(error->subject() == place);
  }
  const std::string deep = options_json("passAsFile", std::string(100'000, '['));
  CHECK(code_of([&] { (void)parse_derivation_options_json(deep); }) == Code::limit_exceeded);
  DerivationOptions bytes;
  bytes.pass_as_file = {"\xff"};
  CHECK(code_of([&] { (void)print_derivation_options_json(bytes); }) == Code::invalid_argument);
}

TEST_CASE("where a derivation may be built") {
  Derivation derivation = test::fixed_derivation();
  DerivationOptions options = read(derivation);
  options.required_system_features = {"kvm"};
  BuildMachineFacts machine{.systems = {"x86_64-linux"}, .features = {"big-parallel", "kvm"}};
  CHECK(required_system_features(options, derivation) == std::set<std::string>{"kvm"});
  CHECK(can_build_locally(options, derivation, machine));
  CHECK_FALSE(will_build_locally(options, derivation, machine));
  options.prefer_local_build = true;
  CHECK(will_build_locally(options, derivation, machine));

  SECTION("not without its feature") {
    machine.features = {"big-parallel"};
    CHECK_FALSE(can_build_locally(options, derivation, machine));
    CHECK_FALSE(will_build_locally(options, derivation, machine));
  }
  SECTION("not with unknown output paths, unless that is offered") {
    derivation.outputs = {
        {"out", FloatingOutput{ContentAddressMethod::nar, HashAlgorithm::sha256}}};
    CHECK(required_system_features(options, derivation) ==
          std::set<std::string>{"ca-derivations", "kvm"});
    CHECK_FALSE(can_build_locally(options, derivation, machine));
    machine.features.insert("ca-derivations");
    CHECK(can_build_locally(options, derivation, machine));
  }
  SECTION("not on another system or without slots, but for a builder that is built in") {
    derivation.system = "m68k-linux";
    CHECK_FALSE(can_build_locally(options, derivation, machine));
    derivation.builder = "builtin:fetchurl";
    machine.jobs_max = 0;
    CHECK(can_build_locally(options, derivation, machine));
    derivation.builder = "/bin/sh";
    derivation.system = "x86_64-linux";
    CHECK_FALSE(can_build_locally(options, derivation, machine));
  }
  CHECK(substitutes_allowed(options, false));
  options.allow_substitutes = false;
  CHECK_FALSE(substitutes_allowed(options, false));
  CHECK(substitutes_allowed(options, true));
  CHECK_FALSE(uses_uid_range(options));
  options.required_system_features = {"uid-range"};
  CHECK(uses_uid_range(options));
}

}  // namespace cinch
