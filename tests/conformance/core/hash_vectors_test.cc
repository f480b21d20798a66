#include "catch.hh"
#include "vectors.hh"

#include <cinch/core/hash.hh>

#include <nlohmann/json.hpp>

namespace cinch {

TEST_CASE("the JSON form of hashes is read and written as in Nix") {
  const auto folder = test::vectors() / "nix/libutil-tests/data/hash";
  for (const auto algorithm :
       {HashAlgorithm::sha256, HashAlgorithm::sha512, HashAlgorithm::blake3}) {
    const auto file = folder / (std::string(to_string(algorithm)) + ".json");
    const auto text = nlohmann::json::parse(test::read_file(file)).get<std::string>();
    CAPTURE(text);
    const Hash hash = Hash::parse(text);
    CHECK(hash.to_string(HashFormat::sri) == text);
    CHECK(Hash::parse(hash.to_string(HashFormat::nix32)) == hash);
  }
}

}  // namespace cinch
