#include "tree_pipeline.hh"

#include <cinch/core/cancellation.hh>

#include <algorithm>
#include <thread>
#include <utility>

namespace cinch {

namespace {

// So many filled batches keep the visitor busy while the other thread copies one.
constexpr std::uint64_t backlog_batches = 2;

}  // namespace

void TreePipeline::run(TreeBatch first) {
  batches_.front() = std::move(first);
  filled_ = 1;
  if (beside_ == nullptr) copied_ = UINT64_MAX;
  {
    const std::jthread other([this] { work(&TreePipeline::next_of_reader); });
    work(&TreePipeline::next_of_caller);
  }
  if (error_) std::rethrow_exception(error_);
}

TreePipeline::Job TreePipeline::next_of_reader() const {
  if (closed_) return Job::end;
  const bool may_fill = !last_ && filled_ - std::min(copied_, replayed_) < batches_.size();
  if (may_fill && (filled_ - replayed_ < backlog_batches || !may_copy())) return Job::fill;
  if (may_copy()) return Job::copy;
  return last_ && copied_ >= filled_ ? Job::end : Job::wait;
}

TreePipeline::Job TreePipeline::next_of_caller() const {
  if (closed_) return Job::end;
  if (replayed_ < filled_) return Job::replay;
  if (may_copy()) return Job::copy;
  return last_ && copied_ >= filled_ ? Job::end : Job::wait;
}

void TreePipeline::work(Job (TreePipeline::*next)() const) {
  std::unique_lock lock(mutex_);
  while (true) {
    const Job job = (this->*next)();
    if (job == Job::end) return;
    if (job == Job::wait) {
      changed_.wait(lock);
      continue;
    }
    try {
      do_job(job, lock);
    } catch (...) {  // rethrown by run()
      if (!lock.owns_lock()) lock.lock();
      close(std::current_exception());
    }
    changed_.notify_all();
  }
}

// Does it without the lock, and counts it with.
void TreePipeline::do_job(Job job, std::unique_lock<std::mutex>& lock) {
  if (job == Job::copy) copying_ = true;
  TreeBatch& wanted = batch(job == Job::fill ? filled_ : job == Job::copy ? copied_ : replayed_);
  lock.unlock();
  check_cancelled(stop_);
  bool more = true;
  if (job == Job::fill) {
    wanted.clear();
    more = reader_.fill(wanted);
  } else {
    wanted.replay(job == Job::copy ? *beside_ : visitor_);
  }
  lock.lock();
  if (job == Job::fill) {
    ++filled_;
    last_ = !more;
  } else if (job == Job::copy) {
    ++copied_;
    copying_ = false;
  } else {
    ++replayed_;
  }
}

// The first error is the one that counts.
void TreePipeline::close(std::exception_ptr error) {
  closed_ = true;
  if (!error_) error_ = std::move(error);
}

}  // namespace cinch
