#include "catch.hh"
#include "errors.hh"

#include <cinch/core/path_info_json.hh>

namespace cinch {

using test::code_of;

namespace {

const StoreDir store_dir;

// As nix-store 2.8.0 adds a directory with one file.
PathInfo tree_info() {
  const Hash hash = Hash::parse("sha256:1pj7swf7dl5z165j08n7vjgj9mvvrz3f878avc96lyxk3zjzfl6r");
  return {.path = StorePath::parse("00kpsxncgjfb2rigx1cnc618vydzl9v4-tr"),
          .nar_hash = hash,
          .nar_size = 288,
          .registration_time = 1795360291,
          .content_address = ContentAddress{ContentAddressMethod::nar, hash}};
}

}  // namespace

TEST_CASE("the fingerprint of a path") {
  PathInfo info = tree_info();
  CHECK(info.fingerprint(store_dir) ==
        "1;/nix/store/00kpsxncgjfb2rigx1cnc618vydzl9v4-tr;"
        "sha256:1pj7swf7dl5z165j08n7vjgj9mvvrz3f878avc96lyxk3zjzfl6r;288;");
  info.references = {StorePath::parse("c015dhfh5l0lp6wxyvdn7bmwhbbr6hr9-b"), info.path};
  CHECK(
      info.fingerprint(store_dir).ends_with(";288;/nix/store/00kpsxncgjfb2rigx1cnc618vydzl9v4-tr,"
                                            "/nix/store/c015dhfh5l0lp6wxyvdn7bmwhbbr6hr9-b"));
  info.nar_size = 0;
  CHECK(code_of([&] { info.fingerprint(store_dir); }) == Code::invalid_argument);
}

TEST_CASE("whether a path follows from its content address") {
  PathInfo info = tree_info();
  CHECK(info.is_content_addressed(store_dir));
  CHECK_FALSE(info.is_content_addressed(StoreDir("/other/store")));
  SECTION("another name") {
    info.path = StorePath::parse("00kpsxncgjfb2rigx1cnc618vydzl9v4-tree");
    CHECK_FALSE(info.is_content_addressed(store_dir));
  }
  SECTION("another reference") {
    info.references = {StorePath::parse("c015dhfh5l0lp6wxyvdn7bmwhbbr6hr9-b")};
    CHECK_FALSE(info.is_content_addressed(store_dir));
    info.path = make_content_addressed_path(store_dir, "tr", *info.content_address,
                                            info.split_references());
    CHECK(info.is_content_addressed(store_dir));
  }
  SECTION("references that such content cannot have") {
    info.content_address->method = ContentAddressMethod::flat;
    info.references = {StorePath::parse("c015dhfh5l0lp6wxyvdn7bmwhbbr6hr9-b")};
    CHECK_FALSE(info.is_content_addressed(store_dir));
  }
  SECTION("no content address") {
    info.content_address.reset();
    CHECK_FALSE(info.is_content_addressed(store_dir));
  }
}

TEST_CASE("references to itself are set apart") {
  PathInfo info = tree_info();
  const StorePath other = StorePath::parse("c015dhfh5l0lp6wxyvdn7bmwhbbr6hr9-b");
  info.references = {other};
  CHECK_FALSE(info.split_references().self);
  info.references.insert(info.path);
  CHECK(info.split_references().self);
  CHECK(info.split_references().others == StorePathSet{other});
}

// What `nix path-info --json --json-format 1 --closure-size` of Nix 2.34.8 prints for the same.
TEST_CASE("a path info as JSON") {
  PathInfo info = tree_info();
  info.signatures = {Signature::parse(
      "test-1:BML/1WG6wz16mQTTlEUXUkgZfcl2y1YtPGvVfnDWkwr2vpbiBT9JLeGqB7X6tZ3Tp76Zpr/"
      "gUo2tmPZ8zt7IDA==")};
  CHECK(print_path_info_json(info, store_dir, {.closure_size = 288}) ==
        R"({"ca":"fixed:r:sha256:1pj7swf7dl5z165j08n7vjgj9mvvrz3f878avc96lyxk3zjzfl6r",)"
        R"("closureSize":288,"deriver":null,)"
        R"("narHash":"sha256-2VD35R+ze2oS2wod5MbPe9ckn9zHIiCLCb/QdhzXR94=","narSize":288,)"
        R"("references":[],"registrationTime":1795360291,)"
        R"("signatures":["test-1:BML/1WG6wz16mQTTlEUXUkgZfcl2y1YtPGvVfnDWkwr2vpbiBT9JLeGqB7X6tZ3Tp)"
        R"(76Zpr/gUo2tmPZ8zt7IDA=="],"storeDir":"/nix/store","ultimate":false,"version":1})");

  PathInfo built{.path = info.path,
                 .nar_hash = info.nar_hash,
                 .nar_size = 1,
                 .references = {info.path},
                 .deriver = StorePath::parse("c015dhfh5l0lp6wxyvdn7bmwhbbr6hr9-b.drv"),
                 .ultimate = true};
  CHECK(print_path_info_json(built, store_dir) ==
        R"({"ca":null,"deriver":"/nix/store/c015dhfh5l0lp6wxyvdn7bmwhbbr6hr9-b.drv",)"
        R"("narHash":"sha256-2VD35R+ze2oS2wod5MbPe9ckn9zHIiCLCb/QdhzXR94=","narSize":1,)"
        R"("references":["/nix/store/00kpsxncgjfb2rigx1cnc618vydzl9v4-tr"],)"
        R"("registrationTime":null,"signatures":[],"storeDir":"/nix/store","ultimate":true,)"
        R"("version":1})");
}

}  // namespace cinch
