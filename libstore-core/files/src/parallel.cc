#include <cinch/files/parallel.hh>

#include <algorithm>
#include <atomic>
#include <exception>
#include <mutex>
#include <thread>
#include <vector>

namespace cinch {

namespace {

void run_in_threads(std::size_t count, unsigned threads,
                    const std::function<void(std::size_t)>& work) {
  std::atomic<std::size_t> next{0};
  std::mutex mutex;
  std::exception_ptr failure;
  const auto take_turns = [&] {
    for (std::size_t at = next++; at < count; at = next++) {
      try {
        work(at);
      } catch (...) {
        next = count;
        const std::lock_guard lock(mutex);
        if (!failure) failure = std::current_exception();
      }
    }
  };
  const std::size_t together = std::min<std::size_t>(count, threads);
  {
    std::vector<std::jthread> others;
    for (std::size_t i = 1; i < together; ++i) others.emplace_back(take_turns);
    take_turns();
  }
  if (failure) std::rethrow_exception(failure);
}

// To ask how many there are, a file of the system is read.
unsigned at_most_processors(std::size_t count, unsigned threads) {
  if (count <= 1) return 1;
  return std::min(threads, std::max(1U, std::thread::hardware_concurrency()));
}

}  // namespace

void run_parallel(std::size_t count, unsigned threads_max,
                  const std::function<void(std::size_t)>& work) {
  run_in_threads(count, at_most_processors(count, threads_max), work);
}

void run_parallel_pieces(std::size_t count, const PiecesOptions& options,
                         const std::function<void(std::size_t begin, std::size_t end)>& work) {
  const std::size_t piece_max = options.piece_max;
  const std::size_t pieces = (count + piece_max - 1) / piece_max;
  const unsigned threads =
      options.wait_for_disk ? options.threads_max : at_most_processors(pieces, options.threads_max);
  run_in_threads(pieces, threads, [&](std::size_t piece) {
    const std::size_t begin = piece * piece_max;
    work(begin, std::min(count, begin + piece_max));
  });
}

}  // namespace cinch
