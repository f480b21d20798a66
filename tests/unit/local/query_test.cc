#include "catch.hh"
#include "errors.hh"
#include "local_fixture.hh"

#include <cinch/core/signature.hh>

#include <map>
#include <string>
#include <utility>
#include <vector>

#include <sys/stat.h>

using namespace cinch;
using namespace cinch::test;

TEST_CASE("questions are answered in batches and in order") {
  const Scratch scratch;
  const auto store = open_in(scratch);
  const PathInfo a = add_text(*store, "a", "a");
  const PathInfo b = add_text(*store, "b", "b", {a.path});
  const PathInfo c = add_text(*store, "c", "c", {a.path, b.path});
  const StorePath none = StorePath::parse(path_a);
  const std::vector<StorePath> paths{c.path, none, a.path, c.path};
  const std::vector<std::optional<PathInfo>> found = store->find(paths);
  REQUIRE(found.size() == 4);
  CHECK(found[0] == c);
  CHECK_FALSE(found[1]);
  CHECK(found[2] == a);
  CHECK(found[3] == c);
  CHECK(store->find_valid({a.path, none, c.path}) == StorePathSet{a.path, c.path});
  CHECK(store->all_valid_paths() == StorePathSet{a.path, b.path, c.path});
  CHECK(store->find_referrers(paths) == std::vector<StorePathSet>{{}, {}, {b.path, c.path}, {}});
  CHECK(store->find_by_hash_part(b.path.hash_part()) == b.path);
  CHECK_FALSE(store->find_by_hash_part(none.hash_part()));
  CHECK_FALSE(store->find_by_hash_part(b.path.hash_part().substr(1)));
  CHECK_FALSE(store->find_by_hash_part(""));
  CHECK(store->find({}).empty());
}

// Of small closures rows are looked up, of large ones all are read.
TEST_CASE("closures of any share of a store are found, with all that is known of each path") {
  const Scratch scratch;
  const auto store = open_in(scratch);
  std::map<StorePath, PathInfo> chain;
  StorePathSet before;
  for (int number = 0; number < 40; ++number) {
    const std::string name = "link-" + std::to_string(number);
    const PathInfo link = add_text(*store, name, name, before);
    chain.emplace(link.path, link);
    CHECK(store->find_closure({link.path}) == chain);
    before = {link.path};
  }
  const PathInfo alone = add_text(*store, "alone", "alone");
  CHECK(store->find_closure({alone.path}) == std::map{std::pair{alone.path, alone}});
  CHECK(store->find_closure({}).empty());
  chain.emplace(alone.path, alone);
  CHECK(store->find_closure({alone.path, *before.begin()}) == chain);
}

TEST_CASE("signatures are added to what is there") {
  const Scratch scratch;
  const auto store = open_in(scratch);
  const PathInfo info = add_text(*store, "a", "a");
  const std::string fingerprint = info.fingerprint(store->store_dir());
  const Signature one = SecretKey::generate("one").sign(fingerprint);
  const Signature two = SecretKey::generate("two").sign(fingerprint);
  const Signature three = SecretKey::generate("three").sign(fingerprint);
  store->add_signatures(info.path, {one});
  store->add_signatures(info.path, {one, two});
  CHECK(store->require(info.path).signatures == std::set<Signature>{one, two});
  const PathInfo other = add_text(*store, "other", "text");
  store->add_signatures_together({{info.path, {three}}, {other.path, {one, two}}});
  CHECK(store->require(info.path).signatures == std::set<Signature>{one, two, three});
  CHECK(store->require(other.path).signatures == std::set<Signature>{one, two});
  CHECK(
      code_of([&] {
        store->add_signatures_together({{StorePath::parse(path_a), {one}}, {other.path, {three}}});
      }) == Code::not_found);
  CHECK(store->require(other.path).signatures == std::set<Signature>{one, two});
  CHECK(code_of([&] { store->add_signatures(StorePath::parse(path_a), {one}); }) ==
        Code::not_found);
}

TEST_CASE("what is not valid cannot be read") {
  const Scratch scratch;
  const auto store = open_in(scratch);
  const StorePath none = StorePath::parse(path_a);
  CHECK(code_of([&] { nar_of(*store, none); }) == Code::not_found);
  CHECK(code_of([&] { store->read_derivation(none); }) == Code::not_found);
  // Being on disk does not make it valid.
  Directory::open(scratch.path("root/nix/store")).write_file(path_a, "x", 0444);
  CHECK(code_of([&] { nar_of(*store, none); }) == Code::not_found);
}

TEST_CASE("damage is found") {
  const Scratch scratch;
  const auto store = open_in(scratch);
  const Directory objects = Directory::open(scratch.path("root/nix/store"));
  const PathInfo good = add_text(*store, "good", "good");
  const PathInfo gone = add_text(*store, "gone", "gone");
  const PathInfo changed = add_text(*store, "changed", "changed");
  CHECK(store->verify({.check_contents = true}).problems.empty());
  objects.unlink(gone.path.base_name());
  objects.write_file(changed.path.base_name(), "CHANGED", 0444);
  const std::vector<VerifyProblem> quick = store->verify({}).problems;
  REQUIRE(quick.size() == 1);
  CHECK(quick[0].path == gone.path);
  const std::vector<VerifyProblem> full = store->verify({.check_contents = true}).problems;
  REQUIRE(full.size() == 2);
  CHECK(full[0].path == gone.path);
  CHECK(full[1].path == changed.path);
  CHECK(full[1].message.find("contents have changed") != std::string::npos);
  CHECK(code_of([&] { nar_of(*store, gone.path); }) == Code::corrupt);
  std::stop_source stop;
  stop.request_stop();
  CHECK(code_of([&] { store->verify({.check_contents = true}, {}, stop.get_token()); }) ==
        Code::cancelled);
}
