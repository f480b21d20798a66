// One run of the garbage collector.
#pragma once

#include "../database.hh"
#include "../layout.hh"
#include "../own_database.hh"
#include "link_roots.hh"
#include "space_survey.hh"
#include "store_graph.hh"

#include <cinch/core/garbage.hh>

#include <chrono>
#include <cstdint>
#include <functional>
#include <future>
#include <mutex>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

namespace cinch::local {

// What a collector works on; lent.
struct CollectorPlace {
  const Directory& objects;
  const Directory& state;
  const StoreDir& store_dir;
  const std::string& real_dir;
  Database& database;
  OwnDatabase& own_database;
};

using CollectorProgress = std::function<void(const GarbageProgress&)>;

// Deletes, or says what would be deleted. REQUIRES: this process holds `gc.lock` exclusively.
class Collector {
 public:
  Collector(const CollectorPlace& place, const GarbageOptions& options,
            const CollectorProgress& progress, std::stop_token stop);

  GarbageReport run();
  // For the root server: see RootServer::Protect.
  bool protect(const StorePath& path);

 private:
  struct Roots {
    std::vector<GarbageRoot> temporary;
    LinkRoots lasting;
  };
  static Roots find_roots(const CollectorPlace& place);
  void mark_roots();
  void mark_hash_part(std::string_view hash_part);
  void plan(const std::vector<Node>& order);
  std::vector<Node> choose();
  std::vector<Node> choose_some();
  void add_referrers(std::vector<bool>& chosen) const;
  void drop_needed(std::vector<bool>& chosen) const;
  std::string printed(Node node) const;
  [[noreturn]] void refuse(Node node, const std::string& why) const;
  // Paths that have left the database, and are removed from disk.
  struct Batch {
    std::size_t paths = 0;  // how many of the order it is about, with those that stay
    std::vector<std::string> names;
    std::future<std::vector<RemovedTree>> removed;
  };
  void delete_paths(const std::vector<Node>& order);
  std::size_t batch_end(const std::vector<Node>& order, std::size_t at,
                        std::size_t paths_max) const;
  Batch take_from_database(std::span<const Node> some);
  void finish(Batch& batch);
  void forget_in_progress(std::span<const std::string> names);
  std::vector<std::string> find_left_overs();
  void delete_left_overs();
  std::vector<RemovedTree> remove_trees(const std::vector<std::string>& names);
  void count(const RemovedTree& removed);
  void forecast();
  using Clock = std::chrono::steady_clock;
  std::chrono::milliseconds since(Clock::time_point start) const;
  void tell();

  const Clock::time_point started_ = Clock::now();
  const CollectorPlace& place_;
  const GarbageOptions& options_;
  const CollectorProgress& progress_;
  std::stop_token stop_;
  // In a dry run: what lies in the store directory, found while the database is read.
  std::future<std::vector<DirectoryEntry>> listing_;
  std::future<Roots> roots_;  // found while the database is read
  StoreGraph graph_;
  Liveness liveness_;
  GarbageReport report_;
  GarbageProgress done_;
  std::uint64_t files_removed_ = 0;
  std::vector<SurveyedTree> planned_;     // in a dry run: what would be removed
  std::size_t together_from_ = SIZE_MAX;  // what comes from there on in the order is one batch

  // Between the thread that deletes and the root server's.
  std::mutex mutex_;
  std::unordered_set<std::string> protected_;  // hash parts
  // Hash parts of what is being deleted, once for each name.
  std::unordered_multiset<std::string> in_progress_;
};

}  // namespace cinch::local
