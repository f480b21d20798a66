#include "catch.hh"
#include "errors.hh"

#include <cinch/core/build_result.hh>
#include <cinch/core/deriving_path.hh>

#include <algorithm>

namespace cinch {

using test::code_of;

namespace {

const StoreDir store_dir;
const std::string drv = "/nix/store/c015dhfh5l0lp6wxyvdn7bmwhbbr6hr9-x.drv";
const StorePath path = store_dir.parse(drv);

}  // namespace

TEST_CASE("deriving paths and their text") {
  struct Case {
    std::string text;
    DerivingPath value;
  };
  for (const Case& one :
       {Case{drv, OpaquePath{path}}, Case{drv + "^*", BuiltPath{path, AllOutputs{}}},
        Case{drv + "^out", BuiltPath{path, std::set<std::string>{"out"}}},
        Case{drv + "^dev,out", BuiltPath{path, std::set<std::string>{"dev", "out"}}}}) {
    CHECK(parse_deriving_path(one.text, store_dir) == one.value);
    CHECK(print_deriving_path(one.value, store_dir) == one.text);
    std::string wire = one.text;
    std::ranges::replace(wire, '^', '!');
    CHECK(parse_deriving_path(wire, store_dir, '!') == one.value);
    CHECK(print_deriving_path(one.value, store_dir, '!') == wire);
  }
  CHECK(parse_deriving_path(drv + "^out,dev", store_dir) ==
        parse_deriving_path(drv + "^dev,out", store_dir));
}

TEST_CASE("the store directory may contain the separator") {
  const StoreDir odd("/a!b^c/store");
  const BuiltPath built{path, AllOutputs{}};
  CHECK(parse_deriving_path(print_deriving_path(built, odd, '!'), odd, '!') == DerivingPath(built));
  CHECK(parse_deriving_path(odd.print(path), odd) == DerivingPath(OpaquePath{path}));
}

TEST_CASE("texts that are no deriving paths") {
  const std::string plain = "/nix/store/c015dhfh5l0lp6wxyvdn7bmwhbbr6hr9-x";
  for (const std::string& text :
       {std::string(), std::string("x"), drv + "^", drv + "^a,", drv + "^,a", drv + "^a b",
        drv + "^*,out", drv + "!out", drv + "/bin", plain + "^out", std::string("/nix/store/^out"),
        std::string("^*")}) {
    CAPTURE(text);
    CHECK(code_of([&] { parse_deriving_path(text, store_dir); }) == Code::malformed);
  }
  CHECK(code_of([&] { parse_deriving_path(drv + "^a^b", store_dir); }) == Code::not_supported);
}

TEST_CASE("which outputs are wanted") {
  CHECK(wants_output(AllOutputs{}, "dev"));
  CHECK(wants_output(std::set<std::string>{"dev"}, "dev"));
  CHECK_FALSE(wants_output(std::set<std::string>{"dev"}, "out"));
}

TEST_CASE("how a build ended") {
  const auto result = [](BuildStatus status) {
    return BuildResult{.wanted = OpaquePath{path}, .status = status};
  };
  for (const auto status : {BuildStatus::built, BuildStatus::substituted,
                            BuildStatus::already_valid, BuildStatus::resolves_to_already_valid}) {
    CHECK(result(status).succeeded());
  }
  std::set<std::string_view> names;
  std::size_t succeeded = 0;
  for (int number = 0; number <= 14; ++number) {
    const auto status = static_cast<BuildStatus>(number);
    names.insert(to_string(status));
    if (result(status).succeeded()) ++succeeded;
  }
  CHECK(names.size() == 15);
  CHECK(succeeded == 4);
  CHECK(to_string(BuildStatus::not_deterministic) == "NotDeterministic");
}

}  // namespace cinch
