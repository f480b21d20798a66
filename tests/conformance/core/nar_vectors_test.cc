#include "catch.hh"
#include "errors.hh"
#include "vectors.hh"

#include <cinch/core/nar.hh>
#include <cinch/core/nar_listing.hh>

#include <nlohmann/json.hpp>

namespace cinch {

namespace {

// Parses the file and writes it again: what comes out is what went in.
void check_round_trip(const std::filesystem::path& file) {
  const std::string nar = test::read_file(file);
  StringSink sink(nar.size());
  NarWriter writer(sink);
  NarParserSink parser(writer);
  parser.write(as_bytes(nar));
  parser.finish();
  writer.finish();
  CHECK(sink.text() == nar);
}

std::optional<Code> code_of_parsing(const std::filesystem::path& file) {
  return test::code_of([&] { check_round_trip(file); });
}

}  // namespace

TEST_CASE("the invalid NARs are refused, the valid one is not") {
  const auto folder = test::vectors() / "nix/libutil-tests/data/nars";
  std::size_t count = 0;
  for (const auto& file : std::filesystem::directory_iterator(folder)) {
    const std::string name = file.path().filename().string();
    CAPTURE(name);
    ++count;
    const auto code = code_of_parsing(file.path());
    if (name == "regular-one-byte-zero-padding.nar") {
      CHECK_FALSE(code);
    } else if (name == "regular-truncated-large-contents.nar") {
      CHECK(code == Code::limit_exceeded);
    } else {
      CHECK(code == Code::malformed);
    }
  }
  CHECK(count == 12);
}

// Names that differ in case or in Unicode normalisation only are different names in a NAR. A file
// system that takes them for the same refuses the second one when the NAR is restored.
TEST_CASE("the NARs of the functional tests") {
  const auto folder = test::vectors() / "nix/functional-nars";
  check_round_trip(folder / "case.nar");
  check_round_trip(folder / "case-collision.nar");
  check_round_trip(folder / "unnormalized.nar");
  CHECK(code_of_parsing(folder / "duplicate.nar") == Code::malformed);
}

namespace {

nlohmann::json read_json(const std::filesystem::path& file) {
  return nlohmann::json::parse(test::read_file(file));
}

NarListing listing_of(const MemoryTree& tree) {
  NarListingBuilder builder;
  visit_tree(tree, builder);
  return builder.take();
}

void remove_offsets(nlohmann::json& json) {
  json.erase("narOffset");
  if (!json.contains("entries")) return;
  for (auto& entry : json["entries"]) remove_offsets(entry);
}

}  // namespace

TEST_CASE("trees are read and written as in Nix") {
  const auto folder = test::vectors() / "nix/libutil-tests/data/memory-source-accessor";
  for (const char* name : {"simple.json", "complex.json"}) {
    const std::string text = test::read_file(folder / name);
    const MemoryTree tree = parse_tree_json(text, 10'000);
    CHECK(nlohmann::json::parse(print_tree_json(tree)) == nlohmann::json::parse(text));
  }
}

// The listings are those of the tree in the other folder, which is in no NAR.
TEST_CASE("listings are read and written as in Nix") {
  const auto data = test::vectors() / "nix/libutil-tests/data";
  const MemoryTree tree =
      parse_tree_json(test::read_file(data / "memory-source-accessor/complex.json"), 10'000);
  const NarListing listing = listing_of(tree);
  const auto deep = read_json(data / "nar-listing/deep.json");
  CHECK(nlohmann::json::parse(print_listed_object(parse_listed_object(deep.dump()))) == deep);
  auto printed = nlohmann::json::parse(print_listed_object(listing));
  CHECK(printed["entries"]["foo"].contains("narOffset"));
  remove_offsets(printed);
  CHECK(printed == deep);
  CHECK(nlohmann::json::parse(print_listed_object(listing, ListingDepth::names)) ==
        read_json(data / "nar-listing/shallow.json"));
}

}  // namespace cinch
