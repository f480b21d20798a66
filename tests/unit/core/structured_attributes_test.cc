#include "catch.hh"
#include "derivations.hh"
#include "errors.hh"
#include "memory_store.hh"

#include <cinch/core/derivation_aterm.hh>
#include <cinch/core/placeholder.hh>
#include <cinch/core/references_graph.hh>
#include <cinch/core/structured_attributes.hh>

namespace cinch {

using test::code_of;
using test::error_of;

namespace {

const StoreDir store_dir;

AttributeFiles print(const std::string& json, const AttributeFacts& facts = {}) {
  Derivation derivation = test::simple_derivation();
  derivation.environment["__json"] = json;
  return print_structured_attributes(derivation, store_dir, facts).value();
}

// The lines about other attributes than `outputs`.
std::string shell(const std::string& json) {
  const std::string text = print(json).shell;
  const std::string outputs = "declare -A outputs=()\n";
  const std::size_t at = text.find(outputs);
  REQUIRE(at != std::string::npos);
  return text.substr(0, at) + text.substr(at + outputs.size());
}

PathInfo object(const std::string& name, std::uint64_t size, const StorePathSet& references) {
  PathInfo info{.path = StorePath::parse("0123456789abcdfghijklmnpqrsvwxyz-" + name),
                .nar_hash = hash_bytes(HashAlgorithm::sha256, as_bytes(name)),
                .nar_size = size,
                .references = references};
  return info;
}

}  // namespace

TEST_CASE("derivations without structured attributes have no files of them") {
  CHECK_FALSE(has_structured_attributes(test::simple_derivation()));
  CHECK_FALSE(print_structured_attributes(test::simple_derivation(), store_dir, {}));
}

TEST_CASE("the worked example of docs/formats/structured-attributes.md") {
  const AttributeFiles files = print(R"({"list": [1, "a b", true, null], "name": "it's"})",
                                     {.outputs = {{"out", "/nix/store/x"}}, .graphs = {}});
  CHECK(files.json ==
        R"({"list":[1,"a b",true,null],"name":"it's","outputs":{"out":"/nix/store/x"}})");
  CHECK(files.shell ==
        "declare -a list=(1 'a b' 1 '' )\n"
        "declare name='it'\\''s'\n"
        "declare -A outputs=(['out']='/nix/store/x' )\n");
}

TEST_CASE("what bash can hold") {
  // Each was seen with Nix 2.8.0.
  CHECK(shell(R"({"a": "x\ny\t$é"})") == "declare a='x\ny\t$é'\n");
  CHECK(shell(R"({"a": 5, "b": -3, "c": 4294967297, "d": 18446744073709551615})") ==
        "declare a=5\ndeclare b=-3\ndeclare c=1\ndeclare d=-1\n");
  CHECK(shell(R"({"a": 2.0, "b": 1.5, "c": 16777217.5, "d": 1e300, "e": -0.0, "f": -7.0})") ==
        "declare a=2\ndeclare c=16777217\ndeclare d=-2147483648\ndeclare e=0\ndeclare f=-7\n");
  CHECK(shell(R"({"a": true, "b": false, "c": null, "d": ""})") ==
        "declare a=1\ndeclare b=\ndeclare c=''\ndeclare d=''\n");
  CHECK(shell(R"({"a": [], "b": {}, "c": [false], "d": {"b'c": "d", "a": 1}})") ==
        "declare -a a=()\ndeclare -A b=()\ndeclare -a c=( )\n"
        "declare -A d=(['a']=1 ['b'\\''c']='d' )\n");
  // Neither deeper values nor fractions in lists, nor other names than those of variables.
  CHECK(shell(R"({"a": [1, [2]], "b": [1.5], "c": {"d": {}}, "d": [{}]})").empty());
  CHECK(shell(R"({"": 1, "9a": 1, "a-b": 1, "a.b": 1, "é": 1})").empty());
  CHECK(shell(R"({"A9_": 1, "_": 1})") == "declare A9_=1\ndeclare _=1\n");
}

TEST_CASE("placeholders become the paths of outputs") {
  const std::string out = Placeholder::own_output("out").text();
  const AttributeFiles files = print(R"({"a": ")" + out + R"(/bin", ")" + out + R"(": 1})",
                                     {.outputs = {{"out", "/build/x"}}, .graphs = {}});
  CHECK(files.json == R"({"/build/x":1,"a":"/build/x/bin","outputs":{"out":"/build/x"}})");
  CHECK(files.shell == "declare a='/build/x/bin'\ndeclare -A outputs=(['out']='/build/x' )\n");
}

TEST_CASE("references graphs in structured attributes") {
  PathInfo a = object("a", 10, {});
  const PathInfo b = object("b", 20, {a.path, object("b", 0, {}).path});
  const PathInfo c = object("c", 40, {a.path, b.path});
  a.content_address = ContentAddress{ContentAddressMethod::nar, a.nar_hash};
  const ReferencesGraph graph = {{a.path, a}, {b.path, b}, {c.path, c}};
  AttributeFacts facts;
  facts.graphs = {{"graph", graph}, {"none", {}}};
  // The key takes the place of an attribute of that name.
  const std::string json = print(R"({"graph": 1})", facts).json;
  const auto entry = [](const PathInfo& info, const std::string& closure,
                        const std::string& references, const std::string& address = "") {
    return "{" + address + "\"closureSize\":" + closure + ",\"narHash\":\"" +
           info.nar_hash.to_string(HashFormat::nix32) +
           "\",\"narSize\":" + std::to_string(info.nar_size) + ",\"path\":\"" +
           store_dir.print(info.path) + "\",\"references\":[" + references + "],\"valid\":true}";
  };
  const std::string a_text = '"' + store_dir.print(a.path) + '"';
  const std::string b_text = '"' + store_dir.print(b.path) + '"';
  CHECK(json == R"({"graph":[)" +
                    entry(a, "10", "", R"("ca":")" + a.content_address->to_string() + "\",") + "," +
                    entry(b, "30", a_text + "," + b_text) + "," +
                    entry(c, "70", a_text + "," + b_text) + R"(],"none":[],"outputs":{}})");

  facts.graphs = {{"graph", {{c.path, c}}}};
  CHECK(code_of([&] { (void)print("{}", facts); }) == Code::invalid_argument);
}

TEST_CASE("structured attributes that are refused") {
  for (const char* json : {"", "[]", "null", "{", R"({"a":1,"a":1})", "{\"a\":\"\xff\"}"}) {
    CAPTURE(json);
    const auto error = error_of([&] { (void)print(json); });
    REQUIRE(error);
    CHECK(error->code() == Code::invalid_derivation);
    CHECK(error->subject() == "__json");
  }
  CHECK(code_of([] { (void)print(std::string(1'000'000, '[')); }) == Code::limit_exceeded);
}

TEST_CASE("references graphs as files") {
  const PathInfo a = object("a", 10, {});
  const PathInfo b = object("b", 20, {a.path, object("b", 0, {}).path});
  const std::string a_text = store_dir.print(a.path);
  const std::string b_text = store_dir.print(b.path);
  CHECK(print_references_graph({{a.path, a}, {b.path, b}}, store_dir) ==
        a_text + "\n\n0\n" + b_text + "\n\n2\n" + a_text + "\n" + b_text + "\n");
  CHECK(print_references_graph({}, store_dir).empty());
}

TEST_CASE("computing references graphs") {
  test::MemoryStore store;
  const StorePath a = store.put("a");
  const StorePath b = store.put("b", {a});
  const StorePath unrelated = store.put("unrelated");
  const ReferencesGraph graph = compute_references_graph(store, {b}, {a, b, unrelated});
  REQUIRE(graph.size() == 2);
  CHECK(graph.at(b).references == StorePathSet{a});

  const auto error = error_of([&] { (void)compute_references_graph(store, {unrelated}, {a, b}); });
  REQUIRE(error);
  CHECK(error->code() == Code::invalid_derivation);
  CHECK(error->subject() == store_dir.print(unrelated));

  SECTION("outputs of derivations are in them") {
    const Derivation derivation = test::fixed_derivation();
    const StorePath path = store.add_derivation(derivation);
    const StorePath output = *derivation.output_path(store_dir, "out");
    CHECK(code_of([&] { (void)compute_references_graph(store, {path}, {path}); }) ==
          Code::not_found);
    PathInfo info = store.objects.at(b).info;
    info.path = output;
    store.objects.emplace(output, test::MemoryStore::Object{info, ""});
    const ReferencesGraph all = compute_references_graph(store, {path}, {path});
    CHECK(all.size() == 3);
    CHECK((all.contains(path) && all.contains(output) && all.contains(a)));
  }
  SECTION("but not those whose paths are not known") {
    Derivation derivation = test::simple_derivation();
    derivation.outputs = {
        {"out", FloatingOutput{ContentAddressMethod::nar, HashAlgorithm::sha256}}};
    const StorePath path = store.add_derivation(derivation);
    const auto unknown = error_of([&] { (void)compute_references_graph(store, {path}, {path}); });
    REQUIRE(unknown);
    CHECK(unknown->code() == Code::not_supported);
    CHECK(unknown->subject() == store_dir.print(path));
  }
}

}  // namespace cinch
