#include "catch.hh"
#include "derivations.hh"
#include "errors.hh"
#include "memory_store.hh"

#include <cinch/core/derivation_aterm.hh>
#include <cinch/core/derivation_hash.hh>

#include <algorithm>

namespace cinch {

using test::code_of;
using test::error_of;
using test::MemoryStore;

namespace {

// A source, something built from it, and something built from that; in the wrong order.
std::vector<Derivation> chain(const StoreDir& store_dir) {
  std::map<StorePath, Derivation> known;
  DerivationHasher hasher(store_dir, [&](const StorePath& path) { return known.at(path); });
  std::vector<Derivation> derivations = {test::fixed_derivation("source")};
  for (const std::string name : {"middle", "top"}) {
    const StorePath input = derivation_path(store_dir, derivations.back());
    known.emplace(input, derivations.back());
    Derivation derivation = test::simple_derivation(name);
    derivation.input_derivations = {{input, {"out"}}};
    hasher.fill_in_outputs(derivation);
    derivations.push_back(derivation);
  }
  std::ranges::reverse(derivations);
  return derivations;
}

}  // namespace

TEST_CASE("a graph of derivations is added in one call and read back") {
  MemoryStore store;
  const std::vector<Derivation> derivations = chain(store.store_dir());
  const std::vector<StorePath> paths = store.add_derivations(derivations);
  REQUIRE(paths.size() == 3);
  CHECK(paths[0].name() == "top.drv");
  CHECK(store.added == std::vector<StorePath>{paths[2], paths[1], paths[0]});
  CHECK(store.read_derivations(paths) == derivations);
  CHECK(store.require(paths[0]).references == StorePathSet{paths[1]});
  CHECK(store.require(paths[0]).is_content_addressed(store.store_dir()));
  CHECK(store.add_derivations({}).empty());

  Derivation another = test::simple_derivation("another");
  another.input_derivations = {{paths[0], {"out"}}};
  DerivationHasher hasher(store.store_dir(),
                          [&](const StorePath& path) { return store.read_derivation(path); });
  hasher.fill_in_outputs(another);
  CHECK(store.add_derivation(another).name() == "another.drv");
}

TEST_CASE("nothing is added unless all derivations are right") {
  MemoryStore store;
  std::vector<Derivation> derivations = chain(store.store_dir());
  SECTION("a wrong path") {
    derivations[0].outputs = {
        {"out", InputAddressedOutput{StorePath::parse("c015dhfh5l0lp6wxyvdn7bmwhbbr6hr9-top")}}};
    CHECK(code_of([&] { store.add_derivations(derivations); }) == Code::invalid_derivation);
  }
  SECTION("an input that is nowhere") {
    derivations.pop_back();
    CHECK(code_of([&] { store.add_derivations(derivations); }) == Code::not_found);
  }
  CHECK(store.objects.empty());
}

TEST_CASE("what is read as a derivation must be one") {
  MemoryStore store;
  const StorePath plain = store.put("plain");
  CHECK(code_of([&] { store.read_derivation(plain); }) == Code::invalid_argument);
  const StorePath text = store.put("text.drv");
  const auto error = error_of([&] { store.read_derivation(text); });
  REQUIRE(error);
  CHECK(error->code() == Code::malformed);
  CHECK(error->subject() == store.store_dir().print(text));
  CHECK(error->offset() == std::optional<std::uint64_t>(0));

  StringSink sink(1024);
  NarWriter writer(sink);
  SECTION("not a directory") {
    writer.directory();
    writer.leave();
  }
  SECTION("not a symlink") { writer.symlink("x"); }
  writer.finish();
  store.objects.at(text).nar = sink.take();
  CHECK(code_of([&] { store.read_derivation(text); }) == Code::malformed);
}

TEST_CASE("required paths") {
  MemoryStore store;
  const StorePath path = store.put("x");
  CHECK(store.is_valid(path));
  CHECK(store.require(path).path == path);
  store.objects.clear();
  CHECK_FALSE(store.is_valid(path));
  CHECK(code_of([&] { store.require(path); }) == Code::not_found);
  CHECK(code_of([&] { require_capability<LogStore>(store, "keep build logs"); }) ==
        Code::not_supported);
  CHECK(capability<LogStore>(store) == nullptr);
}

}  // namespace cinch
