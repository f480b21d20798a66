#include "catch.hh"
#include "errors.hh"

#include <cinch/core/path_info_json.hh>

namespace cinch {

using test::code_of;
using test::error_of;

namespace {

const StoreDir store_dir;
const std::string file_path = "/nix/store/ccanbp0brs758hic2z1krdbv17y2rf98-x";
const StorePath path = store_dir.parse(file_path);
const StorePath unknown = StorePath::parse("g1w7hy3qg1w7hy3qg1w7hy3qg1w7hy3q-foo");

// What Nix 2.34.8 prints for a file 'x' that `nix store add-path` added, with
// `path-info --json --json-format 1` and 2, and -S.
const std::string format_1 =
    R"({"/nix/store/ccanbp0brs758hic2z1krdbv17y2rf98-x":{)"
    R"("ca":"fixed:r:sha256:1xmr8jicvzszfzpz46g37mlpvbzjl2wpwvl2b05psipssyp1sm8h",)"
    R"("closureSize":120,"deriver":null,)"
    R"("narHash":"sha256-EFUdrtf6Rn0LWIJufrmg8q99aT3jGfLvd1//zaJEufY=","narSize":120,)"
    R"("references":[],"registrationTime":1795374592,"signatures":[],)"
    R"("storeDir":"/nix/store","ultimate":false,"version":1}})";
const std::string format_2 =
    R"({"info":{"ccanbp0brs758hic2z1krdbv17y2rf98-x":{)"
    R"("ca":{"hash":"sha256-EFUdrtf6Rn0LWIJufrmg8q99aT3jGfLvd1//zaJEufY=","method":"nar"},)"
    R"("closureSize":120,"deriver":null,)"
    R"("narHash":"sha256-EFUdrtf6Rn0LWIJufrmg8q99aT3jGfLvd1//zaJEufY=","narSize":120,)"
    R"("references":[],"registrationTime":1795374592,"signatures":[],)"
    R"("storeDir":"/nix/store","ultimate":false,"version":2}},)"
    R"("storeDir":"/nix/store","version":2})";

std::string minimal(const std::string& more) {
  return R"({"narHash":"sha256-EFUdrtf6Rn0LWIJufrmg8q99aT3jGfLvd1//zaJEufY=","narSize":120,)"
         R"("references":[])" +
         more + "}";
}

}  // namespace

TEST_CASE("documents of many path infos, as Nix prints them") {
  const auto infos = parse_path_infos_json(format_1, store_dir);
  REQUIRE(infos.size() == 1);
  REQUIRE(infos.at(path));
  CHECK(infos.at(path)->is_content_addressed(store_dir));
  CHECK(parse_path_infos_json(format_2, store_dir) == infos);
  const std::vector<PathInfoEntry> entries = {{path, infos.at(path), 120}};
  CHECK(print_path_infos_json(entries, store_dir, PathInfoFormat::v1) == format_1);
  CHECK(print_path_infos_json(entries, store_dir, PathInfoFormat::v2) == format_2);
  const std::string format_3 = print_path_infos_json(entries, store_dir, PathInfoFormat::v3);
  CHECK(parse_path_infos_json(format_3, store_dir) == infos);
}

TEST_CASE("paths that are not valid") {
  const std::vector<PathInfoEntry> entries = {{unknown, std::nullopt, std::nullopt}};
  CHECK(print_path_infos_json(entries, store_dir, PathInfoFormat::v1) ==
        R"({"/nix/store/g1w7hy3qg1w7hy3qg1w7hy3qg1w7hy3q-foo":null})");
  const std::string text = print_path_infos_json(entries, store_dir, PathInfoFormat::v2);
  CHECK(text == R"({"info":{"g1w7hy3qg1w7hy3qg1w7hy3qg1w7hy3q-foo":null},)"
                R"("storeDir":"/nix/store","version":2})");
  CHECK_FALSE(parse_path_infos_json(text, store_dir).at(unknown));
}

TEST_CASE("the list that Nix before 2.19 prints") {
  const std::string text =
      R"([{"path":")" + file_path +
      R"(","narHash":"sha256:1xmr8jicvzszfzpz46g37mlpvbzjl2wpwvl2b05psipssyp1sm8h",)"
      R"("narSize":120,"references":[],"registrationTime":1,"valid":true},)"
      R"({"path":"/nix/store/g1w7hy3qg1w7hy3qg1w7hy3qg1w7hy3q-foo","valid":false}])";
  const auto infos = parse_path_infos_json(text, store_dir);
  CHECK(infos.at(path)->registration_time == 1);
  CHECK_FALSE(infos.at(unknown));
}

TEST_CASE("path infos in JSON that are refused") {
  const auto refusal = [](const std::string& text) {
    return code_of([&] { parse_path_info_json(text, path, store_dir); });
  };
  CHECK_FALSE(refusal(minimal("")));
  CHECK_FALSE(refusal(minimal(R"(,"somethingNew":{},"ca":null,"deriver":null)")));
  CHECK(refusal(minimal(R"(,"version":4)")) == Code::not_supported);
  CHECK(refusal(minimal(R"(,"version":0)")) == Code::not_supported);
  for (const std::string more :
       {R"(,"version":"1")", R"(,"version":-1)", R"(,"storeDir":"/gnu/store")",
        R"(,"deriver":"ccanbp0brs758hic2z1krdbv17y2rf98-x")",
        R"(,"version":2,"deriver":"/nix/store/ccanbp0brs758hic2z1krdbv17y2rf98-x")", R"(,"ca":{})",
        R"(,"version":2,"ca":"text:x")", R"(,"registrationTime":-1)",
        R"(,"registrationTime":9223372036854775808)", R"(,"ultimate":null)", R"(,"signatures":{})",
        R"(,"signatures":["x"])", R"(,"signatures":[{"keyName":"a","sig":"AA=="}])",
        R"(,"version":2,"ca":{"method":"text","hash":"sha1-AAAAAAAAAAAAAAAAAAAAAAAAAAA="}))",
        R"(,"narSize":1)"}) {
    CAPTURE(more);
    CHECK(refusal(minimal(more)) == Code::malformed);
  }
  CHECK(refusal("{}") == Code::malformed);
  CHECK(refusal("null") == Code::malformed);
  CHECK(refusal(minimal(R"(,"x":)" + std::string(100, '[') + std::string(100, ']'))) ==
        Code::limit_exceeded);
  const auto error =
      error_of([] { parse_path_info_json(minimal(R"(,"signatures":["x"])"), path, store_dir); });
  CHECK(error->subject() == "/signatures/0");
}

TEST_CASE("what is no narinfo in JSON") {
  CHECK(code_of([] { parse_narinfo_json(minimal(""), path, store_dir); }) == Code::malformed);
  CHECK(code_of([] {
          parse_narinfo_json(minimal(R"(,"url":"x","compression":"xz","downloadSize":-1)"), path,
                             store_dir);
        }) == Code::malformed);
}

}  // namespace cinch
