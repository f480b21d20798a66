#include "text_publisher.hh"

#include "path_lock.hh"

#include <algorithm>
#include <utility>

#include <fcntl.h>

namespace cinch::local {

namespace {

// As many batches wait to be registered, and as many to be released. Each lock of them is an open
// file.
constexpr std::size_t ahead_max = 5;

}  // namespace

void TextPublisher::make_room(const Directory& directory, std::size_t texts) {
  // One is written; those that wait may all be registered at once, while others come to wait.
  constexpr std::size_t batches_max = 3 * ahead_max + 1;
  constexpr std::size_t others_max = 64;
  if (texts <= batch_max) return;
  const Descriptor beyond(::fcntl(directory.get(), F_DUPFD_CLOEXEC,
                                  static_cast<int>(batches_max * batch_max + others_max)));
}

TextPublisher::Batch::Batch(const Directory& objects, const StorePathSet& paths)
    : lock(lock_paths(objects, paths, {}, {})), published(objects) {}

TextPublisher::TextPublisher(TextPlace place, std::span<const NewText> texts)
    : place_(std::move(place)), texts_(texts) {
  if (texts.size() <= batch_max) return;
  thread_ = std::thread([this] { run(); });
}

TextPublisher::~TextPublisher() {
  if (!thread_.joinable()) return;
  {
    std::unique_lock lock(mutex_);
    while (!released_.empty()) release_one(lock);
    stopped_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

TextPublisher::Batches TextPublisher::next() {
  Batches batches;
  if (!thread_.joinable()) {
    if (auto batch = publish_next()) batches.push_back(std::move(batch));
    return batches;
  }
  std::unique_lock lock(mutex_);
  wait(lock, [&] { return !ready_.empty() || finished_; });
  if (ready_.empty() && failure_) std::rethrow_exception(failure_);
  batches.swap(ready_);
  changed_.notify_all();
  return batches;
}

void TextPublisher::release(Batches batches) {
  if (!thread_.joinable()) return;
  std::unique_lock lock(mutex_);
  for (auto& batch : batches) released_.push_back(std::move(batch));
  changed_.notify_all();
  while (released_.size() > ahead_max) release_one(lock);
}

void TextPublisher::run() {
  for (;;) {
    std::unique_ptr<Batch> batch;
    std::exception_ptr failure;
    try {
      batch = publish_next();
    } catch (...) {
      failure = std::current_exception();
    }
    std::unique_lock lock(mutex_);
    wait(lock, [&] { return ready_.size() < ahead_max || stopped_; });
    if (batch && !stopped_) {
      ready_.push_back(std::move(batch));
      changed_.notify_all();
      continue;
    }
    failure_ = failure;
    finished_ = true;
    changed_.notify_all();
    return wait(lock, [&] { return stopped_; });
  }
}

// Who has to wait does what is left to do.
template <class Condition>
void TextPublisher::wait(std::unique_lock<std::mutex>& lock, Condition condition) {
  while (!condition()) {
    if (released_.empty()) {
      changed_.wait(lock);
    } else {
      release_one(lock);
    }
  }
}

void TextPublisher::release_one(std::unique_lock<std::mutex>& lock) {
  std::unique_ptr<Batch> batch = std::move(released_.back());
  released_.pop_back();
  lock.unlock();
  batch.reset();
  lock.lock();
}

std::unique_ptr<TextPublisher::Batch> TextPublisher::publish_next() {
  if (published_ == texts_.size()) return nullptr;
  const std::size_t begin = published_;
  const std::size_t end = std::min(texts_.size(), begin + batch_max);
  StorePathSet paths;
  for (std::size_t at = begin; at < end; ++at) paths.insert(texts_[at].path);
  auto batch = std::make_unique<Batch>(place_.objects, paths);
  const StorePathSet valid = place_.find_valid(paths);
  for (std::size_t at = begin; at < end; ++at) {
    if (valid.contains(texts_[at].path)) continue;
    batch->published.write_file(texts_[at].path, texts_[at].text, place_.fsync);
    batch->places.push_back(at);
  }
  published_ = end;
  return batch;
}

}  // namespace cinch::local
