#include "optimiser.hh"

#include "../tree_walk.hh"

#include <cinch/core/cancellation.hh>
#include <cinch/core/error.hh>

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <exception>
#include <functional>
#include <memory>
#include <thread>
#include <utility>

namespace cinch::local {

namespace {

constexpr std::size_t threads_max = 8;
// Each holds a directory open.
constexpr std::size_t files_ahead_max = 128;

struct FileToLink {
  std::shared_ptr<ChangedDirectory> parent;
  std::string name;
  struct stat status;
};

void find_files(const Directory& objects, const std::string& base_name, const std::stop_token& stop,
                const std::function<void(FileToLink)>& take) {
  const Directory* current = nullptr;
  std::shared_ptr<ChangedDirectory> parent;
  const auto visit = [&](const TreeEntry& entry) {
    if (S_ISDIR(entry.status.st_mode)) return;
    if (entry.parent.get() != current) {
      current = entry.parent.get();
      parent = std::make_shared<ChangedDirectory>(entry.parent, current == &objects);
    }
    take({parent, entry.name, entry.status});
  };
  walk_tree(objects, base_name, visit, stop);
}

}  // namespace

void link_object(FileLinker& linker, const Directory& objects, const std::string& base_name,
                 const std::stop_token& stop) {
  std::vector<std::byte> buffer(stream_buffer_bytes);
  find_files(objects, base_name, stop, [&](const FileToLink& file) {
    linker.link(*file.parent, file.name, file.status, buffer, stop);
  });
}

struct ParallelLinker::Queue {
  // Waits for room. Does nothing once somebody has failed.
  void put(FileToLink file) {
    std::unique_lock lock(mutex);
    changed.wait(lock, [&] { return failure || files.size() < files_ahead_max; });
    if (failure) std::rethrow_exception(failure);
    files.push_back(std::move(file));
    changed.notify_all();
  }
  // Empty: nothing follows.
  std::optional<FileToLink> take() {
    std::unique_lock lock(mutex);
    changed.wait(lock, [&] { return failure || ended || !files.empty(); });
    if (failure || files.empty()) return std::nullopt;
    std::optional<FileToLink> file = std::move(files.front());
    files.pop_front();
    ++busy;
    changed.notify_all();
    return file;
  }
  void done() {
    const std::lock_guard lock(mutex);
    --busy;
    changed.notify_all();
  }
  void fail(std::exception_ptr error) {
    const std::lock_guard lock(mutex);
    if (!failure) failure = std::move(error);
    changed.notify_all();
  }
  void wait_until_idle() {
    std::unique_lock lock(mutex);
    changed.wait(lock, [&] { return failure || (files.empty() && busy == 0); });
    if (failure) std::rethrow_exception(failure);
  }
  void end() {
    const std::lock_guard lock(mutex);
    ended = true;
    files.clear();
    changed.notify_all();
  }

  std::mutex mutex;
  std::condition_variable changed;
  std::deque<FileToLink> files;
  std::size_t busy = 0;
  bool ended = false;
  std::exception_ptr failure;
  std::vector<std::jthread> threads;  // joined first
};

ParallelLinker::ParallelLinker(FileLinker& linker, const Directory& objects, std::stop_token stop)
    : linker_(linker),
      objects_(objects),
      stop_(std::move(stop)),
      queue_(std::make_unique<Queue>()) {
  const auto work = [this] {
    std::vector<std::byte> buffer(stream_buffer_bytes);
    while (std::optional<FileToLink> file = queue_->take()) {
      try {
        linker_.link(*file->parent, file->name, file->status, buffer, stop_);
        file.reset();  // restores the directory, if it is the last of it
      } catch (...) {  // rethrown by whoever adds or finishes
        queue_->fail(std::current_exception());
      }
      queue_->done();
    }
  };
  const std::size_t count =
      std::clamp<std::size_t>(std::thread::hardware_concurrency(), 1, threads_max);
  for (std::size_t i = 0; i < count; ++i) queue_->threads.emplace_back(work);
}

ParallelLinker::~ParallelLinker() { queue_->end(); }

void ParallelLinker::add(const std::string& base_name) {
  find_files(objects_, base_name, stop_, [&](FileToLink file) { queue_->put(std::move(file)); });
}

void ParallelLinker::finish() { queue_->wait_until_idle(); }

}  // namespace cinch::local
