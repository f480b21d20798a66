#include "catch.hh"
#include "errors.hh"
#include "join.hh"

#include <cinch/core/encoding.hh>
#include <cinch/core/store_path.hh>

#include <algorithm>
#include <map>
#include <unordered_set>

namespace cinch {

using test::code_of;
using test::error_of;
using test::join;

namespace {

const std::string hash_part = "vqpn17r03lqabwk0wksgpbgy620zwfd4";

}  // namespace

TEST_CASE("a store path has a hash part and a name") {
  const StorePath path = StorePath::parse(hash_part + "-hello-2.10.drv");
  CHECK(path.base_name() == hash_part + "-hello-2.10.drv");
  CHECK(path.hash_part() == hash_part);
  CHECK(path.name() == "hello-2.10.drv");
  CHECK(path.is_derivation());
  CHECK_FALSE(StorePath::parse(hash_part + "-hello.drv.chroot").is_derivation());
  CHECK(StorePath::from_parts(as_bytes(nix32_decode(hash_part)), "hello-2.10.drv") == path);
}

TEST_CASE("good names") {
  for (const std::string& name :
       {std::string("a"), std::string("Az09+-._?="), std::string(".a"), std::string("..a"),
        std::string("..."), std::string("-"), std::string("--x"), std::string(".a-"),
        std::string("...-a"), std::string(211, 'x')}) {
    CAPTURE(name);
    CHECK_FALSE(code_of([&] { check_store_path_name(name); }));
    CHECK(StorePath::parse(hash_part + "-" + name).name() == name);
  }
}

TEST_CASE("bad names are refused, with the offset of the first bad character") {
  struct Bad {
    std::string name;
    std::uint64_t offset;
  };
  const Bad cases[] = {{"", 0},     {".", 0},           {"..", 0},
                       {".-", 0},   {".-a", 0},         {"..-", 0},
                       {"..-a", 0}, {"a/b", 1},         {"ab c", 2},
                       {"a\n", 1},  {"caf\xc3\xa9", 3}, {std::string("a\0b", 3), 1},
                       {"a!", 1},   {"a~b", 1},         {std::string(212, 'x'), 211}};
  for (const Bad& bad : cases) {
    CAPTURE(bad.name);
    const auto error = error_of([&] { check_store_path_name(bad.name); });
    REQUIRE(error);
    CHECK(error->code() == Code::malformed);
    CHECK(error->offset() == bad.offset);
    const auto in_path = error_of([&] { StorePath::parse(hash_part + "-" + bad.name); });
    REQUIRE(in_path);
    CHECK(in_path->code() == Code::malformed);
    CHECK(in_path->offset() == bad.offset + 33);
  }
}

TEST_CASE("each character of a base name is looked at, whatever stands around it") {
  constexpr std::string_view name_characters =
      "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz+-._?=";
  for (const std::size_t length : {2, 15, 16, 17, 40}) {
    const std::string good = hash_part + "-" + std::string(length, 'x');
    for (std::size_t at = 0; at < good.size(); ++at) {
      std::string accepted;
      for (int byte = 0; byte < 256; ++byte) {
        std::string text = good;
        text[at] = static_cast<char>(byte);
        if (!code_of([&] { StorePath::parse(text); })) accepted += text[at];
      }
      std::string wanted(at < hash_part.size() ? nix32_alphabet : name_characters);
      if (at == hash_part.size()) wanted = "-";
      std::ranges::sort(wanted);
      CAPTURE(length, at);
      CHECK(accepted == wanted);
    }
  }
}

TEST_CASE("bad base names are refused") {
  const std::string rest = hash_part.substr(1);
  const std::string texts[] = {"",
                               "hello",
                               hash_part,
                               join({hash_part, "hello"}),
                               join({hash_part, "_hello"}),
                               join({rest, "-hello"}),
                               join({"0", hash_part, "-hello"}),
                               join({"e", rest, "-x"}),
                               join({"V", rest, "-x"}),
                               join({"/nix/store/", hash_part, "-x"}),
                               join({std::string(32, '\0'), "-x"})};
  for (const std::string& text : texts) {
    CAPTURE(text);
    CHECK(code_of([&] { StorePath::parse(text); }) == Code::malformed);
  }
  CHECK(error_of([] { StorePath::parse("vqpn17r03lqabwk0wksgpbgy620zwfe4-a"); })->offset() == 30u);
  CHECK(code_of([] { StorePath::from_parts(as_bytes("short"), "a"); }) == Code::invalid_argument);
}

TEST_CASE("store paths are ordered bytewise by base name, and hashed") {
  const StorePath a = StorePath::parse("00000000000000000000000000000000-b");
  const StorePath b = StorePath::parse("00000000000000000000000000000001-a");
  const StorePath c = StorePath::parse("00000000000000000000000000000001-a-b");
  CHECK(a < b);
  CHECK(b < c);
  std::unordered_set<StorePath> set{a, b, c, a};
  CHECK(set.size() == 3);
}

TEST_CASE("a store directory prints and parses full paths") {
  const StoreDir dir;
  const StorePath path = StorePath::parse(hash_part + "-t");
  CHECK(dir.text() == "/nix/store");
  CHECK(dir.print(path) == join({"/nix/store/", hash_part, "-t"}));
  CHECK(dir.parse(join({"/nix/store/", hash_part, "-t"})) == path);
  const std::string name = hash_part + "-t";
  const std::string texts[] = {"",
                               "/nix/store",
                               "/nix/store/",
                               name,
                               join({"/nix/stor/", name}),
                               join({"/nix/store//", name}),
                               join({"/nix/store", name}),
                               join({"/nix/store/", name, "/"}),
                               join({"/nix/store/", name, "/bin"}),
                               join({"//nix/store/", name})};
  for (const std::string& text : texts) {
    CAPTURE(text);
    CHECK(code_of([&] { dir.parse(text); }) == Code::malformed);
  }
  CHECK(error_of([&] { dir.parse(join({"/nix/store/", hash_part, "-a/b"})); })->offset() == 45u);
}

TEST_CASE("a store directory finds the store path that contains a path") {
  const StoreDir dir("/s");
  const StorePath path = StorePath::parse(hash_part + "-t");
  CHECK(dir.containing("/s/" + hash_part + "-t") == path);
  CHECK(dir.containing("/s/" + hash_part + "-t/") == path);
  CHECK(dir.containing("/s/" + hash_part + "-t/bin/x") == path);
  const std::string name = hash_part + "-t";
  const std::string texts[] = {
      "", "/s", "/s/", "/s/.links", join({"/t/", name}), join({"/st/", name}), join({"s/", name})};
  for (const std::string& text : texts) {
    CAPTURE(text);
    CHECK(dir.containing(text) == std::nullopt);
  }
}

TEST_CASE("a store directory is absolute and canonical") {
  for (const char* text : {"/nix/store", "/a", "/gnu/store", "/tmp/x y/..store"}) {
    CHECK(StoreDir(text).text() == text);
  }
  for (const std::string& text :
       {std::string(), std::string("nix/store"), std::string("/"), std::string("/nix/store/"),
        std::string("/nix//store"), std::string("//nix/store"), std::string("/nix/./store"),
        std::string("/nix/../store"), std::string("/nix/store/.."), std::string("/."),
        std::string("/a\0b", 4)}) {
    CAPTURE(text);
    CHECK(code_of([&] { StoreDir dir(text); }) == Code::malformed);
  }
}

TEST_CASE("a path below a store path is that path and the rest") {
  const StoreDir dir;
  const std::string base = "vqpn17r03lqabwk0wksgpbgy620zwfd4-t";
  const StorePath path = StorePath::parse(base);
  for (const std::string rest : {"", "/", "/bin", "/bin/x", "//x"}) {
    const std::string text = "/nix/store/" + base + rest;
    const auto place = dir.find_place(text);
    REQUIRE(place);
    CHECK(place->path == path);
    CHECK(place->rest == rest);
    CHECK(dir.containing(text) == path);
  }
  for (const std::string& text :
       {std::string("/nix/store"), std::string("/nix/store/"), "/nix/stores/" + base,
        "/nix/store/.links/" + base, "nix/store/" + base, "/nix/store//" + base, std::string()}) {
    CHECK_FALSE(dir.find_place(text));
  }
}

TEST_CASE("a path is made of its digest again") {
  const StorePath path = StorePath::parse("vqpn17r03lqabwk0wksgpbgy620zwfd4-t");
  CHECK(StorePath::from_parts(path.digest(), "t") == path);
  CHECK_NOTHROW(check_hash_part(path.hash_part()));
  for (const char* text :
       {"", "vqpn17r03lqabwk0wksgpbgy620zwfd", "vqpn17r03lqabwk0wksgpbgy620zwfd44",
        "eqpn17r03lqabwk0wksgpbgy620zwfd4"}) {
    CHECK(code_of([&] { check_hash_part(text); }) == Code::malformed);
  }
}

TEST_CASE("links are followed into the store") {
  const StoreDir dir;
  const std::string target = "/nix/store/vqpn17r03lqabwk0wksgpbgy620zwfd4-t";
  const std::map<std::string, std::string> links{{"/home/u/result", "generations/1"},
                                                 {"/home/u/generations/1", target + "/bin"},
                                                 {"/home/u/up", "../u/./result"},
                                                 {"/home/u/loop", "loop"},
                                                 {"/home/u/out", "/etc"}};
  const ReadLink read_link = [&](const std::string& path) -> std::optional<std::string> {
    const auto link = links.find(path);
    if (link == links.end()) return std::nullopt;
    return link->second;
  };
  const auto follow = [&](std::string_view path) {
    return follow_links_to_store(dir, path, read_link);
  };
  CHECK(follow(target) == target);
  CHECK(follow(target + "/a/../b") == target + "/b");
  CHECK(follow("/home/u/result") == target + "/bin");
  CHECK(follow("//home/./u/up") == target + "/bin");
  CHECK(code_of([&] { follow("/home/u/loop"); }) == Code::limit_exceeded);
  CHECK(code_of([&] { follow("/home/u/out"); }) == Code::invalid_argument);
  CHECK(code_of([&] { follow("/"); }) == Code::invalid_argument);
  CHECK(code_of([&] { follow("result"); }) == Code::invalid_argument);
}

}  // namespace cinch
