#include "catch.hh"
#include "errors.hh"
#include "local_fixture.hh"
#include "sql.hh"

#include <cinch/core/derivation_hash.hh>

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <fstream>
#include <thread>

#include <unistd.h>

namespace cinch {

using test::add_text;
using test::code_of;
using test::open_in;
using test::Scratch;

namespace {

Derivation derivation_without_inputs(const std::string& name) {
  Derivation derivation;
  derivation.name = name;
  derivation.system = "x86_64-linux";
  derivation.builder = "/bin/sh";
  derivation.outputs = {{"out", DeferredOutput{}}};
  derivation.environment = {{"out", ""}};
  DerivationHasher(StoreDir(), {}).fill_in_outputs(derivation);
  return derivation;
}

// Stores hold temporary roots of what they added until they are closed, so that each test adds with
// one store and collects with another.
class Fixture {
 public:
  Fixture() : adder_(open_in(scratch_)) {}

  StorePath text(const std::string& name, StorePathSet references = {}) {
    return add_text(*adder_, name, "text of " + name, std::move(references)).path;
  }
  // Adds the derivation `name` with an output of the right path, and the output.
  std::pair<StorePath, StorePath> derivation_and_output(const std::string& name) {
    const Derivation derivation = derivation_without_inputs(name);
    const StorePath path = adder_->add_derivation(derivation);
    const StorePath output = *derivation.output_path(StoreDir(), "out");
    const std::string nar = test::tree_nar(name);
    PathInfo info = test::info_of(nar, output.base_name());
    info.deriver = path;
    StringSource source(nar);
    adder_->add_nar(info, source, SignaturePolicy::accept_unsigned);
    return {path, output};
  }
  // That many, which refer to nothing.
  void add_derivations(int count) {
    std::vector<Derivation> derivations;
    for (int number = 0; number < count; ++number) {
      derivations.push_back(derivation_without_inputs("number-" + std::to_string(number)));
    }
    adder_->add_derivations(derivations);
  }
  void link(const std::string& name, const StorePath& to) {
    std::filesystem::create_directories(scratch_.path("links"));
    const std::string link = scratch_.path("links/" + name);
    std::filesystem::create_symlink(StoreDir().print(to), link);
    adder_->add_indirect_root(link);
  }
  // Ends the store that added things, and with it its temporary roots.
  LocalStore& collector() {
    adder_.reset();
    if (!collector_) collector_ = open_in(scratch_);
    return *collector_;
  }
  // With these two as roots.
  LocalStore& collector_of(const StorePath& output, const StorePath& derivation) {
    link("output", output);
    link("derivation", derivation);
    return collector();
  }
  bool on_disk(const StorePath& path) const {
    return std::filesystem::exists(
        std::filesystem::symlink_status(scratch_.path("root/nix/store/" + path.base_name())));
  }
  std::string in_store(const std::string& name) const {
    return scratch_.path("root/nix/store/" + name);
  }
  const Scratch& scratch() const { return scratch_; }
  LocalStore& adder() { return *adder_; }

 private:
  Scratch scratch_;
  std::unique_ptr<LocalStore> adder_;
  std::unique_ptr<LocalStore> collector_;
};

}  // namespace

TEST_CASE("what no root leads to is deleted, and nothing else") {
  Fixture fixture;
  const StorePath base = fixture.text("base");
  const StorePath used = fixture.text("used", {base});
  const StorePath dead = fixture.text("dead", {base});
  const StorePath dead_too = fixture.text("dead-too", {dead});
  fixture.link("used", used);
  LocalStore& store = fixture.collector();

  GarbageOptions options;
  options.dry_run = true;
  const GarbageReport plan = store.collect_garbage(options);
  CHECK(plan.paths == std::vector<StorePath>{dead_too, dead});
  CHECK(plan.bytes > 0);
  CHECK(store.is_valid(dead));

  options.dry_run = false;
  const GarbageReport report = store.collect_garbage(options);
  CHECK(report.paths == std::vector<StorePath>{dead_too, dead});
  CHECK(report.bytes > 0);
  CHECK(report.left_overs.empty());
  CHECK(report.foreign.empty());
  CHECK(store.all_valid_paths() == StorePathSet{base, used});
  CHECK_FALSE(fixture.on_disk(dead));
  CHECK_FALSE(fixture.on_disk(dead_too));
  CHECK(store.verify({.check_contents = true}).problems.empty());
  CHECK(store.collect_garbage({}).paths.empty());
}

TEST_CASE("derivations and outputs keep each other as the options say") {
  Fixture fixture;
  const auto [derivation, output] = fixture.derivation_and_output("built");
  const auto [other_derivation, other_output] = fixture.derivation_and_output("other");
  LocalStore& store = fixture.collector_of(output, other_derivation);

  CHECK(store.find_alive({.keep_outputs = false, .keep_derivations = false}) ==
        StorePathSet{output, other_derivation});
  CHECK(store.find_alive({.keep_outputs = false, .keep_derivations = true}) ==
        StorePathSet{output, derivation, other_derivation});
  CHECK(store.find_alive({.keep_outputs = true, .keep_derivations = false}) ==
        StorePathSet{output, other_derivation, other_output});
  GarbageOptions options;
  options.liveness = {.keep_outputs = true, .keep_derivations = true};
  CHECK(store.collect_garbage(options).paths.empty());
  CHECK(store.collect_garbage({}).paths == std::vector<StorePath>{other_output});
}

TEST_CASE("an output whose path its derivation did not know keeps the derivation") {
  Fixture fixture;
  const StorePath derivation =
      add_text(fixture.adder(), "floating.drv",
               "Derive([(\"out\",\"\",\"r:sha256\",\"\")],[],[],\"x\",\"y\",[],[(\"out\",\"\")])")
          .path;
  const std::string nar = test::tree_nar("floating");
  PathInfo info = test::info_of(nar, test::path_a);
  info.deriver = derivation;
  StringSource source(nar);
  fixture.adder().add_nar(info, source, SignaturePolicy::accept_unsigned);
  fixture.link("output", info.path);
  LocalStore& store = fixture.collector();

  CHECK(store.find_alive({.keep_outputs = false, .keep_derivations = true}) ==
        StorePathSet{info.path, derivation});
  CHECK(store.find_alive({.keep_outputs = false, .keep_derivations = false}) ==
        StorePathSet{info.path});
}

TEST_CASE("roots are links, links to links, profiles and file names") {
  Fixture fixture;
  const StorePath direct = fixture.text("direct");
  const StorePath indirect = fixture.text("indirect");
  const StorePath profile = fixture.text("profile");
  const StorePath named = fixture.text("named");
  const StorePath inside = fixture.text("inside");
  fixture.link("indirect", indirect);
  const StoreDir dir;
  const std::string state = fixture.scratch().path("root/nix/var/nix");
  std::filesystem::create_directories(state + "/gcroots/deep/er");
  std::filesystem::create_symlink(dir.print(direct), state + "/gcroots/deep/er/link");
  std::filesystem::create_symlink(dir.print(profile), state + "/profiles/default-1-link");
  std::ofstream(state + "/gcroots/" + named.base_name());
  std::filesystem::create_symlink(dir.print(inside) + "/bin/x", state + "/gcroots/inside");
  LocalStore& store = fixture.collector();

  const std::vector<GarbageRoot> roots = store.find_roots();
  const auto link_of = [&](const StorePath& path) {
    const auto root = std::ranges::find(roots, path, &GarbageRoot::path);
    return root == roots.end() ? std::string("none") : root->link;
  };
  CHECK(link_of(direct) == state + "/gcroots/deep/er/link");
  CHECK(link_of(indirect) == fixture.scratch().path("links/indirect"));
  CHECK(link_of(profile) == state + "/profiles/default-1-link");
  CHECK(link_of(named) == state + "/gcroots/" + named.base_name());
  CHECK(link_of(inside) == state + "/gcroots/inside");
  CHECK(store.collect_garbage({}).paths.empty());
}

TEST_CASE("a root whose link is gone is told, and forgotten when garbage is collected") {
  Fixture fixture;
  const StorePath path = fixture.text("once");
  fixture.link("once", path);
  const std::string link = fixture.scratch().path("links/once");
  std::filesystem::remove(link);
  LocalStore& store = fixture.collector();
  CHECK(store.find_stale_roots() == std::vector<std::string>{link});
  CHECK(store.collect_garbage({}).paths == std::vector<StorePath>{path});
  CHECK(store.find_stale_roots().empty());
}

TEST_CASE("temporary roots of open stores hold, those of closed ones do not") {
  Fixture fixture;
  const StorePath base = fixture.text("base");
  const StorePath path = fixture.text("held", {base});
  const auto second = open_in(fixture.scratch());
  CHECK(second->collect_garbage({}).paths.empty());
  fixture.collector();
  CHECK(second->collect_garbage({}).paths == std::vector<StorePath>{path, base});
}

TEST_CASE("what a process has open is alive") {
  Fixture fixture;
  const StorePath path = fixture.text("open");
  const StorePath other = fixture.text("closed");
  const std::string file = fixture.in_store(path.base_name());
  LocalStore& store = fixture.collector();
  std::ifstream open(file);
  REQUIRE(open.good());
  CHECK(store.collect_garbage({}).paths == std::vector<StorePath>{other});
  const auto reasons = store.find_alive_reasons(std::vector{path, other}, {});
  REQUIRE(reasons[0]);
  CHECK(reasons[0]->root.link.starts_with("/proc/" + std::to_string(::getpid()) + "/fd/"));
  CHECK_FALSE(reasons[1]);
  open.close();
  CHECK(store.collect_garbage({}).paths == std::vector<StorePath>{path});
}

TEST_CASE("left-overs go, and what is no part of a store stays") {
  Fixture fixture;
  const StorePath path = fixture.text("valid");
  fixture.link("valid", path);
  LocalStore& store = fixture.collector();
  const std::string left_over = "00000000000000000000000000000000-left-over";
  std::filesystem::create_directories(fixture.in_store(left_over + "/deep"));
  std::ofstream(fixture.in_store(left_over + "/deep/file")) << "content";
  std::ofstream(fixture.in_store("00000000000000000000000000000000-left-over.lock"));
  std::filesystem::create_directories(fixture.in_store("tmp-1-2"));
  std::ofstream(fixture.in_store("notes.txt")) << "mine";

  GarbageOptions options;
  options.dry_run = true;
  CHECK(store.collect_garbage(options).left_overs ==
        std::vector<std::string>{left_over, left_over + ".lock", "tmp-1-2"});
  CHECK(std::filesystem::exists(fixture.in_store(left_over)));
  options.only = StorePathSet{path};
  options.skip_alive = true;
  CHECK(store.collect_garbage(options).left_overs.empty());
  const GarbageReport report = store.collect_garbage({});
  CHECK(report.left_overs == std::vector<std::string>{left_over, left_over + ".lock", "tmp-1-2"});
  CHECK(report.foreign == std::vector<std::string>{"notes.txt"});
  CHECK(test::entries(fixture.scratch()) == path.base_name() + "\nnotes.txt\n");
}

TEST_CASE("a dry run counts what the collection then frees") {
  Fixture fixture;
  const StorePath used = fixture.text("used");
  fixture.link("used", used);
  fixture.text("dead", {used});
  fixture.derivation_and_output("built");
  // Two names for one content, of which one stays, and two that both go.
  const auto add_nar = [&](const std::string& text, const char* base_name) {
    const std::string nar = test::tree_nar(text);
    StringSource source(nar);
    const PathInfo info = test::info_of(nar, base_name);
    fixture.adder().add_nar(info, source, SignaturePolicy::accept_unsigned);
    return info.path;
  };
  const std::string shared(100'000, 's');
  const std::string lost(200'000, 'l');
  fixture.link("shared", add_nar(shared, "00000000000000000000000000000001-kept"));
  add_nar(shared, "00000000000000000000000000000002-dead");
  add_nar(lost, "00000000000000000000000000000003-dead");
  add_nar(lost, "00000000000000000000000000000004-dead");
  LocalStore& store = fixture.collector();
  store.optimise();
  const std::string left_over = fixture.in_store("00000000000000000000000000000000-left-over");
  std::filesystem::create_directories(left_over + "/deep");
  std::ofstream(left_over + "/deep/file") << std::string(300'000, 'x');
  std::ofstream(left_over + ".lock");

  GarbageOptions options;
  options.dry_run = true;
  const GarbageReport plan = store.collect_garbage(options);
  REQUIRE(plan.forecast);
  CHECK_FALSE(plan.forecast->estimated);
  CHECK(plan.forecast->files == plan.forecast->files_seen);
  CHECK_FALSE(plan.forecast->duration_measured);
  CHECK(plan.bytes > 500'000);
  CHECK(plan.bytes < 590'000);
  // Another one finds the same: nothing was changed.
  CHECK(store.collect_garbage(options).bytes == plan.bytes);

  const GarbageReport report = store.collect_garbage({});
  CHECK(report.bytes == plan.bytes);
  CHECK(report.paths == plan.paths);
  CHECK(report.left_overs == plan.left_overs);
  CHECK_FALSE(report.forecast);
  const GarbageReport rest = store.collect_garbage(options);
  CHECK(rest.bytes == 0);
  REQUIRE(rest.forecast);
  CHECK(rest.forecast->files == 0);
}

TEST_CASE("a dry run without time estimates from the files that it has seen") {
  Fixture fixture;
  const std::string content(5'000, 'c');
  for (int number = 0; number < 400; ++number) {
    const std::string name = std::string(29, '0') + std::to_string(100 + number) + "-left-over";
    std::filesystem::create_directories(fixture.in_store(name));
    for (char file = 'a'; file < 'm'; ++file) {
      std::ofstream(fixture.in_store(name) + '/' + file) << content;
    }
  }
  LocalStore& store = fixture.collector();
  GarbageOptions options;
  options.dry_run = true;
  options.survey_time_max = std::chrono::milliseconds(0);
  const GarbageReport plan = store.collect_garbage(options);
  REQUIRE(plan.forecast);
  CHECK(plan.forecast->estimated);
  CHECK(plan.forecast->files_seen >= 256);
  CHECK(plan.forecast->files_seen < 300);
  CHECK(plan.forecast->files == 5'200);
  // At 20,000 files a second.
  CHECK(plan.forecast->duration >= std::chrono::milliseconds(260));

  const GarbageReport report = store.collect_garbage({});
  CHECK(report.bytes == plan.bytes);
  // That was a collection large enough to tell how fast the next one may be.
  std::ofstream(fixture.in_store(std::string(32, '0') + "-left-over"));
  const GarbageReport next = store.collect_garbage(options);
  REQUIRE(next.forecast);
  CHECK(next.forecast->duration_measured);
  CHECK_FALSE(next.forecast->estimated);
  CHECK(next.forecast->files == 1);
}

TEST_CASE("a dry run takes as many paths as it would take to free enough") {
  Fixture fixture;
  for (const char* name : {"one", "two", "three"}) fixture.text(name);
  LocalStore& store = fixture.collector();
  std::ofstream(fixture.in_store(std::string(32, '0') + "-left-over")) << "x";
  GarbageOptions options;
  options.dry_run = true;
  options.bytes_max = 1;
  const GarbageReport plan = store.collect_garbage(options);
  CHECK(plan.paths.size() == 1);
  CHECK(plan.left_overs.empty());
  options.dry_run = false;
  const GarbageReport report = store.collect_garbage(options);
  CHECK(report.paths == plan.paths);
  CHECK(report.left_overs.empty());
  CHECK(report.bytes == plan.bytes);
}

TEST_CASE("chosen paths are deleted if nothing needs them") {
  Fixture fixture;
  const StorePath base = fixture.text("base");
  const StorePath middle = fixture.text("middle", {base});
  const StorePath top = fixture.text("top", {middle});
  const StorePath used = fixture.text("used");
  fixture.link("used", used);
  LocalStore& store = fixture.collector();

  GarbageOptions options;
  options.only = StorePathSet{base};
  const auto needed = test::error_of([&] { store.collect_garbage(options); });
  REQUIRE(needed);
  CHECK(needed->code() == Code::busy);
  CHECK(needed->message().find("needed by") != std::string::npos);
  options.only = StorePathSet{used};
  const auto alive = test::error_of([&] { store.collect_garbage(options); });
  REQUIRE(alive);
  CHECK(alive->code() == Code::busy);
  CHECK(alive->message().find("still alive") != std::string::npos);
  CHECK(store.all_valid_paths().size() == 4);

  options.ignore_liveness = true;
  CHECK(store.collect_garbage(options).paths == std::vector<StorePath>{used});
  options = {};
  options.only = StorePathSet{base, top};
  options.skip_alive = true;
  CHECK(store.collect_garbage(options).paths == std::vector<StorePath>{top});
  options = {};
  options.only = StorePathSet{base};
  options.also_referrers = true;
  CHECK(store.collect_garbage(options).paths == std::vector<StorePath>{middle, base});
}

// As in Nix since 2.35; before, a derivation was kept for the sake of its valid outputs.
TEST_CASE("a derivation or an output that is chosen goes, though the options keep it") {
  Fixture fixture;
  const auto [derivation, output] = fixture.derivation_and_output("built");
  const auto [other_derivation, other_output] = fixture.derivation_and_output("other");
  LocalStore& store = fixture.collector_of(output, other_derivation);

  GarbageOptions options;
  options.liveness = {.keep_outputs = true, .keep_derivations = true};
  CHECK(store.collect_garbage(options).paths.empty());
  options.only = StorePathSet{derivation};
  CHECK(store.collect_garbage(options).paths == std::vector<StorePath>{derivation});
  options.only = StorePathSet{other_output};
  CHECK(store.collect_garbage(options).paths == std::vector<StorePath>{other_output});
  CHECK(store.all_valid_paths() == StorePathSet{output, other_derivation});
}

TEST_CASE("a collection stops once enough is free, or when it is told to") {
  Fixture fixture;
  for (int i = 0; i < 20; ++i) fixture.text("number-" + std::to_string(i));
  LocalStore& store = fixture.collector();
  GarbageOptions options;
  options.bytes_max = 1;
  CHECK(store.collect_garbage(options).paths.size() == 1);
  std::stop_source stop;
  stop.request_stop();
  CHECK(code_of([&] { store.collect_garbage({}, {}, stop.get_token()); }) == Code::cancelled);
  CHECK(store.all_valid_paths().size() == 19);
  std::uint64_t done = 0;
  std::uint64_t expected = 0;
  store.collect_garbage({}, [&](const GarbageProgress& progress) {
    done = progress.paths_done;
    expected = progress.paths_expected;
  });
  CHECK(done == 19);
  CHECK(expected == 19);
}

TEST_CASE("what is reserved is given up when there is little room, or may be") {
  Fixture fixture;
  fixture.text("dead");
  const std::filesystem::path reserved = fixture.in_store("../var/nix/db/reserved");
  REQUIRE(std::filesystem::file_size(reserved) == 8 << 20);
  constexpr std::uintmax_t room_bytes = std::uintmax_t{256} << 20;
  const bool has_room =
      ::geteuid() == 0 && std::filesystem::space(reserved).available >= room_bytes;
  CHECK(fixture.collector().collect_garbage({}).paths.size() == 1);
  CHECK(std::filesystem::exists(reserved) == has_room);
}

TEST_CASE("thousands go in several batches, and leave what is alive") {
  Fixture fixture;
  fixture.add_derivations(2500);
  // Through all batches, and half of it alive.
  StorePathSet alive;
  StorePath last = fixture.text("start");
  for (int number = 0; number < 20; ++number) {
    if (number < 10) alive.insert(last);
    if (number == 9) fixture.link("kept", last);
    last = fixture.text("chain-" + std::to_string(number), {last});
  }
  LocalStore& store = fixture.collector();
  const std::size_t dead = 2521 - alive.size();
  GarbageOptions options;
  SECTION("all of them") {
    std::vector<std::uint64_t> done;
    const GarbageReport report = store.collect_garbage(
        options, [&](const GarbageProgress& progress) { done.push_back(progress.paths_done); });
    CHECK(report.paths.size() == dead);
    CHECK(done.size() >= 2);
    CHECK(std::ranges::is_sorted(done));
    CHECK(done.back() == dead);
    CHECK(store.all_valid_paths() == alive);
  }
  SECTION("as many as it takes to free enough") {
    options.bytes_max = std::uint64_t{1} << 20;
    const GarbageReport report = store.collect_garbage(options);
    CHECK(report.bytes >= options.bytes_max);
    CHECK(report.paths.size() < dead);
    CHECK(store.all_valid_paths().size() == 2521 - report.paths.size());
  }
  CHECK(store.verify({.check_contents = true}).problems.empty());
}

TEST_CASE("only one collector runs at a time, and none in a store opened read-only") {
  Fixture fixture;
  fixture.text("some");
  LocalStore& store = fixture.collector();
  const auto second = open_in(fixture.scratch(), {.read_only = true});
  CHECK(code_of([&] { second->collect_garbage({}); }) == Code::read_only);
  CHECK(store.all_valid_paths().size() == 1);
}

// Threads add and use paths while others collect; whoever added a path must find it, and all that
// it refers to, for as long as the store that added it is open.
TEST_CASE("collecting does not disturb those who add") {
  Fixture fixture;
  const Scratch& scratch = fixture.scratch();
  fixture.collector();
  std::atomic<bool> stop = false;
  std::atomic<int> lost = 0;
  std::atomic<int> added = 0;
  std::vector<std::thread> threads;
  for (int number = 0; number < 3; ++number) {
    threads.emplace_back([&, number] {
      for (int round = 0; !stop; ++round) {
        const auto store = open_in(scratch);
        StorePathSet mine;
        for (int i = 0; i < 4; ++i) {
          // The same few texts again and again, so that they are dead, alive and in between.
          const std::string name = "shared-" + std::to_string((round + number + i) % 6);
          const StorePathSet references = mine;
          mine.insert(add_text(*store, name, "text", references).path);
          ++added;
        }
        if (store->find_valid(mine) != mine || !store->verify({}).problems.empty()) ++lost;
      }
    });
  }
  std::size_t deleted = 0;
  for (int round = 0; round < 40; ++round) {
    deleted += fixture.collector().collect_garbage({}).paths.size();
  }
  stop = true;
  for (std::thread& thread : threads) thread.join();
  CHECK(lost == 0);
  CHECK(added > 0);
  CHECK(fixture.collector().verify({.check_contents = true}).problems.empty());
}

TEST_CASE("a full disk is emptied by who adds to it") {
  const Scratch scratch;
  LocalStoreOptions options;
  // Whatever is free, it is too little.
  options.automatic_collection.free_bytes_min = std::numeric_limits<std::uint64_t>::max();
  options.automatic_collection.check_interval = std::chrono::seconds(0);
  const StorePath dead = add_text(*open_in(scratch), "dead", "x").path;
  const auto store = open_in(scratch, options);
  const StorePath alive = add_text(*store, "alive", "y").path;
  CHECK(store->all_valid_paths() == StorePathSet{alive});
  CHECK_FALSE(Directory::open(scratch.path("root/nix/store")).stat(dead.base_name()));
  // What cannot be freed is not asked for again.
  const StorePath later = add_text(*open_in(scratch), "later", "z").path;
  add_text(*store, "more", "w");
  CHECK(store->is_valid(later));
}

TEST_CASE("a cycle is left alone and named, and goes when all of it is asked for") {
  const Scratch scratch;
  // Closed before anything is collected: what it added is rooted while it is open.
  auto adder = open_in(scratch);
  const StorePath a = add_text(*adder, "a", "a").path;
  const StorePath b = add_text(*adder, "b", "b").path;
  const StorePath below = add_text(*adder, "below", "c").path;
  const StorePath above = add_text(*adder, "above", "d", {a}).path;
  adder.reset();
  const auto store = open_in(scratch);
  // One of them is larger than what is deleted together otherwise.
  test::execute(test::database_of(scratch),
                "insert into Refs values (1, 2), (2, 1), (1, 3); "
                "update ValidPaths set narSize = 1 << 40 where id = 1");
  const VerifyReport found = store->verify({});
  CHECK(found.other_problems);
  REQUIRE(found.messages.size() == 1);
  for (const StorePath& path : {a, b}) {
    CHECK(found.messages[0].find(path.base_name()) != std::string::npos);
  }
  CHECK(found.messages[0].find("-below") == std::string::npos);
  GarbageReport report = store->collect_garbage({});
  CHECK(report.paths == std::vector{above});
  CHECK(StorePathSet(report.cyclic.begin(), report.cyclic.end()) == StorePathSet{a, b});
  report = store->collect_garbage({.only = StorePathSet{a, b}});
  CHECK(report.paths.size() == 2);
  CHECK(store->all_valid_paths() == StorePathSet{below});
}

TEST_CASE("roots that keep nothing are told, and stay") {
  const Scratch scratch;
  const auto store = open_in(scratch);
  const StorePath path = add_text(*store, "a", "a").path;
  const Directory roots = Directory::open(scratch.path("root/nix/var/nix/gcroots"));
  roots.make_symlink("/nix/store/" + path.base_name(), "good");
  roots.make_symlink("/nix/store/" + test::path_a, "bad");
  roots.make_symlink("/nowhere", "lost");
  const std::vector<DanglingRoot> expected = {{roots.name_of("bad"), "/nix/store/" + test::path_a},
                                              {roots.name_of("lost"), "/nowhere"}};
  CHECK(store->find_dangling_roots() == expected);
  store->collect_garbage({});
  CHECK(store->find_dangling_roots() == expected);
}

}  // namespace cinch
