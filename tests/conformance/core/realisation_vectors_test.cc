// Nix's own golden realisations, and signatures over them. The key is the public one of its tests.
#include "catch.hh"
#include "vectors.hh"

#include <cinch/core/realisation.hh>

#include <nlohmann/json.hpp>

namespace cinch {

namespace {

using nlohmann::json;

std::string read(const std::string& name) {
  return test::read_file(test::vectors() / "nix/libstore-tests/data/realisation" / name);
}

std::string compact(const std::string& text) { return json::parse(text).dump(); }

Signature signature_of(const json& item) {
  return Signature::parse(item["keyName"].get<std::string>() + ":" +
                          item["sig"].get<std::string>());
}

}  // namespace

TEST_CASE("golden realisations") {
  const SecretKey key = SecretKey::parse(
      "test-key:tU7tTvLcScf8pmz/eTV0BEtLmRsPpZfKaRcd0nCN+pysBZPHSeg61/"
      "u2oc7mIOewfuAY1V1BiX32homTaDJ2Jw==");
  for (const std::string name : {"simple", "with-signature"}) {
    CAPTURE(name);
    const std::string text = read(name + ".json");
    const Realisation realisation = parse_realisation_json(text);
    CHECK(print_realisation_json(realisation) == compact(text));
    CHECK(realisation.fingerprint() == read(name + "-fingerprint.txt"));
    const Signature expected = signature_of(json::parse(read(name + "-sig.json")));
    CHECK(key.sign(realisation.fingerprint()) == expected);
    CHECK(key.public_key().verifies(realisation.fingerprint(), expected));
  }
  CHECK(parse_realisation_json(read("with-signature-unstructured.json")) ==
        parse_realisation_json(read("with-signature.json")));
}

TEST_CASE("golden realisations without their keys") {
  const RealisationKey key = parse_realisation_json(read("simple.json")).key;
  for (const std::string name : {"unkeyed-simple", "unkeyed-with-signature"}) {
    CAPTURE(name);
    const std::string text = read(name + ".json");
    CHECK(print_realisation_value_json(parse_realisation_value_json(text, key)) == compact(text));
  }
}

// They stand among the values of the protocol: those of a newer and those of an older Nix.
TEST_CASE("golden realisations that name derivations by hash") {
  const auto check = [](const std::string& name, SignatureJson form) {
    const std::string file = "nix/libstore-tests/data/worker-protocol/" + name + ".json";
    for (const json& item : json::parse(test::read_file(test::vectors() / file))) {
      const HashedRealisation realisation = parse_hashed_realisation_json(item.dump());
      CHECK(print_hashed_realisation_json(realisation, form) == item.dump());
    }
  };
  check("realisation", SignatureJson::object);
  check("realisation-with-deps", SignatureJson::text);
}

}  // namespace cinch
