#include "tree_count.hh"

#include "console.hh"

#include <condition_variable>
#include <filesystem>
#include <mutex>
#include <optional>
#include <stop_token>
#include <system_error>

namespace cinch::cli {

namespace {

namespace fs = std::filesystem;

// What an entry takes in a NAR, beside its contents, about.
constexpr std::uint64_t nar_entry_bytes = 224;

std::uint64_t bytes_of(const fs::directory_entry& entry) {
  std::error_code none;
  if (fs::is_symlink(entry.symlink_status(none)) || !entry.is_regular_file(none)) {
    return nar_entry_bytes;
  }
  const std::uintmax_t size = entry.file_size(none);
  return none ? nar_entry_bytes : nar_entry_bytes + size;
}

// As progress counts them: bytes of the whole tree, and items below it.
std::optional<Progress> count_tree(const std::string& file, const std::stop_token& stop) {
  std::error_code failed;
  const fs::directory_entry top(file, failed);
  Progress count;
  count.bytes_expected = bytes_of(top);
  if (!fs::is_directory(top.symlink_status(failed))) return count;
  fs::recursive_directory_iterator entries(top, failed);
  for (; !failed && entries != fs::recursive_directory_iterator(); entries.increment(failed)) {
    if (stop.stop_requested()) return std::nullopt;
    ++count.items_expected;
    count.bytes_expected += bytes_of(*entries);
  }
  return failed ? std::nullopt : std::optional(count);
}

// False if there was a request to stop meanwhile.
bool wait(std::chrono::milliseconds duration, const std::stop_token& stop) {
  std::mutex mutex;
  std::condition_variable_any never;
  std::unique_lock lock(mutex);
  never.wait_for(lock, stop, duration, [] { return false; });
  return !stop.stop_requested();
}

}  // namespace

TreeCount::TreeCount(const Console& console, ProgressLine& line, const std::string& file) {
  if (!console.shows_progress()) return;
  thread_ = std::jthread([&line, file](const std::stop_token& stop) {
    if (!wait(ProgressLine::quiet_time, stop)) return;
    if (const auto count = count_tree(file, stop)) line.add(*count);
  });
}

}  // namespace cinch::cli
