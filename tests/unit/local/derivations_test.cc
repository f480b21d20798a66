// Derivations that are added in one call: some hundred, so that they go through several batches.
#include "catch.hh"
#include "errors.hh"
#include "local_fixture.hh"

#include <cinch/core/derivation.hh>
#include <cinch/core/derivation_aterm.hh>
#include <cinch/core/derivation_hash.hh>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include <sys/stat.h>

using namespace cinch;
using namespace cinch::test;

namespace {

// A chain: each has the one before it as an input.
std::vector<Derivation> make_chain(std::size_t length) {
  const StoreDir store_dir;
  std::vector<Derivation> chain;
  std::map<StorePath, Derivation> by_path;
  DerivationHasher hasher(store_dir, [&](const StorePath& path) { return by_path.at(path); });
  std::optional<StorePath> input;
  for (std::size_t number = 0; number < length; ++number) {
    Derivation derivation{.name = "link-" + std::to_string(number),
                          .outputs = {{"out", DeferredOutput{}}},
                          .system = "x86_64-linux",
                          .builder = "/bin/sh"};
    derivation.environment = {{"out", ""}};
    if (input) derivation.input_derivations = {{*input, {"out"}}};
    hasher.fill_in_outputs(derivation);
    input = derivation_path(store_dir, derivation);
    by_path.emplace(*input, derivation);
    chain.push_back(std::move(derivation));
  }
  return chain;
}

class Umask {
 public:
  explicit Umask(mode_t mask) : before_(::umask(mask)) {}
  Umask(const Umask&) = delete;
  Umask& operator=(const Umask&) = delete;
  ~Umask() { ::umask(before_); }

 private:
  mode_t before_;
};

}  // namespace

TEST_CASE("hundreds of derivations become valid in one call, in whatever order they come") {
  const Scratch scratch;
  const auto store = open_in(scratch);
  std::vector<Derivation> derivations = make_chain(200);
  std::ranges::reverse(derivations);
  derivations.push_back(derivations.front());  // twice
  const Umask mask(0077);
  const std::vector<StorePath> paths = store->add_derivations(derivations);
  REQUIRE(paths.size() == derivations.size());
  CHECK(paths.front() == paths.back());
  std::string names;
  for (const StorePath& path : StorePathSet(paths.begin(), paths.end())) {
    names += path.base_name() + "\n";
  }
  CHECK(entries(scratch) == names);
  CHECK(store->read_derivations(paths) == derivations);
  CHECK(store->find_referrers(std::vector{paths[199]}).front() == StorePathSet{paths[198]});
  CHECK(store->verify({.check_contents = true}).problems.empty());
  const struct stat status =
      *Directory::open(scratch.path("root/nix/store")).stat(paths[7].base_name());
  CHECK((status.st_mode & 07777) == 0444);
  CHECK(status.st_mtim.tv_sec == 1);
  CHECK(store->add_derivations(derivations) == paths);
}

TEST_CASE("one wrong derivation among hundreds keeps all of them out") {
  const Scratch scratch;
  const auto store = open_in(scratch);
  std::vector<Derivation> derivations = make_chain(200);
  SECTION("because it has another's output") {
    derivations.back().outputs = derivations.front().outputs;
    CHECK(code_of([&] { store->add_derivations(derivations); }) == Code::invalid_derivation);
  }
  SECTION("because an input is missing") {
    derivations.erase(derivations.begin() + 100);
    CHECK(code_of([&] { store->add_derivations(derivations); }) == Code::not_found);
  }
  CHECK(entries(scratch).empty());
  CHECK(store->all_valid_paths().empty());
}

TEST_CASE("what lies in the place of a derivation and is not valid gives way") {
  const Scratch scratch;
  const auto store = open_in(scratch);
  const std::vector<Derivation> derivations = make_chain(100);
  const Directory objects = Directory::open(scratch.path("root/nix/store"));
  const std::string file = derivation_path(store->store_dir(), derivations[3]).base_name();
  const std::string folder = derivation_path(store->store_dir(), derivations[97]).base_name();
  objects.write_file(file, "half a deriv", 0600);
  objects.make_directory(folder, 0755).write_file("inside", "something", 0644);
  store->add_derivations(derivations);
  CHECK(store->verify({.check_contents = true}).problems.empty());
}

TEST_CASE("stores that add the same derivations at the same time all succeed") {
  const Scratch scratch;
  std::vector<Derivation> derivations = make_chain(300);
  std::atomic<int> failures = 0;
  {
    std::vector<std::jthread> threads;
    for (int number = 0; number < 4; ++number) {
      threads.emplace_back([&, number] {
        try {
          const auto store = open_in(scratch);
          std::vector<Derivation> mine = derivations;
          if (number % 2 == 0) std::ranges::reverse(mine);
          store->add_derivations(mine);
        } catch (const Error&) {
          ++failures;
        }
      });
    }
  }
  CHECK(failures == 0);
  const auto store = open_in(scratch);
  CHECK(store->all_valid_paths().size() == 300);
  CHECK(store->verify({.check_contents = true}).problems.empty());
}

TEST_CASE("who adds derivations waits for the lock of each") {
  const Scratch scratch;
  const auto store = open_in(scratch);
  const auto second = open_in(scratch);
  const std::vector<Derivation> derivations = make_chain(100);
  const StorePath last = derivation_path(store->store_dir(), derivations.back());
  std::unique_ptr<PathLock> lock = second->lock({last}, {}, {});
  std::jthread other([&] { store->add_derivations(derivations); });
  std::this_thread::sleep_for(std::chrono::milliseconds(100));
  CHECK(second->find_valid({last}).empty());
  lock.reset();
  other.join();
  CHECK(second->find_valid({last}) == StorePathSet{last});
  CHECK(store->verify({.check_contents = true}).problems.empty());
}
