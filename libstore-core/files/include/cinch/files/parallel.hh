// One piece of work on many things, by several threads.
#pragma once

#include <cinch/core/export.hh>

#include <cstddef>
#include <functional>

namespace cinch {

// Calls work(0) to work(count - 1) from as many threads as there are processors, but no more than
// `threads_max`; the calling thread is one of them. Returns when all calls have. After one has
// thrown, no further call begins, and the first exception is rethrown.
CINCH_FILES_API void run_parallel(std::size_t count, unsigned threads_max,
                                  const std::function<void(std::size_t)>& work);

struct PiecesOptions {
  std::size_t piece_max;  // how many things a thread takes at a time
  unsigned threads_max;
  // They may have to wait for a disk: then there may be more threads than processors.
  bool wait_for_disk = false;
};

// The same for things too small to be taken one by one: calls work(begin, end) for pieces that make
// up the whole of `count`.
CINCH_FILES_API void run_parallel_pieces(
    std::size_t count, const PiecesOptions& options,
    const std::function<void(std::size_t begin, std::size_t end)>& work);

}  // namespace cinch
