// The two-thread form of TreeReader: one thread reads, the caller's thread works.
#include "tree_reader.hh"

#include <cinch/core/cancellation.hh>
#include <cinch/core/error.hh>
#include <cinch/files/file_tree.hh>

#include <array>
#include <condition_variable>
#include <cstddef>
#include <exception>
#include <mutex>
#include <thread>

namespace cinch {

namespace {

constexpr std::size_t batches_ahead = 4;

// A ring of batches between one producer and one consumer.
class BatchRing {
 public:
  // The batch to fill next; null once the consumer has gone.
  TreeBatch* begin_fill() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return closed_ || filled_ - replayed_ < batches_.size(); });
    if (closed_) return nullptr;
    TreeBatch& batch = batches_[filled_ % batches_.size()];
    batch.clear();
    return &batch;
  }
  // `last`: nothing follows; `error` is what ended the reading early, if anything.
  void end_fill(bool last, std::exception_ptr error) {
    const std::lock_guard lock(mutex_);
    ++filled_;
    last_ = last;
    error_ = std::move(error);
    changed_.notify_one();
  }

  // The batch to replay next; null at the end. Throws what stopped the producer.
  const TreeBatch* begin_replay() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return filled_ > replayed_ || last_; });
    if (filled_ > replayed_) return &batches_[replayed_ % batches_.size()];
    if (error_) std::rethrow_exception(error_);
    return nullptr;
  }
  void end_replay() {
    const std::lock_guard lock(mutex_);
    ++replayed_;
    changed_.notify_one();
  }
  void close() {
    const std::lock_guard lock(mutex_);
    closed_ = true;
    changed_.notify_one();
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::array<TreeBatch, batches_ahead> batches_;
  std::size_t filled_ = 0;
  std::size_t replayed_ = 0;
  bool last_ = false;
  bool closed_ = false;
  std::exception_ptr error_;
};

void produce(TreeReader& reader, NarVisitor* beside, BatchRing& ring) noexcept {
  for (bool more = true; more;) {
    TreeBatch* batch = ring.begin_fill();
    if (!batch) return;
    std::exception_ptr error;
    try {
      more = reader.fill(*batch);
      if (beside) batch->replay(*beside);
    } catch (...) {  // rethrown by the consumer
      error = std::current_exception();
      more = false;
    }
    ring.end_fill(!more, std::move(error));
  }
}

void consume(BatchRing& ring, NarVisitor& visitor, const std::stop_token& stop) {
  while (const TreeBatch* batch = ring.begin_replay()) {
    check_cancelled(stop);
    batch->replay(visitor);
    ring.end_replay();
  }
}

void read_with_thread(TreeReader& reader, const TreeBatch& first, NarVisitor& visitor,
                      const ReadTreeOptions& options) {
  BatchRing ring;
  // Joined at the end of this scope; before that, `closer` lets it go if the visitor throws.
  const std::jthread producer([&] { produce(reader, options.beside, ring); });
  struct Closer {
    BatchRing& ring;
    ~Closer() { ring.close(); }
  } const closer{ring};
  first.replay(visitor);
  consume(ring, visitor, options.stop);
}

// Most trees fit into one batch; they need no second thread.
void read_all_of(TreeReader& reader, NarVisitor& visitor, const ReadTreeOptions& options) {
  TreeBatch first;
  const bool more = reader.fill(first);
  if (options.beside) first.replay(*options.beside);
  if (more) {
    read_with_thread(reader, first, visitor, options);
  } else {
    first.replay(visitor);
  }
}

struct SplitName {
  std::string parent;
  std::string name;  // empty: the parent itself is meant
};

SplitName split_full_name(std::string full_name) {
  while (full_name.size() > 1 && full_name.back() == '/') full_name.pop_back();
  const std::size_t slash = full_name.rfind('/');
  std::string name = slash == full_name.npos ? full_name : full_name.substr(slash + 1);
  if (name.empty() || name == "." || name == "..") return {full_name, ""};
  if (slash == full_name.npos) return {".", std::move(name)};
  return {full_name.substr(0, slash == 0 ? 1 : slash), std::move(name)};
}

}  // namespace

void read_tree(const Directory& parent, std::string_view name, NarVisitor& visitor,
               const ReadTreeOptions& options) {
  TreeReader reader(parent, name, options);
  read_all_of(reader, visitor, options);
}

void read_tree(const std::string& full_name, NarVisitor& visitor, const ReadTreeOptions& options) {
  if (full_name.empty()) throw Error(Code::invalid_argument, "the file name is empty");
  const SplitName split = split_full_name(full_name);
  if (!split.name.empty()) {
    return read_tree(Directory::open(split.parent), split.name, visitor, options);
  }
  TreeReader reader(Directory::open(split.parent), options);
  read_all_of(reader, visitor, options);
}

void dump_tree(const std::string& full_name, Sink& sink, const ReadTreeOptions& options) {
  NarWriter writer(sink);
  read_tree(full_name, writer, options);
  writer.finish();
}

}  // namespace cinch
