// Private to the library: reads a tree on two threads.
#pragma once

#include "tree_reader.hh"

#include <array>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <mutex>
#include <stop_token>

namespace cinch {

// Three kinds of work on a tree's batches, each in their order: filling them from the disk,
// replaying them to `beside`, and replaying them to the visitor. The second thread fills, the
// caller's replays to the visitor; `beside` has whichever of them has less to do, which is the one
// for small files, and the other for large ones.
class TreePipeline {
 public:
  TreePipeline(TreeReader& reader, NarVisitor& visitor, const ReadTreeOptions& options)
      : reader_(reader), visitor_(visitor), beside_(options.beside), stop_(options.stop) {}
  // `first` is filled already, and is not the last one.
  void run(TreeBatch first);

 private:
  enum class Job { wait, end, fill, copy, replay };

  // REQUIRES of all these: mutex_ is held.
  Job next_of_reader() const;
  Job next_of_caller() const;
  bool may_copy() const { return !copying_ && copied_ < filled_; }
  TreeBatch& batch(std::uint64_t number) { return batches_[number % batches_.size()]; }
  void close(std::exception_ptr error);

  void work(Job (TreePipeline::*next)() const);
  void do_job(Job job, std::unique_lock<std::mutex>& lock);

  static constexpr std::size_t batches_ahead = 24;  // of half a MiB each

  TreeReader& reader_;
  NarVisitor& visitor_;
  NarVisitor* const beside_;
  const std::stop_token stop_;
  std::array<TreeBatch, batches_ahead> batches_;
  std::mutex mutex_;
  std::condition_variable changed_;
  // How many batches each kind of work is done with.
  std::uint64_t filled_ = 0;
  std::uint64_t copied_ = 0;
  std::uint64_t replayed_ = 0;
  bool copying_ = false;  // one of the threads is
  bool last_ = false;     // no more can be filled
  bool closed_ = false;   // one of the threads has failed
  std::exception_ptr error_;
};

}  // namespace cinch
