#include "catch.hh"
#include "derivations.hh"
#include "errors.hh"

#include <cinch/core/derivation_aterm.hh>

namespace cinch {

using test::code_of;
using test::error_of;

namespace {

const StoreDir store_dir;
const std::string dep = "/nix/store/c015dhfh5l0lp6wxyvdn7bmwhbbr6hr9-dep";
const std::string head = "Derive([(\"out\",\"\",\"\",\"\")],";
const std::string rest = "[],[],\"x86_64-linux\",\"/bin/sh\",[],[])";

Derivation parse(std::string_view text) { return parse_derivation(text, "name", store_dir); }

Error refusal(std::string_view text) {
  const auto error = error_of([&] { parse(text); });
  INFO(text);
  REQUIRE(error);
  return *error;
}

// One output with these fields.
std::string with_output(const std::string& fields) { return "Derive([(" + fields + ")]," + rest; }

}  // namespace

TEST_CASE("a derivation and its text") {
  Derivation derivation = test::simple_derivation("name");
  derivation.input_sources = {store_dir.parse(dep + "-source")};
  derivation.input_derivations = {{store_dir.parse(dep + ".drv"), {"dev", "out"}}};
  const std::string text = "Derive([(\"out\",\"\",\"\",\"\")],[(\"" + dep +
                           ".drv\",[\"dev\",\"out\"])],[\"" + dep +
                           "-source\"],\"x86_64-linux\",\"/bin/sh\",[\"-c\",\"echo hello > $out\"],"
                           "[(\"name\",\"name\"),(\"out\",\"\")])";
  CHECK(print_derivation(derivation, store_dir) == text);
  CHECK(parse(text) == derivation);
}

TEST_CASE("strings are bytes, and five of them are escaped") {
  Derivation derivation = test::simple_derivation("name");
  std::string bytes;
  for (int byte = 0; byte < 256; ++byte) bytes += static_cast<char>(byte);
  derivation.environment["all"] = bytes;
  derivation.environment["\"\\\n\r\t"] = "\"\\\n\r\t";
  derivation.arguments = {"", "\\", "\"", "a\\n", "\n\n"};
  const std::string text = print_derivation(derivation, store_dir);
  CHECK(parse(text) == derivation);
  CHECK(text.find(R"(("\"\\\n\r\t","\"\\\n\r\t"))") != std::string::npos);
  CHECK(text.find(R"(["","\\","\"","a\\n","\n\n"])") != std::string::npos);
}

TEST_CASE("needless escapes are read as the character itself") {
  const std::string text = head + R"([],[],"\x\8\6_64","/bin/sh",[],[]))";
  CHECK(parse(text).system == "x86_64");
}

TEST_CASE("what is not sorted is sorted") {
  const std::string text = "Derive([(\"out\",\"\",\"\",\"\"),(\"dev\",\"\",\"\",\"\")],[(\"" + dep +
                           "2.drv\",[\"out\",\"dev\"]),(\"" + dep +
                           "1.drv\",[\"out\"])],[],\"s\",\"b\",[],"
                           "[(\"z\",\"\"),(\"a\",\"\")])";
  const Derivation derivation = parse(text);
  CHECK(derivation.outputs.size() == 2);
  CHECK(print_derivation(derivation, store_dir) ==
        "Derive([(\"dev\",\"\",\"\",\"\"),(\"out\",\"\",\"\",\"\")],[(\"" + dep +
            "1.drv\",[\"out\"]),(\"" + dep +
            "2.drv\",[\"dev\",\"out\"])],[],\"s\",\"b\",[],"
            "[(\"a\",\"\"),(\"z\",\"\")])");
}

TEST_CASE("every cut of a derivation is refused at its end or before") {
  Derivation derivation = test::fixed_derivation("name");
  derivation.input_sources = {store_dir.parse(dep + "-source")};
  derivation.input_derivations = {{store_dir.parse(dep + ".drv"), {"dev", "out"}}};
  derivation.environment["quote"] = "\"\n";
  const std::string text = print_derivation(derivation, store_dir);
  REQUIRE(parse(text) == derivation);
  for (std::size_t length = 0; length < text.size(); ++length) {
    CAPTURE(length);
    const Error error = refusal(text.substr(0, length));
    CHECK(error.code() == Code::malformed);
    REQUIRE(error.offset());
    CHECK(*error.offset() <= length);
  }
}

TEST_CASE("a changed byte never does worse than an error") {
  Derivation derivation = test::fixed_derivation("name");
  derivation.input_derivations = {{store_dir.parse(dep + ".drv"), {"dev", "out"}}};
  const std::string text = print_derivation(derivation, store_dir);
  for (std::size_t at = 0; at < text.size(); ++at) {
    for (const char byte : {'"', '\\', '(', ']', ',', '\0', '\xff'}) {
      std::string changed = text;
      changed[at] = byte;
      const auto error = error_of([&] { parse(changed); });
      if (!error) continue;
      CAPTURE(at, byte);
      CHECK((error->code() == Code::malformed || error->code() == Code::not_supported ||
             error->code() == Code::invalid_derivation));
      REQUIRE(error->offset());
      CHECK(*error->offset() <= changed.size());
    }
  }
}

TEST_CASE("malformed texts, with the offset") {
  const std::string good = head + rest;
  REQUIRE_FALSE(code_of([&] { parse(good); }));
  // The offset is where the '@' stands, which is not part of the text.
  const std::string cases[] = {
      "@",
      "@derive(",
      "@ " + good,
      good + "@\n",
      good + "@" + good,
      R"(Derive([("out","","",""),@]),)" + rest,
      R"(Derive([@,("out","","","")],)" + rest,
      R"(Derive([("out",@ "","","")],)" + rest,
      R"(Derive([("out","",""@)],)" + rest,
      R"(Derive([("out","","",""),("@out","","","")],)" + rest,
      R"(Derive([("out","@/tmp/x","","")],)" + rest,
      R"(Derive([("out","@/nix/store/../store/c015dhfh5l0lp6wxyvdn7bmwhbbr6hr9-x","","")],)" + rest,
      R"(Derive([("out","@)" + dep + R"(/x","","")],)" + rest,
      R"(Derive([("out","@","","00")],)" + rest,
      head + R"([(")" + dep + R"(.drv",["out","@out"])],[],"","",[],[]))",
      head + R"([(")" + dep + R"(.drv",["out"]),("@)" + dep + R"(.drv",["out"])],[],"","",[],[]))",
      head + R"([(")" + dep + R"(.drv",@(["out"],[]))],[],"","",[],[]))",
      head + R"([],[")" + dep + R"(","@)" + dep + R"("],"","",[],[]))",
      head + R"([],[],"","",[],[("a",""),("@a","")]))",
      head + R"([],[],"","",[@"a)",
      head + R"([],[],"","",[@"a\)",
      head + R"([],[],"","",[@"a\")",
  };
  for (const std::string& marked : cases) {
    const std::size_t offset = marked.find('@');
    std::string text = marked;
    text.erase(offset, 1);
    const Error error = refusal(text);
    CAPTURE(marked, std::string(error.what()));
    CHECK(error.code() == Code::malformed);
    REQUIRE(error.offset());
    CHECK(*error.offset() == offset);
  }
}

TEST_CASE("fixed outputs") {
  const std::string digest = "89451791163c896ec31a2adbd33c0681fd5f45b2c0ef0a264c92a03fb97f390f";
  struct Good {
    std::string algorithm;
    ContentAddressMethod method;
  };
  for (const Good& good :
       {Good{"sha256", ContentAddressMethod::flat}, Good{"r:sha256", ContentAddressMethod::nar},
        Good{"text:sha256", ContentAddressMethod::text},
        Good{"git:sha256", ContentAddressMethod::git}}) {
    const ContentAddress address{good.method, Hash::parse_digest(digest, HashAlgorithm::sha256)};
    const StorePath path = make_content_addressed_path(store_dir, "name", address);
    const std::string text = with_output("\"out\",\"" + store_dir.print(path) + "\",\"" +
                                         good.algorithm + "\",\"" + digest + "\"");
    const Derivation derivation = parse(text);
    CHECK(derivation.outputs.at("out") == DerivationOutput(FixedOutput{address}));
    CHECK(print_derivation(derivation, store_dir) == text);
  }
}

TEST_CASE("a fixed output with the wrong path is refused, both paths named") {
  const std::string digest = "89451791163c896ec31a2adbd33c0681fd5f45b2c0ef0a264c92a03fb97f390f";
  const Error error =
      refusal(with_output("\"out\",\"" + dep + "-name\",\"r:sha256\",\"" + digest + "\""));
  CHECK(error.code() == Code::invalid_derivation);
  CHECK(error.message().find(dep + "-name") != std::string::npos);
  const ContentAddress address{ContentAddressMethod::nar,
                               Hash::parse_digest(digest, HashAlgorithm::sha256)};
  const StorePath right = make_content_addressed_path(store_dir, "name", address);
  CHECK(error.message().find(store_dir.print(right)) != std::string::npos);
}

TEST_CASE("hashes that are none") {
  const std::string digest(64, '0');
  CHECK(refusal(with_output("\"out\",\"\",\"sha-3\",\"" + digest + "\"")).message().find("sha-3") !=
        std::string::npos);
  CHECK(refusal(with_output("\"out\",\"\",\"sha256\",\"" + digest + "0\"")).code() ==
        Code::malformed);
  CHECK(refusal(with_output("\"out\",\"\",\"x:sha256\",\"" + digest + "\"")).code() ==
        Code::malformed);
  CHECK(
      refusal(with_output("\"out\",\"\",\"text:sha1\",\"" + std::string(40, '0') + "\"")).code() ==
      Code::invalid_derivation);
}

TEST_CASE("floating, impure and deferred outputs") {
  using Method = ContentAddressMethod;
  const std::pair<std::string, DerivationOutput> cases[] = {
      {R"("dev","","","")", DeferredOutput{}},
      {R"("dev","","r:sha256","")", FloatingOutput{Method::nar, HashAlgorithm::sha256}},
      {R"("dev","","sha512","")", FloatingOutput{Method::flat, HashAlgorithm::sha512}},
      {R"("dev","","text:sha256","")", FloatingOutput{Method::text, HashAlgorithm::sha256}},
      {R"("dev","","r:sha1","impure")", ImpureOutput{Method::nar, HashAlgorithm::sha1}},
      {R"("dev","","git:sha1","")", FloatingOutput{Method::git, HashAlgorithm::sha1}},
  };
  for (const auto& [fields, output] : cases) {
    const std::string text = with_output(fields);
    const Derivation derivation = parse(text);
    CHECK(derivation.outputs.at("dev") == output);
    CHECK(print_derivation(derivation, store_dir) == text);
    CHECK_FALSE(derivation.output_path(store_dir, "dev"));
    CHECK_NOTHROW(check_derivation(derivation));
  }
  for (const std::string& fields : {"\"dev\",\"" + dep + "\",\"r:sha256\",\"\"",
                                    "\"dev\",\"" + dep + "\",\"r:sha256\",\"impure\"",
                                    std::string(R"("dev","","","impure")")}) {
    CHECK(refusal(with_output(fields)).code() == Code::malformed);
  }
}

TEST_CASE("what newer versions have is named") {
  const Error error = refusal("DrvWithVersion(\"other\"," + rest);
  CHECK(error.code() == Code::not_supported);
  CHECK(error.message().find("'other'") != std::string::npos);
  CHECK(error.offset() == 15);
}

TEST_CASE("dynamic derivations") {
  const auto with_inputs = [](const std::string& inputs) {
    return R"(DrvWithVersion("xp-dyn-drv",[("out","","","")],[)" + inputs + R"(],[],"","",[],[]))";
  };
  const std::string drv = "(\"" + dep + ".drv\",";
  const std::string text =
      with_inputs(drv + R"((["out"],[("a",["x","y"]),("b",(["z"],[("c",["w"])]))])))");
  const Derivation derivation = parse(text);
  const StorePath path = store_dir.parse(dep + ".drv");
  CHECK(derivation.input_derivations.at(path) == OutputNames{"out"});
  CHECK(derivation.dynamic_inputs.at(path) ==
        DynamicInputs{{"a", {{"x", "y"}, {}}}, {"b", {{"z"}, {{"c", {{"w"}, {}}}}}}});
  CHECK(derivation.references() == StorePathSet{path});
  CHECK_NOTHROW(check_derivation(derivation));
  CHECK(print_derivation(derivation, store_dir) == text);

  // Where nothing but outputs of outputs is wanted, and plain inputs beside.
  const std::string other = R"(("/nix/store/zzzzdhfh5l0lp6wxyvdn7bmwhbbr6hr9-x.drv",["out"]))";
  const std::string only = with_inputs(drv + R"(([],[("a",["x"])])),)" + other);
  CHECK(parse(only).input_derivations.size() == 1);
  CHECK(print_derivation(parse(only), store_dir) == only);

  // Without any, it is written in the plain form.
  CHECK(print_derivation(parse(with_inputs(other)), store_dir).starts_with("Derive("));
}

TEST_CASE("dynamic derivations that are none") {
  const auto input = [](const std::string& wanted) {
    return R"(DrvWithVersion("xp-dyn-drv",[("out","","","")],[(")" + dep + ".drv\"," + wanted +
           R"()],[],"","",[],[]))";
  };
  CHECK(refusal(input(R"((["out"],[("a",["x"]),("a",["y"])]))")).code() == Code::malformed);
  CHECK(refusal(input(R"((["out"],[("a")]))")).code() == Code::malformed);
  CHECK(refusal(input(R"((["out"]))")).code() == Code::malformed);
  CHECK(refusal(input("([],[(\"a\",[\"x\"])])),(\"" + dep + ".drv\",[\"out\"]")).code() ==
        Code::malformed);
  for (const std::string wanted : {"[]", "([],[])", R"((["out"],[("a",[])]))"}) {
    CHECK(code_of([&] { check_derivation(parse(input(wanted))); }) == Code::invalid_derivation);
  }
  const auto nested = [&](std::size_t levels) {
    std::string text;
    for (std::size_t i = 0; i < levels; ++i) text += R"(([],[("a",)";
    text += R"(["x"])";
    for (std::size_t i = 0; i < levels; ++i) text += ")])";
    return input(text);
  };
  CHECK(print_derivation(parse(nested(dynamic_input_depth_max)), store_dir) ==
        nested(dynamic_input_depth_max));
  CHECK(refusal(nested(dynamic_input_depth_max + 1)).code() == Code::limit_exceeded);
  CHECK(refusal(nested(1'000'000)).code() == Code::limit_exceeded);
}

TEST_CASE("a derivation that is too long is refused before it is read") {
  const std::string text(derivation_bytes_max + 1, 'x');
  CHECK(code_of([&] { parse(text); }) == Code::limit_exceeded);
}

TEST_CASE("the texts of one output") {
  const std::string path = "/nix/store/g1w7hy3qg1w7hy3qg1w7hy3qg1w7hy3q-x";
  const auto parse = [&](const DerivationOutputTexts& texts) {
    return parse_derivation_output(texts, "out", "x", store_dir);
  };
  CHECK(parse({}) == DerivationOutput(DeferredOutput{}));
  CHECK(parse({.path = path}) == DerivationOutput(InputAddressedOutput{store_dir.parse(path)}));
  CHECK(parse({.algorithm = "r:sha256"}) ==
        DerivationOutput(FloatingOutput{ContentAddressMethod::nar, HashAlgorithm::sha256}));
  CHECK(parse({.algorithm = "r:sha256", .hash = "impure"}) ==
        DerivationOutput(ImpureOutput{ContentAddressMethod::nar, HashAlgorithm::sha256}));
  const auto error =
      error_of([&] { parse({.path = path, .algorithm = "sha256", .hash = std::string(64, '0')}); });
  REQUIRE(error);
  CHECK(error->code() == Code::invalid_derivation);
  CHECK_FALSE(error->offset());
}

}  // namespace cinch
