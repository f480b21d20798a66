#include "catch.hh"
#include "errors.hh"

#include <cinch/core/realisation.hh>

namespace cinch {

using test::code_of;
using test::error_of;

namespace {

const StoreDir store_dir;
const std::string drv = "/nix/store/c015dhfh5l0lp6wxyvdn7bmwhbbr6hr9-x.drv";
const std::string hash = "sha256:15e3c560894cbb27085cf65b5a2ecb18488c999497f4531b6907a7581ce6d527";
const StorePath built = StorePath::parse("g1w7hy3qg1w7hy3qg1w7hy3qg1w7hy3q-x");
const std::string signature =
    "asdf:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA==";

}  // namespace

TEST_CASE("keys of realisations and their text") {
  CHECK(RealisationKey::parse(drv + "^out", store_dir).to_string(store_dir) == drv + "^out");
  CHECK(HashedRealisationKey::parse(hash + "!out").to_string() == hash + "!out");
  for (const std::string text : {"", "^out", "/nix/store/c015dhfh5l0lp6wxyvdn7bmwhbbr6hr9-x^out",
                                 "/nix/store/c015dhfh5l0lp6wxyvdn7bmwhbbr6hr9-x.drv",
                                 "/nix/store/c015dhfh5l0lp6wxyvdn7bmwhbbr6hr9-x.drv^",
                                 "/nix/store/c015dhfh5l0lp6wxyvdn7bmwhbbr6hr9-x.drv^a^b",
                                 "c015dhfh5l0lp6wxyvdn7bmwhbbr6hr9-x.drv^out"}) {
    CAPTURE(text);
    CHECK(code_of([&] { RealisationKey::parse(text, store_dir); }) == Code::malformed);
  }
  for (const std::string& text :
       {std::string(), std::string("!out"), hash, hash + "!", hash + "!a!b", hash + "^out",
        std::string("md5:5d41402abc4b2a76b9719d911017c592!out")}) {
    CAPTURE(text);
    CHECK(code_of([&] { HashedRealisationKey::parse(text); }) == Code::malformed);
  }
}

TEST_CASE("a realisation is signed over its JSON without signatures") {
  Realisation realisation{.key = RealisationKey::parse(drv + "^out", store_dir), .path = built};
  const std::string expected =
      R"({"key":{"drvPath":"c015dhfh5l0lp6wxyvdn7bmwhbbr6hr9-x.drv","outputName":"out"},)"
      R"("value":{"outPath":"g1w7hy3qg1w7hy3qg1w7hy3qg1w7hy3q-x"}})";
  CHECK(realisation.fingerprint() == expected);
  const SecretKey first = SecretKey::generate("first");
  const SecretKey second = SecretKey::generate("second");
  for (const SecretKey* key : {&first, &second}) {
    realisation.signatures.insert(key->sign(realisation.fingerprint()));
  }
  CHECK(realisation.fingerprint() == expected);
  const std::vector<Signature> all(realisation.signatures.begin(), realisation.signatures.end());
  const std::vector<PublicKey> keys = {first.public_key(), second.public_key()};
  CHECK(count_valid_signatures(keys, realisation.fingerprint(), all) == 2);
  CHECK(parse_realisation_json(print_realisation_json(realisation)) == realisation);
  realisation.path = StorePath::parse("g1w7hy3qg1w7hy3qg1w7hy3qg1w7hy3q-y");
  CHECK(count_valid_signatures(keys, realisation.fingerprint(), all) == 0);
}

TEST_CASE("a realisation that names the derivation by its hash") {
  const HashedRealisationKey key = HashedRealisationKey::parse(hash + "!out");
  HashedRealisation realisation{
      .key = key,
      .path = built,
      .signatures = {Signature::parse(signature)},
      .dependencies = {{HashedRealisationKey::parse(hash + "!dev"), built}}};
  const std::string start = R"({"dependentRealisations":{")" + hash +
                            R"(!dev":"g1w7hy3qg1w7hy3qg1w7hy3qg1w7hy3q-x"},"id":")" + hash +
                            R"(!out","outPath":"g1w7hy3qg1w7hy3qg1w7hy3qg1w7hy3q-x")";
  CHECK(realisation.fingerprint() == start + "}");
  const std::string text = print_hashed_realisation_json(realisation);
  CHECK(text == start + R"(,"signatures":[")" + signature + R"("]})");
  CHECK(parse_hashed_realisation_json(text) == realisation);
  CHECK(parse_hashed_realisation_json(
            print_hashed_realisation_json(realisation, SignatureJson::object)) == realisation);
}

TEST_CASE("realisations in JSON that are refused") {
  const std::string key =
      R"("key":{"drvPath":"c015dhfh5l0lp6wxyvdn7bmwhbbr6hr9-x.drv","outputName":"out"})";
  const std::string value = R"("value":{"outPath":"g1w7hy3qg1w7hy3qg1w7hy3qg1w7hy3q-x")";
  CHECK_NOTHROW(parse_realisation_json("{" + key + "," + value + "}}"));
  for (const std::string& text :
       {std::string("{}"), std::string("[]"), "{" + key + "}", "{" + value + "}}",
        "{" + key + "," + value + R"(,"signatures":["x"]}})",
        "{" + key + "," + value + R"(,"signatures":[{"keyName":"a:b","sig":"AA=="}]}})",
        "{" + key + R"(,"value":{"outPath":"/nix/store/g1w7hy3qg1w7hy3qg1w7hy3qg1w7hy3q-x"}})",
        R"({"key":{"drvPath":"c015dhfh5l0lp6wxyvdn7bmwhbbr6hr9-x","outputName":"out"},)" + value +
            "}}",
        R"({"key":{"drvPath":"c015dhfh5l0lp6wxyvdn7bmwhbbr6hr9-x.drv","outputName":"*"},)" + value +
            "}}"}) {
    CAPTURE(text);
    CHECK(code_of([&] { parse_realisation_json(text); }) == Code::malformed);
  }
  const auto error = error_of([&] {
    parse_hashed_realisation_json(R"({"id":")" + hash +
                                  R"(!out","outPath":"g1w7hy3qg1w7hy3qg1w7hy3qg1w7hy3q-x",)"
                                  R"("dependentRealisations":{"x":"y"}})");
  });
  REQUIRE(error);
  CHECK(error->code() == Code::malformed);
  CHECK(error->subject() == "/dependentRealisations/x");
}

}  // namespace cinch
