// How far a long operation is, on one line of the terminal that is redrawn in place: how much of
// how much, how fast, how long still.
#pragma once

#include <chrono>
#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>

namespace cinch {
struct CopyProgress;
}

namespace cinch::cli {

class Console;

// What is done of what is expected. Where nothing is expected, the end is not known; where neither
// number is set, there is nothing of that kind.
struct Progress {
  std::uint64_t items_done = 0;
  std::uint64_t items_expected = 0;
  std::uint64_t bytes_done = 0;
  std::uint64_t bytes_expected = 0;
};

Progress shown(const CopyProgress& progress);

// "copying: 12/345 paths, 1.2G/3.4G, 56.0M/s, 0:12 left". The rate and the time that is left go by
// the bytes where these are expected, else by the items where those are.
std::string progress_text(std::string_view doing, std::string_view items, const Progress& progress,
                          std::chrono::milliseconds elapsed);

// Numbers of activities in Nix's internal-json log format.
enum class Activity : int { other = 0, copy_paths = 103, optimise_store = 106, verify_paths = 107 };

// From its construction to its destruction the console shows the operation: on terminals with the
// log format `bar`, unless --quiet was given, and not before it has taken half a second; as an
// activity with the log format `internal-json`. Safe for several threads at once; update() is cheap
// enough to be called for every buffer.
class ProgressLine {
 public:
  struct Labels {
    std::string doing;            // "copying"
    std::string items = "paths";  // what is counted
    Activity activity = Activity::other;
  };

  // What is over sooner needs no line.
  static constexpr std::chrono::milliseconds quiet_time{500};

  // The console must outlive it. One at a time for each console.
  ProgressLine(Console& console, Labels labels);
  ProgressLine(const ProgressLine&) = delete;
  ProgressLine& operator=(const ProgressLine&) = delete;
  ~ProgressLine();

  void update(const Progress& progress);
  // Changes single numbers of what update() was last told; any of them may be 0.
  void add(const Progress& difference);

 private:
  using Clock = std::chrono::steady_clock;
  void show(Clock::time_point now);

  Console& console_;
  const Labels labels_;
  const std::uint64_t activity_;  // in internal-json; 0: none
  const Clock::time_point started_;
  std::mutex mutex_;
  Progress progress_;
  Clock::time_point next_show_;
};

}  // namespace cinch::cli
