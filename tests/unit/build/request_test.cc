#include "catch.hh"
#include "errors.hh"
#include "request/make_request.hh"

#include <cinch/core/placeholder.hh>

namespace cinch::test {
namespace {

StorePath path(const std::string& name) {
  return StorePath::parse("00000000000000000000000000000000-" + name);
}

Derivation example() {
  Derivation derivation;
  derivation.name = "example";
  derivation.outputs.emplace("out", InputAddressedOutput{path("example")});
  derivation.system = "x86_64-linux";
  derivation.builder = "/bin/sh";
  derivation.arguments = {"-c", "true"};
  derivation.environment = {{"out", "/nix/store/" + path("example").base_name()}};
  return derivation;
}

RequestFacts facts() {
  RequestFacts facts{.derivation_path = path("example.drv"), .store_dir = StoreDir()};
  facts.cores = 3;
  return facts;
}

BuildRequest request_of(const Derivation& derivation, RequestFacts of = facts()) {
  of.options = read_derivation_options(derivation, of.store_dir);
  return make_build_request(derivation, of, {});
}

TEST_CASE("the environment is Nix's") {
  BuildRequest request = request_of(example());
  CHECK(request.environment == std::map<std::string, std::string>{
                                   {"HOME", "/homeless-shelter"},
                                   {"NIX_BUILD_CORES", "3"},
                                   {"NIX_BUILD_TOP", "/build"},
                                   {"NIX_LOG_FD", "2"},
                                   {"NIX_STORE", "/nix/store"},
                                   {"PATH", "/path-not-set"},
                                   {"PWD", "/build"},
                                   {"TEMP", "/build"},
                                   {"TEMPDIR", "/build"},
                                   {"TERM", "xterm-256color"},
                                   {"TMP", "/build"},
                                   {"TMPDIR", "/build"},
                                   {"out", "/nix/store/00000000000000000000000000000000-example"},
                               });
}

TEST_CASE("the derivation's variables win where Nix lets them") {
  Derivation derivation = example();
  for (const char* name : {"PATH", "HOME", "NIX_STORE", "NIX_BUILD_CORES", "TMPDIR", "TEMPDIR",
                           "TMP", "TEMP", "PWD", "NIX_BUILD_TOP", "NIX_LOG_FD", "TERM"}) {
    derivation.environment[name] = "own";
  }
  BuildRequest request = request_of(derivation);
  for (const char* name : {"PATH", "HOME", "NIX_STORE", "NIX_BUILD_CORES"}) {
    CAPTURE(name);
    CHECK(request.environment[name] == "own");
  }
  for (const char* name :
       {"TMPDIR", "TEMPDIR", "TMP", "TEMP", "PWD", "NIX_BUILD_TOP", "NIX_LOG_FD", "TERM"}) {
    CAPTURE(name);
    CHECK(request.environment[name] != "own");
  }
}

TEST_CASE("what a request has beside the environment") {
  Settings settings;
  settings.timeout = std::chrono::seconds(7);
  settings.max_silent_time = std::chrono::seconds(8);
  settings.max_build_log_size = 9;
  settings.sandbox_dev_shm_size = "10%";
  settings.sandbox_paths = {{"/bin/sh", "/host/sh", true}};
  RequestFacts with_inputs = facts();
  with_inputs.inputs = {{path("input"), "/real/input"}};
  BuildRequest request = make_build_request(example(), with_inputs, settings);
  CHECK(request.derivation == path("example.drv"));
  CHECK(request.system == "x86_64-linux");
  CHECK(request.command == std::vector<std::string>{"/bin/sh", "-c", "true"});
  CHECK(request.working_directory == "/build");
  CHECK(request.store_dir == "/nix/store");
  CHECK(request.inputs == with_inputs.inputs);
  CHECK(request.outputs == std::map<std::string, StorePath>{{"out", path("example")}});
  CHECK(request.mounts == std::vector<BuildMount>{{"/bin/sh", "/host/sh", true}});
  CHECK_FALSE(request.network);
  CHECK(request.limits == BuildLimits{settings.timeout, settings.max_silent_time, 9, "10%"});
}

TEST_CASE("placeholders of outputs are replaced") {
  // From Nix 2.8: builtins.placeholder "out".
  std::string placeholder = "/1rz4g4znpzjwh1xymhjpm42vipw92pr73vdgl6xs1hycac8kf2n9";
  CHECK(Placeholder::own_output("out").text() == placeholder);
  Derivation derivation = example();
  derivation.arguments = {"--prefix=" + placeholder + "/x:" + placeholder};
  derivation.environment["where"] = placeholder + "/lib";
  BuildRequest request = request_of(derivation);
  std::string out = "/nix/store/00000000000000000000000000000000-example";
  CHECK(request.command[1] == "--prefix=" + out + "/x:" + out);
  CHECK(request.environment["where"] == out + "/lib");
}

TEST_CASE("attributes that are passed as files") {
  Derivation derivation = example();
  derivation.environment["passAsFile"] = "text\nother";
  derivation.environment["text"] = "long text " + Placeholder::own_output("out").text();
  BuildRequest request = request_of(derivation);
  CHECK(request.environment.count("text") == 0);
  REQUIRE(request.files.size() == 1);
  // sha256 of "text", in nix32.
  CHECK(request.files[0].name ==
        ".attr-" +
            hash_bytes(HashAlgorithm::sha256, as_bytes("text")).digest_text(HashFormat::nix32));
  CHECK(request.files[0].contents ==
        "long text /nix/store/00000000000000000000000000000000-example");
  CHECK(request.environment["textPath"] == "/build/" + request.files[0].name);
}

TEST_CASE("references graphs are files") {
  Derivation derivation = example();
  derivation.environment["exportReferencesGraph"] =
      "graph.txt /nix/store/" + path("input").base_name();
  RequestFacts with_graph = facts();
  PathInfo info{.path = path("input"), .nar_hash = hash_bytes(HashAlgorithm::sha256, {})};
  info.references = {info.path};
  with_graph.graphs["graph.txt"].emplace(info.path, info);
  const std::string text = "/nix/store/" + path("input").base_name() + "\n";
  BuildRequest request = request_of(derivation, with_graph);
  CHECK(request.files == std::vector<BuildFile>{{"graph.txt", text + "\n1\n" + text}});
  CHECK(request.environment["exportReferencesGraph"] ==
        derivation.environment["exportReferencesGraph"]);
}

TEST_CASE("structured attributes are files, and nothing else") {
  Derivation derivation = example();
  derivation.environment = {{"__json", R"({"a":1,"passAsFile":["a"]})"}, {"out", "x"}, {"b", "c"}};
  BuildRequest request = request_of(derivation);
  const std::string out = "/nix/store/" + path("example").base_name();
  CHECK(request.files ==
        std::vector<BuildFile>{
            {".attrs.json", R"({"a":1,"outputs":{"out":")" + out + R"("},"passAsFile":["a"]})"},
            {".attrs.sh", "declare a=1\ndeclare -A outputs=(['out']='" + out +
                              "' )\ndeclare -a passAsFile=('a' )\n"}});
  CHECK(request.environment["NIX_ATTRS_JSON_FILE"] == "/build/.attrs.json");
  CHECK(request.environment["NIX_ATTRS_SH_FILE"] == "/build/.attrs.sh");
  std::map<std::string, std::string> rest = request_of(example()).environment;
  rest.erase("out");
  rest.merge(std::map<std::string, std::string>(request.environment));
  CHECK(rest == request.environment);
}

TEST_CASE("fixed outputs have the network and the caller's variables") {
  Derivation derivation = example();
  derivation.outputs.clear();
  derivation.outputs.emplace(
      "out", FixedOutput{{ContentAddressMethod::flat, hash_bytes(HashAlgorithm::sha256, {})}});
  derivation.environment["impureEnvVars"] = "http_proxy no_proxy";
  RequestFacts with_variables = facts();
  with_variables.impure_environment = {{"http_proxy", "p"}, {"HOME", "/home/user"}};
  BuildRequest request = request_of(derivation, with_variables);
  CHECK(request.network);
  CHECK(request.environment["NIX_OUTPUT_CHECKED"] == "1");
  CHECK(request.environment["http_proxy"] == "p");
  CHECK(request.environment["no_proxy"].empty());
  CHECK(request.environment["HOME"] == "/homeless-shelter");
}

TEST_CASE("what is not known is refused by name") {
  Derivation derivation = example();
  derivation.environment["__impureHostDeps"] = " ";  // an empty list asks for nothing
  CHECK_FALSE(error_of([&] { request_of(derivation); }));
  derivation.environment["__impureHostDeps"] = "/host/file";
  const auto error = error_of([&] { request_of(derivation); });
  REQUIRE(error);
  CHECK(error->code() == Code::not_supported);
  CHECK(error->message().find("'__impureHostDeps' asks for '/host/file'") != std::string::npos);
  derivation = example();
  derivation.environment["__noChroot"] = "1";
  CHECK(code_of([&] { request_of(derivation); }) == Code::not_supported);
  derivation = example();
  derivation.environment["requiredSystemFeatures"] = "recursive-nix";
  CHECK(code_of([&] { request_of(derivation); }) == Code::not_supported);
  derivation = example();
  derivation.builder = "builtin:buildenv";
  CHECK(code_of([&] { request_of(derivation); }) == Code::not_supported);
}

TEST_CASE("derivations that make no sense are refused") {
  Derivation derivation = example();
  derivation.builder = "sh";
  CHECK(code_of([&] { request_of(derivation); }) == Code::invalid_derivation);
  for (const std::string& name : {std::string(), std::string("a=b"), std::string("a\0b", 3)}) {
    derivation = example();
    derivation.environment[name] = "x";
    CHECK(code_of([&] { request_of(derivation); }) == Code::invalid_derivation);
  }
  // The builder would see only what stands before the NUL.
  const std::string nul("a\0b", 3);
  derivation = example();
  derivation.builder = "/bin/" + nul;
  CHECK(code_of([&] { request_of(derivation); }) == Code::invalid_derivation);
  derivation = example();
  derivation.arguments.push_back(nul);
  CHECK(code_of([&] { request_of(derivation); }) == Code::invalid_derivation);
  derivation = example();
  derivation.environment["text"] = nul;
  CHECK(code_of([&] { request_of(derivation); }) == Code::invalid_derivation);
  derivation.environment["passAsFile"] = "text";
  CHECK(request_of(derivation).files.front().contents == nul);
}

TEST_CASE("/dev/kvm comes with the feature") {
  Derivation derivation = example();
  derivation.environment["requiredSystemFeatures"] = "kvm big-parallel";
  CHECK(request_of(derivation).mounts == std::vector<BuildMount>{{"/dev/kvm", "/dev/kvm", false}});
  CHECK(offered_features({}).count("kvm") == 0);
}

}  // namespace
}  // namespace cinch::test
