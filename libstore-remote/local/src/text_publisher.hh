// Many small plain files on their way into the store: written to their places by a thread of its
// own, some ahead of whoever registers them.
#pragma once

#include "published.hh"

#include <cinch/core/store.hh>
#include <cinch/core/store_path.hh>

#include <condition_variable>
#include <cstddef>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <span>
#include <string_view>
#include <thread>
#include <vector>

namespace cinch::local {

struct NewText {
  StorePath path;
  std::string_view text;
};

// What it works with; lent.
struct TextPlace {
  const Directory& objects;
  bool fsync;
  std::function<StorePathSet(const StorePathSet&)> find_valid;
};

class TextPublisher {
 public:
  // As many are locked and published together.
  static constexpr std::size_t batch_max = 32;

  // In a process of several threads, who opens a file waits for milliseconds each time the table of
  // open files has to grow. To be called while there may be one thread yet: it grows once.
  static void make_room(const Directory& directory, std::size_t texts);

  // Some of the files, in their places, locked, and not registered. Those that have become valid
  // since are left out. Removed again when destroyed, unless they are kept.
  struct Batch {
    Batch(const Directory& objects, const StorePathSet& paths);
    std::unique_ptr<PathLock> lock;
    Published published;
    std::vector<std::size_t> places;  // which of the texts
  };

  // `texts` must outlive it. REQUIRES: their paths are temporary roots.
  TextPublisher(TextPlace place, std::span<const NewText> texts);
  TextPublisher(const TextPublisher&) = delete;
  TextPublisher& operator=(const TextPublisher&) = delete;
  ~TextPublisher();

  using Batches = std::vector<std::unique_ptr<Batch>>;
  // What has been written since, in the order of the texts, once there is some; nothing after the
  // last. Throws what publishing threw.
  Batches next();
  // Destroys them, at the latest when this is destroyed: when one of the two threads has to wait.
  void release(Batches batches);

 private:
  void run();
  std::unique_ptr<Batch> publish_next();
  void release_one(std::unique_lock<std::mutex>& lock);
  template <class Condition>
  void wait(std::unique_lock<std::mutex>& lock, Condition condition);

  const TextPlace place_;
  const std::span<const NewText> texts_;
  std::size_t published_ = 0;  // how many of the texts; of the thread that publishes

  std::mutex mutex_;
  std::condition_variable changed_;
  Batches ready_;
  Batches released_;
  std::exception_ptr failure_;
  bool finished_ = false;  // there is nothing to come
  bool stopped_ = false;
  std::thread thread_;  // none if there is one batch only
};

}  // namespace cinch::local
