#include "catch.hh"
#include "errors.hh"
#include "local_fixture.hh"

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

using namespace cinch;
using namespace cinch::test;

namespace {

const std::string links = ".links\n";

PathInfo add(LocalStore& store, const std::string& base_name, std::string_view text) {
  const std::string nar = tree_nar(text);
  StringSource source(nar);
  PathInfo info = info_of(nar, base_name);
  info.ultimate = true;
  store.add_nar(info, source, SignaturePolicy::accept_unsigned);
  return store.require(info.path);
}

void damage(LocalStore& store, const StorePath& path) {
  const std::string name = store.real_path(path) + "/bin/run";
  REQUIRE(::chmod(name.c_str(), 0755) == 0);
  const Descriptor file(::open(name.c_str(), O_WRONLY | O_CLOEXEC | O_TRUNC));
  DescriptorSink(file.get(), name).write(as_bytes("evil"));
  REQUIRE(::chmod(name.c_str(), 0555) == 0);
}

StagedCommit staged(LocalStore& store, const PathInfo& info, const std::string& nar) {
  StagedCommit commit{store.stage(info.path), info};
  commit.object->nar().write(as_bytes(nar));
  return commit;
}

void replace(LocalStore& store, const PathInfo& info, const std::string& nar) {
  const auto lock = store.lock({info.path}, {}, {});
  std::vector<StagedCommit> objects;
  objects.push_back(staged(store, info, nar));
  store.replace(std::move(objects));
}

}  // namespace

TEST_CASE("what is valid is replaced, and keeps what is true of it") {
  const Scratch scratch;
  const auto store = open_in(scratch);
  PathInfo info = add(*store, path_a, "text");
  store->add_signatures(info.path, {SecretKey::generate("k-1").sign("x")});
  info = store->require(info.path);
  damage(*store, info.path);
  PathInfo built = info;
  built.signatures.clear();
  SECTION("damaged") {}
  SECTION("gone") {
    Directory::open(scratch.path("root/nix/store")).remove_tree(info.path.base_name());
  }
  SECTION("with permissions that let nobody in") {
    REQUIRE(::chmod(store->real_path(info.path).c_str(), 0) == 0);
  }
  SECTION("a file in the place of a directory") {
    const Directory objects = Directory::open(scratch.path("root/nix/store"));
    objects.remove_tree(info.path.base_name());
    objects.write_file(info.path.base_name(), "x", 0600);
  }
  replace(*store, built, tree_nar("text"));
  CHECK(nar_of(*store, info.path) == tree_nar("text"));
  CHECK(store->require(info.path) == info);
  CHECK(entries(scratch) == path_a + "\n");
  CHECK(store->verify({.check_contents = true}).problems.empty());
}

TEST_CASE("what was built otherwise is registered so, without the signatures of the old one") {
  const Scratch scratch;
  const auto store = open_in(scratch);
  const PathInfo info = add(*store, path_a, "text");
  store->add_signatures(info.path, {SecretKey::generate("k-1").sign("x")});
  damage(*store, info.path);
  const std::string nar = tree_nar("another text");
  PathInfo other = info_of(nar, path_a);
  other.ultimate = true;
  replace(*store, other, nar);
  const PathInfo found = store->require(info.path);
  CHECK(found.nar_hash == other.nar_hash);
  CHECK(found.nar_size == nar.size());
  CHECK(found.signatures.empty());
  CHECK(found.registration_time == info.registration_time);
  CHECK(store->verify({.check_contents = true}).problems.empty());
}

TEST_CASE("several are replaced together with what was not valid yet") {
  const Scratch scratch;
  const auto store = open_in(scratch);
  const PathInfo a = add(*store, path_a, "text");
  damage(*store, a.path);
  const std::string nar = tree_nar("text");
  PathInfo b = info_of(nar, path_b);
  b.references = {a.path};
  const auto lock = store->lock({a.path, b.path}, {}, {});
  std::vector<StagedCommit> objects;
  objects.push_back(staged(*store, a, nar));
  objects.push_back(staged(*store, b, nar));
  SECTION("all") {
    store->replace(std::move(objects));
    CHECK(store->is_valid(b.path));
    CHECK(store->verify({.check_contents = true}).problems.empty());
  }
  SECTION("or none is registered, and no valid one is without an object") {
    objects[1].info.references.insert(StorePath::parse(path_c));
    CHECK(code_of([&] { store->replace(std::move(objects)); }) == Code::not_found);
    CHECK_FALSE(store->is_valid(b.path));
    objects.clear();
    CHECK(entries(scratch) == path_a + "\n" + path_a + ".lock\n" + path_b + ".lock\n");
    CHECK(store->verify({.check_contents = true}).problems.empty());
  }
}

TEST_CASE("a damaged link is no part of what replaces the object") {
  const Scratch scratch;
  const bool automatic = GENERATE(false, true);
  const auto store = open_in(scratch, {.auto_optimise = automatic});
  const PathInfo a = add(*store, path_a, "text");
  const PathInfo b = add(*store, path_b, "text");
  store->optimise();
  damage(*store, a.path);  // and with it the other
  replace(*store, a, tree_nar("text"));
  CHECK(nar_of(*store, a.path) == tree_nar("text"));
  CHECK(nar_of(*store, b.path) == tree_nar("evil"));
  store->optimise();
  CHECK(nar_of(*store, a.path) == tree_nar("text"));
  CHECK(store->verify({.only = StorePathSet{a.path}, .check_contents = true}).problems.empty());
  CHECK(entries(scratch) == links + path_a + "\n" + path_b + "\n");
}

TEST_CASE("half a NAR replaces nothing") {
  const Scratch scratch;
  const auto store = open_in(scratch);
  const PathInfo a = add(*store, path_a, "text");
  const std::string nar = tree_nar("text");
  CHECK_THROWS_AS(replace(*store, a, nar.substr(0, nar.size() - 8)), Error);
  CHECK(nar_of(*store, a.path) == nar);
  CHECK(entries(scratch) == path_a + "\n");
}
