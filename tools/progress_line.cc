#include "progress_line.hh"

#include "console.hh"
#include "terminal_text.hh"

#include <cinch/core/closure.hh>

#include <utility>

namespace cinch::cli {

namespace {

constexpr std::chrono::milliseconds show_interval{100};

std::string compact_size(std::uint64_t bytes) { return size_in_words(bytes, "B"); }

// "12/345", or "12" where the end is not known.
std::string part_of(const std::string& done, const std::string& expected) {
  return expected.empty() ? done : done + "/" + expected;
}

// "0:07", "3:25:09".
std::string clock_text(std::uint64_t seconds) {
  const auto two_digits = [](std::uint64_t number) {
    return (number < 10 ? "0" : "") + std::to_string(number);
  };
  const std::uint64_t minutes = seconds / 60;
  const std::string end = ":" + two_digits(seconds % 60);
  if (minutes < 60) return std::to_string(minutes) + end;
  return std::to_string(minutes / 60) + ":" + two_digits(minutes % 60) + end;
}

}  // namespace

Progress shown(const CopyProgress& progress) {
  return {.items_done = progress.paths_done,
          .items_expected = progress.paths_expected,
          .bytes_done = progress.bytes_done,
          .bytes_expected = progress.bytes_expected};
}

std::string progress_text(std::string_view doing, std::string_view items, const Progress& progress,
                          std::chrono::milliseconds elapsed) {
  std::string text(doing);
  const char* separator = ": ";
  const auto add = [&](const std::string& part) { text += std::exchange(separator, ", ") + part; };
  if (progress.items_done > 0 || progress.items_expected > 0) {
    const std::string expected =
        progress.items_expected > 0 ? std::to_string(progress.items_expected) : "";
    add(part_of(std::to_string(progress.items_done), expected) + " " + std::string(items));
  }
  if (progress.bytes_done > 0 || progress.bytes_expected > 0) {
    add(part_of(compact_size(progress.bytes_done),
                progress.bytes_expected > 0 ? compact_size(progress.bytes_expected) : ""));
  }
  const bool by_bytes =
      progress.bytes_expected > 0 || (progress.bytes_done > 0 && progress.items_expected == 0);
  const std::uint64_t done = by_bytes ? progress.bytes_done : progress.items_done;
  const std::uint64_t expected = by_bytes ? progress.bytes_expected : progress.items_expected;
  const double seconds = static_cast<double>(elapsed.count()) / 1000;
  if (done == 0 || seconds <= 0) return text;
  const double rate = static_cast<double>(done) / seconds;
  const auto whole_rate = static_cast<std::uint64_t>(rate);
  add((by_bytes ? compact_size(whole_rate) : std::to_string(whole_rate)) + "/s");
  if (expected > done) {
    add(clock_text(static_cast<std::uint64_t>(static_cast<double>(expected - done) / rate)) +
        " left");
  }
  return text;
}

ProgressLine::ProgressLine(Console& console, Labels labels)
    : console_(console),
      labels_(std::move(labels)),
      activity_(console.begin_activity(static_cast<int>(labels_.activity), labels_.doing)),
      started_(Clock::now()),
      next_show_(started_ + quiet_time) {}

ProgressLine::~ProgressLine() {
  console_.show_line({});
  console_.end_activity(activity_);
}

void ProgressLine::update(const Progress& progress) {
  const std::lock_guard lock(mutex_);
  progress_ = progress;
  show(Clock::now());
}

void ProgressLine::add(const Progress& difference) {
  const std::lock_guard lock(mutex_);
  progress_.items_done += difference.items_done;
  progress_.items_expected += difference.items_expected;
  progress_.bytes_done += difference.bytes_done;
  progress_.bytes_expected += difference.bytes_expected;
  show(Clock::now());
}

void ProgressLine::show(Clock::time_point now) {
  if (now < next_show_) return;
  next_show_ = now + show_interval;
  const auto elapsed = std::chrono::duration_cast<std::chrono::milliseconds>(now - started_);
  console_.show_line(progress_text(labels_.doing, labels_.items, progress_, elapsed));
  console_.progress_activity(activity_, progress_.items_done, progress_.items_expected);
}

}  // namespace cinch::cli
