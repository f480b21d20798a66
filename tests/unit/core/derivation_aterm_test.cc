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
        Good{"text:sha256", ContentAddressMethod::text}}) {
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
  CHECK(refusal(with_output("\"out\",\"" + dep + "\",\"sha256\",\"\"")).code() == Code::malformed);
  CHECK(
      refusal(with_output("\"out\",\"\",\"text:sha1\",\"" + std::string(40, '0') + "\"")).code() ==
      Code::invalid_derivation);
}

TEST_CASE("kinds of outputs that are not supported are named") {
  for (const std::string fields :
       {"\"dev\",\"\",\"r:sha256\",\"\"", "\"dev\",\"\",\"r:sha256\",\"impure\"",
        "\"dev\",\"\",\"git:sha1\",\"0000000000000000000000000000000000000000\""}) {
    const Error error = refusal(with_output(fields));
    CHECK(error.code() == Code::not_supported);
    CHECK(error.message().find("'dev'") != std::string::npos);
  }
  const Error error = refusal("DrvWithVersion(\"xp-dyn-drv\"," + rest);
  CHECK(error.code() == Code::not_supported);
  CHECK(error.message().find("xp-dyn-drv") != std::string::npos);
}

TEST_CASE("a derivation that is too long is refused before it is read") {
  const std::string text(derivation_bytes_max + 1, 'x');
  CHECK(code_of([&] { parse(text); }) == Code::limit_exceeded);
}

}  // namespace cinch
