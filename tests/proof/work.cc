// Works on a store until it is killed, or says what is wrong with one:
//   proof-work work FOLDER SEED [fsync]     (the store is local?root=FOLDER/root)
//   proof-work check FOLDER
#include "program.hh"
#include "workload.hh"

#include <cinch/core/error.hh>
#include <cinch/local/local_store.hh>

#include <iostream>
#include <memory>
#include <string>
#include <vector>

namespace cinch::proof {
namespace {

LocalStoreOptions options_in(const std::string& folder) {
  LocalStoreOptions options;
  options.root = folder + "/root";
  return options;
}

[[noreturn]] void work(const std::vector<std::string>& words) {
  LocalStoreOptions options = options_in(words.at(1));
  options.fsync_store_paths = words.size() > 3 && words[3] == "fsync";
  Promises& promises = Promises::share();
  for (std::uint64_t seed = parse_number(words.at(2));; ++seed) {
    // Opened anew now and then: what it has added itself, it cannot collect.
    const auto store = LocalStore::open(options);
    Workload workload(*store, words.at(1) + "/links", seed, promises);
    constexpr int steps = 40;
    for (int step = 0; step < steps; ++step) workload.step();
  }
}

int check(const std::string& folder) {
  const auto store = LocalStore::open(options_in(folder));
  std::vector<std::string> found = find_damage(*store, nullptr);
  if (found.empty()) {
    store->collect_garbage({});
    found = find_litter(*store, folder + "/root/nix/store");
  }
  for (const std::string& one : found) std::cout << one << '\n';
  std::cout << store->all_valid_paths().size() << " valid paths\n";
  return found.empty() ? 0 : 1;
}

}  // namespace
}  // namespace cinch::proof

int main(int count, char** arguments) try {
  const std::vector<std::string> words(arguments + 1, arguments + count);
  if (words.at(0) == "work") cinch::proof::work(words);
  return cinch::proof::check(words.at(1));
} catch (const std::exception& error) {
  std::cout << error.what() << '\n';
  return 2;
}
