#include "catch.hh"

#include <cinch/core/error.hh>
#include <cinch/files/parallel.hh>

#include <atomic>
#include <stdexcept>
#include <vector>

using namespace cinch;

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
