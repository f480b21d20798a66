// Random work on a local store, for proofs that disturb it: kill it, cut its power, fail its calls.
#pragma once

#include <cinch/core/derivation.hh>
#include <cinch/local/local_store.hh>

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <random>
#include <string>
#include <string_view>
#include <vector>

namespace cinch::proof {

// What the work has promised so far. It lies in memory that is shared with whoever disturbs it.
struct Promises {
  struct Root {
    std::atomic<bool> holds;  // the path is valid and has a root, until this is taken back
    std::array<char, 256> path;
  };
  std::atomic<std::uint64_t> done;   // steps
  std::atomic<std::size_t> at_work;  // on this one of Workload::operations()
  // Of each of these operations: how often it was done, and how long that took.
  struct Effort {
    std::atomic<std::uint64_t> count;
    std::atomic<std::uint64_t> us_in_all;
    std::atomic<std::uint64_t> us_at_most;
  };
  std::array<Effort, 32> efforts;
  std::array<Root, 24> roots;

  // In shared memory, zeroed; never freed.
  static Promises& share();
  StorePathSet held() const;
};

class Workload {
 public:
  struct Operation {
    std::string_view name;
    unsigned weight;
    void (Workload::*run)();
  };
  static const std::vector<Operation>& operations();

  // `folder` is where links to paths are made. All must outlive it.
  Workload(LocalStore& store, std::string folder, std::uint64_t seed, Promises& promises);

  void step();                      // one operation, drawn
  void run(std::string_view name);  // a certain one

  // What it has added: temporary roots as long as the store is open.
  const StorePathSet& added_paths() const { return added_; }

  void add_text();
  void add_tree();
  void add_large_file();
  void add_large_nar();
  void add_object();
  void add_group();
  void add_derivation();
  void add_derivations();
  void sign();
  void read();
  void add_root();
  void add_permanent_root();
  void remove_root();
  void delete_one();
  void collect();
  void verify();
  void optimise();
  void copy_in();
  void import_archive();
  void register_object();
  void damage_and_repair();
  void damage_and_replace();

 private:
  std::uint64_t draw(std::uint64_t below) { return random_() % below; }
  std::string bytes(std::size_t size);
  std::string nar(std::size_t size_max);
  StorePathSet some();
  Derivation derivation();
  std::string link_name(std::size_t slot) const;
  void learn(const StorePath& path);
  void added(const StorePath& path);
  LocalStore& elsewhere();
  StorePathSet make_elsewhere();
  void make_root(const std::function<void(const StorePath& path, const std::string& link)>& make);

  LocalStore& store_;
  std::string folder_;
  std::mt19937_64 random_;
  Promises& promises_;
  StorePathSet added_;
  std::vector<StorePath> known_;           // some of all, perhaps collected since
  std::unique_ptr<LocalStore> elsewhere_;  // what is copied comes from there
};

// The other store of the workloads with this folder; empty if they have made none.
std::unique_ptr<LocalStore> open_elsewhere(const std::string& folder);

// What is wrong with a store: its own verification, and what that cannot see; with promises, also
// what of them is not kept. Empty: nothing. Objects that damage_and_repair() has damaged do not
// count; with `source`, it must be possible to repair them from there.
std::vector<std::string> find_damage(LocalStore& store, const Promises* promises,
                                     Store* source = nullptr);
// Roots whose paths are not valid.
std::vector<std::string> find_lost(LocalStore& store, const Promises& promises);
// What lies in the store directory and is not valid; to be called after a collection.
std::vector<std::string> find_litter(LocalStore& store, const std::string& real_dir);

}  // namespace cinch::proof
