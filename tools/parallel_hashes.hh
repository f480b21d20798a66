// The hashes of several files or trees, each computed by one thread, as many at once as there are
// processors.
#pragma once

#include <cinch/core/content_address.hh>
#include <cinch/core/hash.hh>

#include <condition_variable>
#include <exception>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

namespace cinch::cli {

class ParallelHashes {
 public:
  // Starts at once.
  ParallelHashes(std::vector<std::string> files, ContentAddressMethod method,
                 HashAlgorithm algorithm);
  // Waits for those that have been started, and starts no more.
  ~ParallelHashes();

  // Waits for one. Throws what its computation threw.
  Hash at(std::size_t index);

 private:
  struct Result {
    std::optional<Hash> hash;
    std::exception_ptr error;
  };

  void work();
  std::optional<std::size_t> take();

  const std::vector<std::string> files_;
  const ContentAddressMethod method_;
  const HashAlgorithm algorithm_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::size_t next_ = 0;  // the first that nobody has taken
  std::vector<Result> results_;
  std::vector<std::jthread> threads_;
};

}  // namespace cinch::cli
