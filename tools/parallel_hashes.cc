#include "parallel_hashes.hh"

#include "file_content.hh"

#include <algorithm>

namespace cinch::cli {

ParallelHashes::ParallelHashes(std::vector<std::string> files, ContentAddressMethod method,
                               HashAlgorithm algorithm)
    : files_(std::move(files)), method_(method), algorithm_(algorithm), results_(files_.size()) {
  const std::size_t processors = std::max(1U, std::thread::hardware_concurrency());
  for (std::size_t count = std::min(processors, files_.size()); count > 0; --count) {
    threads_.emplace_back([this] { work(); });
  }
}

ParallelHashes::~ParallelHashes() {
  const std::lock_guard lock(mutex_);
  next_ = files_.size();
}

Hash ParallelHashes::at(std::size_t index) {
  std::unique_lock lock(mutex_);
  const Result& result = results_[index];
  changed_.wait(lock, [&] { return result.hash || result.error; });
  if (result.error) std::rethrow_exception(result.error);
  return *result.hash;
}

std::optional<std::size_t> ParallelHashes::take() {
  const std::lock_guard lock(mutex_);
  if (next_ == files_.size()) return std::nullopt;
  return next_++;
}

void ParallelHashes::work() {
  while (const std::optional<std::size_t> index = take()) {
    Result result;
    try {
      result.hash = hash_content(files_[*index], method_, algorithm_);
    } catch (...) {  // rethrown by at()
      result.error = std::current_exception();
    }
    const std::lock_guard lock(mutex_);
    results_[*index] = std::move(result);
    changed_.notify_all();
  }
}

}  // namespace cinch::cli
