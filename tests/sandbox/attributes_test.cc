// Attributes that change what a builder is given and what its outputs may be, in real builds.
#include "catch.hh"
#include "realiser_fixture.hh"

#include <cinch/core/structured_attributes.hh>

#include <algorithm>

namespace cinch::test {
namespace {

// With a shell that has `declare`, which reads its attributes.
Derivation structured(const std::string& name, const std::string& json, const std::string& script) {
  Derivation derivation = RealiserFixture::shell(name, script);
  derivation.builder = "/bin/bash";
  derivation.arguments[2] = "export PATH=/bin:/usr/bin; . $NIX_ATTRS_SH_FILE; " + script;
  derivation.environment = {{"__json", json}, {"out", ""}};
  return derivation;
}

bool says(const BuildResult& result, const std::string& text) {
  return result.status == BuildStatus::output_rejected &&
         result.error_message.find(text) != std::string::npos;
}

}  // namespace

TEST_CASE("a builder has its structured attributes") {
  RealiserFixture fixture;
  Derivation derivation = structured(
      "structured", R"({"list":["a b","c"],"map":{"k":"v"},"name":"structured","nested":[[]]})",
      "cp $NIX_ATTRS_JSON_FILE ${outputs[out]};"
      "mkdir ${outputs[dev]};"
      "echo \"${#list[@]} ${list[0]} ${map[k]} $name ${nested-none} ${out-none}\"");
  derivation.outputs.emplace("dev", DeferredOutput{});
  derivation.environment["dev"] = "";
  const StorePath path = fixture.add(derivation);
  const BuildResult result = fixture.realise(path);
  INFO(result.error_message);
  REQUIRE(result.status == BuildStatus::built);
  CHECK(fixture.log(path) == "2 a b v structured none none\n");
  const StoreDir& store_dir = fixture.store().store_dir();
  const std::string out = store_dir.print(fixture.output(path));
  const std::string dev = store_dir.print(fixture.output(path, "dev"));
  const std::string outputs = R"("outputs":{"dev":")" + dev + R"(","out":")" + out + R"("}})";
  CHECK(fixture.contents(fixture.output(path)) ==
        R"({"list":["a b","c"],"map":{"k":"v"},"name":"structured","nested":[[]],)" + outputs);
}

TEST_CASE("a builder is told about references") {
  RealiserFixture fixture;
  const StorePath first = fixture.add("first", "echo > $out");
  Derivation derivation = RealiserFixture::shell("second", "echo $first $out > $out");
  fixture.use(derivation, "first", first);
  const StorePath second = fixture.add(derivation);
  const StoreDir& store_dir = fixture.store().store_dir();
  const std::string first_text = store_dir.print(fixture.output(first));
  const std::string second_text = store_dir.print(fixture.output(second));

  derivation = RealiserFixture::shell("graph", "cat graph.txt other > $out");
  fixture.use(derivation, "second", second);
  derivation.environment["exportReferencesGraph"] =
      "graph.txt " + second_text + "/below other " + first_text;
  const StorePath graph = fixture.add(derivation);
  const BuildResult result = fixture.realise(graph);
  INFO(result.error_message);
  REQUIRE(result.status == BuildStatus::built);
  const std::string first_entry = first_text + "\n\n0\n";
  const auto [one, two] = std::minmax(first_text, second_text);
  const std::string second_entry = second_text + "\n\n2\n" + one + "\n" + two + "\n";
  const std::string both =
      first_text < second_text ? first_entry + second_entry : second_entry + first_entry;
  CHECK(fixture.contents(fixture.output(graph)) == both + first_entry);

  SECTION("with structured attributes, in them") {
    Derivation other = structured(
        "structured-graph", R"({"exportReferencesGraph":{"graph":[[")" + second_text + R"("]]}})",
        "cp $NIX_ATTRS_JSON_FILE ${outputs[out]}");
    other.input_derivations = {{second, {"out"}}};
    const StorePath path = fixture.add(other);
    REQUIRE(fixture.realise(path).status == BuildStatus::built);
    const StorePath first_path = fixture.output(first);
    const StorePath second_path = fixture.output(second);
    AttributeFacts facts;
    facts.outputs = {{"out", store_dir.print(fixture.output(path))}};
    facts.graphs["graph"] = {{first_path, fixture.store().require(first_path)},
                             {second_path, fixture.store().require(second_path)}};
    CHECK(fixture.contents(fixture.output(path)) ==
          print_structured_attributes(other, store_dir, facts)->json);
  }
  SECTION("but not about others than its inputs") {
    Derivation other = RealiserFixture::shell("other", ": > $out");
    other.environment["exportReferencesGraph"] = "graph " + first_text;
    const BuildResult refused = fixture.realise(fixture.add(other));
    CHECK(refused.status == BuildStatus::input_rejected);
    CHECK(refused.error_message.find(first_text) != std::string::npos);
  }
}

TEST_CASE("outputs that refer to what they must not are refused") {
  RealiserFixture fixture;
  const StorePath input = fixture.add("input", "echo > $out");
  const std::string input_text = fixture.store().store_dir().print(fixture.output(input));
  const auto with = [&](const std::string& attribute, const std::string& value) {
    Derivation derivation = RealiserFixture::shell("checked", "echo $input > $out");
    fixture.use(derivation, "input", input);
    derivation.environment[attribute] = value;
    return fixture.add(derivation);
  };
  const StorePath allowed = with("allowedReferences", input_text + " out");
  const StorePath nothing = with("allowedReferences", "");
  CHECK(fixture.realise(allowed).status == BuildStatus::built);
  const BuildResult refused = fixture.realise(nothing);
  INFO(refused.error_message);
  CHECK(says(refused, "refers to '" + input_text + "', which 'allowedReferences' does not allow"));
  CHECK_FALSE(fixture.store().is_valid(fixture.output(nothing)));
  CHECK(says(fixture.realise(with("disallowedRequisites", input_text)),
             "refers to '" + input_text + "', which 'disallowedRequisites' does not allow"));
}

TEST_CASE("structured attributes check each output, and may discard references") {
  RealiserFixture fixture;
  const StorePath input = fixture.add("input", "echo > $out");
  const std::string input_text = fixture.store().store_dir().print(fixture.output(input));
  const auto with = [&](const std::string& json) {
    Derivation derivation =
        structured("checked", R"({"input":")" + input_text + "\"," + json + "}",
                   "echo $input > ${outputs[out]}; echo 0123456789 > ${outputs[dev]}");
    derivation.outputs.emplace("dev", DeferredOutput{});
    derivation.environment["dev"] = "";
    derivation.input_derivations = {{input, {"out"}}};
    return fixture.add(derivation);
  };
  CHECK(says(fixture.realise(with(R"("outputChecks":{"dev":{"maxSize":1}})")),
             "has 128 bytes, more than the 1 that 'maxSize' allows"));
  CHECK(says(fixture.realise(with(R"("outputChecks":{"out":{"maxClosureSize":1}})")),
             "bytes, more than the 1 that 'maxClosureSize' allows"));
  const StorePath fine =
      with(R"("outputChecks":{"dev":{"maxSize":128,"allowedReferences":[]},"none":{"maxSize":0}})");
  CHECK(fixture.realise(fine).status == BuildStatus::built);
  CHECK(fixture.store().require(fixture.output(fine)).references ==
        StorePathSet{fixture.output(input)});

  const StorePath discarding = with(
      R"("outputChecks":{"out":{"allowedReferences":[]}},"unsafeDiscardReferences":{"out":true})");
  CHECK(fixture.realise(discarding).status == BuildStatus::built);
  CHECK(fixture.store().require(fixture.output(discarding)).references.empty());
}

TEST_CASE("attributes without effect are told, wrong ones refused") {
  RealiserFixture fixture;
  const std::string script = "echo > ${outputs[out]}";
  CHECK(fixture.realise(fixture.add(structured("ignored", R"({"maxSize":0})", script))).status ==
        BuildStatus::built);
  const auto messages = fixture.events.all<MessageEvent>();
  REQUIRE(messages.size() == 1);
  CHECK(messages[0].level == Verbosity::warn);
  CHECK(messages[0].text.find("'maxSize'") != std::string::npos);

  const BuildResult wrong =
      fixture.realise(fixture.add(structured("wrong", R"({"outputChecks":{"out":1}})", script)));
  CHECK(wrong.status == BuildStatus::input_rejected);
  CHECK(wrong.error_message.find("/outputChecks/out") != std::string::npos);
}

}  // namespace cinch::test
