#include "catch.hh"

#include <cinch/core/error.hh>
#include <cinch/files/parallel.hh>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <functional>
#include <stdexcept>
#include <thread>
#include <vector>

using namespace cinch;

namespace {

// How many threads do `count` pieces of such work. Without a lock, which they would wait for.
std::size_t threads_for(std::size_t count, const PiecesOptions& options,
                        const std::function<void()>& work) {
  static int runs = 0;
  const int run = ++runs;
  std::atomic<std::size_t> threads{0};
  run_parallel_pieces(count, options, [&](std::size_t, std::size_t) {
    thread_local int seen_in = 0;
    if (seen_in != run) ++threads;
    seen_in = run;
    work();
  });
  return threads;
}

}  // namespace

TEST_CASE("each piece of work is done once") {
  constexpr std::size_t count = 1000;
  for (const unsigned threads : {1U, 2U, 64U}) {
    std::vector<std::atomic<int>> calls(count);
    run_parallel(count, threads, [&](std::size_t at) { ++calls[at]; });
    for (const std::atomic<int>& times : calls) REQUIRE(times == 1);
  }
  run_parallel(0, 4, [](std::size_t) { FAIL("there is nothing to do"); });
}

TEST_CASE("pieces make up the whole") {
  for (const std::size_t count : {0U, 1U, 9U, 10U, 11U, 1000U}) {
    std::vector<std::atomic<int>> calls(count);
    run_parallel_pieces(count, {.piece_max = 10, .threads_max = 4},
                        [&](std::size_t begin, std::size_t end) {
                          if (end - begin > 10) throw std::runtime_error("too large a piece");
                          for (std::size_t at = begin; at < end; ++at) ++calls.at(at);
                        });
    for (const std::atomic<int>& times : calls) REQUIRE(times == 1);
  }
}

TEST_CASE("a failure ends the work and reaches the caller") {
  std::atomic<std::size_t> calls{0};
  constexpr std::size_t count = 1'000'000;
  const auto fail = [&](std::size_t at) {
    ++calls;
    if (at == 3) throw std::runtime_error("the fourth");
  };
  REQUIRE_THROWS_WITH(run_parallel(count, 4, fail), "the fourth");
  CHECK(calls < count);
}

TEST_CASE("threads that wait are joined by others, threads that compute are not") {
  using namespace std::chrono;
  const unsigned processors = std::max(1U, std::thread::hardware_concurrency());
  const unsigned more = 2 * processors;
  const PiecesOptions may_wait = {.piece_max = 1, .threads_max = more, .wait_for_disk = true};
  const auto wait = [] { std::this_thread::sleep_for(milliseconds(3)); };
  const auto compute = [] {
    const auto until = steady_clock::now() + milliseconds(3);
    while (steady_clock::now() < until) continue;
  };
  constexpr std::size_t pieces_each = 20;

  CHECK(threads_for(pieces_each * more, may_wait, wait) == more);
  CHECK(threads_for(pieces_each * more, may_wait, compute) <= processors);
  CHECK(threads_for(pieces_each * more, {.piece_max = 1, .threads_max = more}, wait) <= processors);
}
