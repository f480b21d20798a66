// The form of TreeReader with threads: one reads, one copies if asked, the caller's own works.
#include "tree_reader.hh"

#include <cinch/core/cancellation.hh>
#include <cinch/core/error.hh>
#include <cinch/files/file_tree.hh>

#include <algorithm>
#include <array>
#include <condition_variable>
#include <cstddef>
#include <exception>
#include <mutex>
#include <thread>
#include <vector>

namespace cinch {

namespace {

constexpr std::size_t batches_ahead = 24;  // of half a MiB: small files take the copier longer

// A ring of batches between one producer and its consumers, each of which gets every batch.
class BatchRing {
 public:
  explicit BatchRing(std::size_t consumers) : replayed_(consumers) {}

  // The batch to fill next; null once somebody has gone.
  TreeBatch* begin_fill() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return closed_ || filled_ - slowest() < batches_.size(); });
    if (closed_) return nullptr;
    TreeBatch& batch = batches_[filled_ % batches_.size()];
    batch.clear();
    return &batch;
  }
  // `last`: nothing follows.
  void end_fill(bool last) {
    const std::lock_guard lock(mutex_);
    ++filled_;
    last_ = last;
    changed_.notify_all();
  }

  // The batch that this consumer replays next; null at the end, or once somebody has gone.
  const TreeBatch* begin_replay(std::size_t consumer) {
    std::unique_lock lock(mutex_);
    const std::uint64_t replayed = replayed_[consumer];
    changed_.wait(lock, [&] { return closed_ || filled_ > replayed || last_; });
    if (closed_ || filled_ == replayed) return nullptr;
    return &batches_[replayed % batches_.size()];
  }
  void end_replay(std::size_t consumer) {
    const std::lock_guard lock(mutex_);
    ++replayed_[consumer];
    changed_.notify_all();
  }

  // Lets everybody go. The first error is the one that counts.
  void close(std::exception_ptr error = nullptr) {
    const std::lock_guard lock(mutex_);
    closed_ = true;
    if (error && !error_) error_ = std::move(error);
    changed_.notify_all();
  }
  void rethrow_error() {
    const std::lock_guard lock(mutex_);
    if (error_) std::rethrow_exception(error_);
  }

 private:
  std::uint64_t slowest() const { return *std::min_element(replayed_.begin(), replayed_.end()); }

  std::mutex mutex_;
  std::condition_variable changed_;
  std::array<TreeBatch, batches_ahead> batches_;
  std::uint64_t filled_ = 0;
  std::vector<std::uint64_t> replayed_;  // by each consumer
  bool last_ = false;
  bool closed_ = false;
  std::exception_ptr error_;
};

void produce(TreeReader& reader, BatchRing& ring) {
  for (bool more = true; more;) {
    TreeBatch* batch = ring.begin_fill();
    if (!batch) return;
    more = reader.fill(*batch);
    ring.end_fill(!more);
  }
}

void consume(BatchRing& ring, std::size_t consumer, NarVisitor& visitor,
             const std::stop_token& stop) {
  while (const TreeBatch* batch = ring.begin_replay(consumer)) {
    check_cancelled(stop);
    batch->replay(visitor);
    ring.end_replay(consumer);
  }
}

// A thread whose error ends the work of all.
template <typename Work>
std::jthread start_thread(BatchRing& ring, Work work) {
  return std::jthread([&ring, work] {
    try {
      work();
    } catch (...) {  // rethrown by the caller's thread
      ring.close(std::current_exception());
    }
  });
}

// Reading, copying and the visitor's work have a thread each: the system spreads three over its
// cores better than any fixed pairing of them would.
void read_with_threads(TreeReader& reader, const TreeBatch& first, NarVisitor& visitor,
                       const ReadTreeOptions& options) {
  BatchRing ring(options.beside ? 2 : 1);
  const std::jthread producer = start_thread(ring, [&] { produce(reader, ring); });
  std::jthread copier;
  // Destroyed first, so that the threads end if this one throws.
  struct Closer {
    BatchRing& ring;
    ~Closer() { ring.close(); }
  } const closer{ring};
  if (options.beside) {
    copier = start_thread(ring, [&] {
      first.replay(*options.beside);
      consume(ring, 1, *options.beside, options.stop);
    });
  }
  first.replay(visitor);
  consume(ring, 0, visitor, options.stop);
  if (copier.joinable()) copier.join();
  ring.rethrow_error();
}

// Most trees fit into one batch; they need no second thread.
void read_all_of(TreeReader& reader, NarVisitor& visitor, const ReadTreeOptions& options) {
  TreeBatch first;
  if (reader.fill(first)) return read_with_threads(reader, first, visitor, options);
  if (options.beside) first.replay(*options.beside);
  first.replay(visitor);
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
