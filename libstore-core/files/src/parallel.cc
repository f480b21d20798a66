#include "attendance.hh"

#include <cinch/files/parallel.hh>

#include <algorithm>
#include <atomic>
#include <exception>
#include <mutex>
#include <optional>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

namespace cinch {

namespace {

// Threads that do one piece of work after the other. As long as they wait, others join them, until
// there are `threads_max`.
class Crew {
 public:
  Crew(std::size_t count, unsigned threads_max, const std::function<void(std::size_t)>& work)
      : count_(count), threads_max_(threads_max), work_(work) {}

  void run(unsigned threads) {
    may_grow_ = threads < threads_max_;
    const std::size_t together = std::min<std::size_t>(count_, threads);
    for (std::size_t i = 1; i < together; ++i) add_thread();
    take_turns();
    join_all();
    if (failure_) std::rethrow_exception(failure_);
  }

 private:
  void add_thread() {
    const std::lock_guard lock(mutex_);
    if (next_ >= count_ || threads_ >= threads_max_) return;
    try {
      others_.emplace_back([this] { take_turns(); });
    } catch (const std::system_error&) {
      return;  // those that are there do it all
    }
    ++threads_;
  }

  void take_turns() {
    std::optional<Attendance> attendance;
    if (may_grow_) attendance.emplace();
    for (std::size_t at = next_++; at < count_; at = next_++) {
      try {
        work_(at);
      } catch (...) {
        next_ = count_;
        const std::lock_guard lock(mutex_);
        if (!failure_) failure_ = std::current_exception();
      }
      if (attendance && attendance->is_waiting()) add_thread();
    }
  }

  // One of them may have added another meanwhile.
  void join_all() {
    for (;;) {
      std::jthread other;
      {
        const std::lock_guard lock(mutex_);
        if (others_.empty()) return;
        other = std::move(others_.back());
        others_.pop_back();
      }
    }
  }

  const std::size_t count_;
  const unsigned threads_max_;
  const std::function<void(std::size_t)>& work_;
  std::atomic<std::size_t> next_{0};
  std::mutex mutex_;
  bool may_grow_ = false;
  unsigned threads_ = 1;
  std::exception_ptr failure_;
  std::vector<std::jthread> others_;  // which use all of the above
};

// To ask how many there are, a file of the system is read.
unsigned at_most_processors(std::size_t count, unsigned threads) {
  if (count <= 1) return 1;
  return std::min(threads, std::max(1U, std::thread::hardware_concurrency()));
}

}  // namespace

void run_parallel(std::size_t count, unsigned threads_max,
                  const std::function<void(std::size_t)>& work) {
  const unsigned threads = at_most_processors(count, threads_max);
  Crew(count, threads, work).run(threads);
}

void run_parallel_pieces(std::size_t count, const PiecesOptions& options,
                         const std::function<void(std::size_t begin, std::size_t end)>& work) {
  const std::size_t piece_max = options.piece_max;
  const std::size_t pieces = (count + piece_max - 1) / piece_max;
  const unsigned threads = at_most_processors(pieces, options.threads_max);
  const unsigned threads_max = options.wait_for_disk ? options.threads_max : threads;
  const std::function<void(std::size_t)> do_piece = [&](std::size_t piece) {
    const std::size_t begin = piece * piece_max;
    work(begin, std::min(count, begin + piece_max));
  };
  Crew(pieces, threads_max, do_piece).run(threads);
}

}  // namespace cinch
