// Nix's own golden path infos, of the oldest of the three versions: the form that we print.
#include "catch.hh"
#include "vectors.hh"

#include <cinch/core/deriving_path.hh>
#include <cinch/core/path_info.hh>

#include <nlohmann/json.hpp>

namespace cinch {

namespace {

const StoreDir store_dir;

nlohmann::json read(const std::string& name) {
  return nlohmann::json::parse(test::read_file(test::vectors() / "nix/libstore-tests/data" / name));
}

}  // namespace

TEST_CASE("golden path infos") {
  nlohmann::json golden = read("path-info/json-1/impure.json");
  PathInfo info{.path = StorePath::parse("n5wkd9frr45pa74if5gpz9j7mifg27fh-foo"),
                .nar_hash = Hash::parse(golden["narHash"].get<std::string>()),
                .nar_size = golden["narSize"].get<std::uint64_t>(),
                .deriver = store_dir.parse(golden["deriver"].get<std::string>()),
                .registration_time = golden["registrationTime"].get<std::int64_t>(),
                .ultimate = true,
                .content_address = ContentAddress::parse(golden["ca"].get<std::string>())};
  for (const auto& reference : golden["references"]) {
    info.references.insert(store_dir.parse(reference.get<std::string>()));
  }
  for (const auto& signature : golden["signatures"]) {
    info.signatures.insert(Signature::parse(signature.get<std::string>()));
  }
  CHECK(nlohmann::json::parse(print_path_info_json(info, store_dir, std::nullopt)) == golden);
  CHECK(info.is_content_addressed(store_dir));
}

}  // namespace cinch
