#include "catch.hh"
#include "derivations.hh"
#include "errors.hh"
#include "memory_store.hh"

#include <cinch/core/closure.hh>
#include <cinch/core/derivation_aterm.hh>

#include <algorithm>

namespace cinch {

using test::code_of;
using test::error_of;
using test::MemoryStore;

namespace {

// Enough for objects that fit into memory.
void run_buffered(const std::function<void(Sink&)>& produce,
                  const std::function<void(Source&)>& consume) {
  StringSink sink(std::uint64_t{1} << 20);
  produce(sink);
  StringSource source(sink.text());
  consume(source);
}

const CopyOptions buffered{.policy = SignaturePolicy::accept_unsigned, .run_piped = run_buffered};

struct Diamond {
  MemoryStore store;
  StorePath bottom = store.put("bottom");
  StorePath left = store.put("left", {bottom});
  StorePath right = store.put("right", {bottom});
  StorePath top = store.put("top", {left, right});
  StorePath stranger = store.put("stranger");
};

std::size_t position(const std::vector<StorePath>& order, const StorePath& path) {
  return static_cast<std::size_t>(std::ranges::find(order, path) - order.begin());
}

}  // namespace

TEST_CASE("a closure is found level by level") {
  Diamond diamond;
  diamond.store.objects.at(diamond.top).info.references.insert(diamond.top);
  const auto closure = compute_closure(diamond.store, {diamond.top});
  CHECK(closure.size() == 4);
  CHECK_FALSE(closure.contains(diamond.stranger));
  CHECK(diamond.store.find_calls == 3);
  CHECK(compute_closure(diamond.store, {}).empty());
  CHECK(compute_closure(diamond.store, {diamond.bottom, diamond.stranger}).size() == 2);
}

TEST_CASE("a closure with outputs goes through derivations, as far as these are built") {
  MemoryStore store;
  const StorePath source = store.put("source");
  const StorePath needed = store.put("needed");
  const StorePath built = store.put("built", {needed});
  Derivation derivation = test::simple_derivation("x");
  derivation.input_sources = {source};
  derivation.outputs = {
      {"out", InputAddressedOutput{built}},
      {"doc", InputAddressedOutput{StorePath::parse("g1w7hy3qg1w7hy3qg1w7hy3qg1w7hy3q-x-doc")}}};
  // The rules are not this store's business.
  const std::string aterm = print_derivation(derivation, store.store_dir());
  StringSource text(aterm);
  const StorePath path = store
                             .add_content({.name = "x.drv",
                                           .method = ContentAddressMethod::text,
                                           .references = derivation.references()},
                                          text, {})
                             .path;
  CHECK(known_outputs(store, {&path, 1}).size() == 2);
  CHECK(known_outputs(store, {}).empty());
  CHECK(compute_closure_with_outputs(store, {path}) == StorePathSet{path, source, built, needed});
  CHECK(compute_closure_with_outputs(store, {built}) == StorePathSet{built, needed});
  store.objects.erase(built);
  CHECK(compute_closure_with_outputs(store, {path}) == StorePathSet{path, source});
  CHECK(code_of([&] { compute_closure_with_outputs(store, {built}); }) == Code::not_found);
}

TEST_CASE("a closure needs all its paths") {
  Diamond diamond;
  diamond.store.objects.erase(diamond.bottom);
  const auto error = error_of([&] { compute_closure(diamond.store, {diamond.top}); });
  REQUIRE(error);
  CHECK(error->code() == Code::not_found);
  CHECK(error->message().find(diamond.bottom.base_name()) != std::string::npos);
}

TEST_CASE("references come first") {
  Diamond diamond;
  auto infos = compute_closure(diamond.store, {diamond.top});
  infos.at(diamond.left).references.insert(diamond.left);      // to itself: no cycle
  infos.at(diamond.left).references.insert(diamond.stranger);  // not among the infos
  const std::vector<StorePath> order = sort_topologically(infos);
  REQUIRE(order.size() == 4);
  CHECK(order.front() == diamond.bottom);
  CHECK(order.back() == diamond.top);
  CHECK(sort_topologically(infos) == order);
  CHECK(sort_topologically({}).empty());
}

TEST_CASE("a cycle has no order") {
  Diamond diamond;
  auto infos = compute_closure(diamond.store, {diamond.top});
  infos.at(diamond.bottom).references.insert(diamond.top);
  CHECK(code_of([&] { sort_topologically(infos); }) == Code::corrupt);
}

TEST_CASE("a chain of 50,000 paths does not exhaust the stack") {
  const Hash hash = hash_bytes(HashAlgorithm::sha256, {});
  std::map<StorePath, PathInfo> infos;
  std::vector<StorePath> chain;
  for (int link = 0; link < 50'000; ++link) {
    const StorePath path =
        StorePath::from_parts(hash.digest().first(20), "link-" + std::to_string(link));
    PathInfo info{.path = path, .nar_hash = hash};
    if (!chain.empty()) info.references = {chain.back()};
    chain.push_back(path);
    infos.emplace(path, info);
  }
  CHECK(sort_topologically(infos) == chain);
}

TEST_CASE("copying a closure, references first") {
  Diamond diamond;
  diamond.store.objects.at(diamond.left).info.signatures = {
      SecretKey::generate("k").sign("message")};
  MemoryStore to;
  copy_closure(diamond.store, to, {diamond.top}, buffered);
  REQUIRE(to.added.size() == 4);
  CHECK(position(to.added, diamond.bottom) == 0);
  CHECK(position(to.added, diamond.top) == 3);
  CHECK(to.temporary_roots.size() == 4);
  for (const auto& [path, object] : to.objects) {
    const MemoryStore::Object& original = diamond.store.objects.at(path);
    CHECK(object.nar == original.nar);
    CHECK(object.info.references == original.info.references);
    CHECK(object.info.signatures == original.info.signatures);
    CHECK_FALSE(object.info.ultimate);
    CHECK(object.info.registration_time == 0);
  }
  to.added.clear();
  to.objects.erase(diamond.top);
  copy_closure(diamond.store, to, {diamond.top}, buffered);
  CHECK(to.added == std::vector<StorePath>{diamond.top});
}

TEST_CASE("the sizes of closures, many at once") {
  MemoryStore store;
  std::vector<StorePath> paths;
  for (std::size_t number = 0; number < 150; ++number) {
    StorePathSet references;
    for (const std::size_t step : {1, 7, 30}) {
      if (number >= step) references.insert(paths[number - step]);
    }
    paths.push_back(store.put("object-" + std::to_string(number), references));
    PathInfo& info = store.objects.at(paths.back()).info;
    info.nar_size = std::uint64_t{1} << (number % 50);
    if (number % 3 == 0) info.references.insert(info.path);
  }
  const auto infos = compute_closure(store, {paths.back()});
  const std::vector<std::uint64_t> sizes = closure_sizes(infos, paths);
  REQUIRE(sizes.size() == paths.size());
  for (std::size_t number = 0; number < paths.size(); ++number) {
    std::uint64_t expected = 0;
    for (const auto& [path, info] : compute_closure(store, {paths[number]})) {
      expected += info.nar_size;
    }
    CHECK(sizes[number] == expected);
  }
  const std::vector<StorePath> twice = {paths[3], paths[3]};
  CHECK(closure_sizes(infos, twice) == std::vector{sizes[3], sizes[3]});
  CHECK(closure_sizes(infos, {}).empty());
}

TEST_CASE("a copy of some objects goes no further, and tells how far it is") {
  Diamond diamond;
  MemoryStore to;
  CHECK(copy_closure(diamond.store, to, {diamond.bottom}, buffered) == 1);
  std::vector<CopyProgress> told;
  CopyOptions options = buffered;
  options.progress = [&](const CopyProgress& progress) { told.push_back(progress); };
  const auto infos = compute_closure(diamond.store, {diamond.left});
  CHECK(copy_objects(diamond.store, to, infos, options) == 1);
  CHECK(to.added == std::vector{diamond.bottom, diamond.left});
  REQUIRE(told.size() == 2);
  const std::uint64_t bytes = diamond.store.objects.at(diamond.left).nar.size();
  CHECK(told[0].paths_done == 0);
  CHECK(told[0].bytes_done == bytes);
  CHECK(told[1].paths_done == 1);
  CHECK(told[1].paths_expected == 1);
  CHECK(told[1].bytes_expected == bytes);
  CHECK(diamond.store.temporary_roots == StorePathSet{diamond.bottom, diamond.left});
  CHECK(code_of([&] {
          copy_objects(diamond.store, to, {{diamond.top, diamond.store.require(diamond.top)}},
                       buffered);
        }) == Code::not_found);
}

TEST_CASE("copies that cannot be") {
  Diamond diamond;
  SECTION("to another store directory") {
    MemoryStore to(StoreDir("/other/store"));
    CHECK(code_of([&] { copy_closure(diamond.store, to, {diamond.top}, buffered); }) ==
          Code::invalid_argument);
  }
  SECTION("after a stop") {
    MemoryStore to;
    std::stop_source stop;
    stop.request_stop();
    CHECK(code_of([&] {
            copy_closure(diamond.store, to, {diamond.top}, buffered, stop.get_token());
          }) == Code::cancelled);
    CHECK(to.objects.empty());
  }
}

}  // namespace cinch
