// Nix's own golden path infos and narinfos, in the three formats, whole and pure.
#include "catch.hh"
#include "vectors.hh"

#include <cinch/core/path_info_json.hh>

#include <nlohmann/json.hpp>

namespace cinch {

namespace {

using nlohmann::json;

const StoreDir store_dir;
const StorePath path = StorePath::parse("n5wkd9frr45pa74if5gpz9j7mifg27fh-foo");

std::string read(const std::string& name) {
  return test::read_file(test::vectors() / "nix/libstore-tests/data" / name);
}

struct Case {
  const char* file;
  bool pure;
};
constexpr Case cases[] = {
    {"empty_impure", false}, {"empty_pure", true}, {"impure", false}, {"pure", true}};

std::string name_of(const std::string& folder, int format, const std::string& file) {
  return folder + "/json-" + std::to_string(format) + "/" + file + ".json";
}

}  // namespace

TEST_CASE("golden path infos") {
  for (const int format : {1, 2, 3}) {
    for (const Case& one : cases) {
      const std::string name = name_of("path-info", format, one.file);
      CAPTURE(name);
      const std::string text = read(name);
      const PathInfo info = parse_path_info_json(text, path, store_dir);
      const PathInfoJsonOptions options{.format = static_cast<PathInfoFormat>(format),
                                        .pure = one.pure};
      CHECK(print_path_info_json(info, store_dir, options) == json::parse(text).dump());
      CHECK(info.signatures.size() == (std::string(one.file) == "impure" ? 2 : 0));
      CHECK(info.is_content_addressed(store_dir) == info.content_address.has_value());
    }
    CHECK(parse_path_info_json(read(name_of("path-info", format, "impure")), path, store_dir) ==
          parse_path_info_json(read(name_of("path-info", 3, "impure")), path, store_dir));
  }
}

TEST_CASE("golden narinfos as JSON") {
  for (const int format : {1, 2, 3}) {
    const PathInfoJsonOptions options{.format = static_cast<PathInfoFormat>(format)};
    const std::string text = read(name_of("nar-info", format, "impure"));
    const NarInfo narinfo = parse_narinfo_json(text, path, store_dir);
    CHECK(print_narinfo_json(narinfo, store_dir, options) == json::parse(text).dump());
    const std::string pure = read(name_of("nar-info", format, "pure"));
    CHECK(print_narinfo_json({.info = parse_path_info_json(pure, path, store_dir)}, store_dir,
                             {.format = options.format, .pure = true}) == json::parse(pure).dump());
    // As text, a narinfo has no registration time and does not say who built the object.
    NarInfo sent = narinfo;
    sent.info.registration_time = 0;
    sent.info.ultimate = false;
    CHECK(parse_narinfo(print_narinfo(sent, store_dir), store_dir) == sent);
  }
}

// Older texts do not say their format: it is the first one.
TEST_CASE("golden path infos without a version") {
  for (const std::string folder : {"path-info", "nar-info"}) {
    CHECK(parse_path_info_json(read(folder + "/json-1/pure_noversion.json"), path, store_dir) ==
          parse_path_info_json(read(folder + "/json-1/pure.json"), path, store_dir));
  }
}

}  // namespace cinch
