#include "space_survey.hh"

#include "../optimise/file_linker.hh"
#include "../tree_walk.hh"

#include <cinch/core/cancellation.hh>
#include <cinch/core/error.hh>

#include <algorithm>
#include <bit>
#include <map>
#include <optional>
#include <utility>

namespace cinch::local {

namespace {

using Clock = std::chrono::steady_clock;

constexpr std::uint64_t files_at_least = 256;
constexpr std::uint64_t stat_block_bytes = 512;
// What an entry of a directory takes in a NAR, beside its contents, about.
constexpr std::uint64_t nar_entry_bytes = 224;

struct Extent {
  double files = 0;
  double bytes = 0;
  double nar_size = 0;
};

Extent scaled(const Extent& extent, double nar_size) {
  const bool known = extent.nar_size > 0 && nar_size > 0;
  const double scale = known ? nar_size / extent.nar_size : 1;
  return {.files = std::max(1.0, extent.files * scale),
          .bytes = extent.bytes * scale,
          .nar_size = nar_size};
}

// Numbers below `count`, each once: any front of them is spread over all.
std::vector<std::size_t> spread_order(std::size_t count) {
  std::vector<std::size_t> order;
  const int bits = std::bit_width(count);
  for (std::size_t number = 0; number < std::size_t{1} << bits; ++number) {
    std::size_t reversed = 0;
    for (int bit = 0; bit < bits; ++bit) {
      reversed |= (number >> bit & 1) << (bits - 1 - bit);
    }
    if (reversed < count) order.push_back(reversed);
  }
  return order;
}

class Surveyor {
 public:
  Surveyor(const Directory& objects, std::vector<SurveyedTree> trees,
           std::chrono::milliseconds time_max, const std::stop_token& stop)
      : objects_(objects),
        trees_(std::move(trees)),
        stop_(stop),
        end_(Clock::now() + time_max),
        names_in_links_(objects.stat(links_name) ? 1 : 0),
        seen_(trees_.size()) {}

  SpaceSurvey run();

 private:
  struct SharedFile {
    std::uint64_t bytes;
    std::uint64_t names;       // of which some are not in any of the trees
    std::uint64_t names_seen;  // in the trees
  };

  bool has_time(Clock::time_point end) const {
    return survey_.files_seen < files_at_least || Clock::now() < end;
  }
  void look_at(std::size_t index);
  void count(const struct stat& status, Extent& extent);
  void sum_exactly();
  void sum_with_estimates();

  const Directory& objects_;
  std::vector<SurveyedTree> trees_;
  const std::stop_token& stop_;
  const Clock::time_point end_;
  const std::uint64_t names_in_links_;
  std::vector<std::optional<Extent>> seen_;
  std::map<std::pair<dev_t, ino_t>, SharedFile> shared_;
  SpaceSurvey survey_;
};

SpaceSurvey Surveyor::run() {
  std::ranges::stable_sort(trees_, std::ranges::greater(), &SurveyedTree::nar_size);
  for (const std::size_t index : spread_order(trees_.size())) {
    check_cancelled(stop_);
    if (!has_time(end_)) {
      survey_.estimated = true;
      break;
    }
    look_at(index);
  }
  if (survey_.estimated) {
    sum_with_estimates();
  } else {
    sum_exactly();
  }
  return survey_;
}

// No tree may take more than half of the time that is left.
void Surveyor::look_at(std::size_t index) {
  const Clock::time_point now = Clock::now();
  const Clock::time_point end = now + std::max(end_ - now, Clock::duration::zero()) / 2;
  const SurveyedTree& tree = trees_[index];
  std::stop_source enough;
  Extent extent;
  try {
    walk_tree(
        objects_, tree.name,
        [&](const TreeEntry& entry) {
          count(entry.status, extent);
          if (stop_.stop_requested() || !has_time(end)) enough.request_stop();
        },
        enough.get_token());
    extent.nar_size = static_cast<double>(tree.nar_size);
  } catch (const Error& error) {
    check_cancelled(stop_);
    if (error.code() == Code::not_found) return void(seen_[index].emplace());
    survey_.estimated = true;
    // A part tells nothing of a whole whose size nobody knows; its neighbours tell more.
    if (tree.nar_size == 0 && index > 0) return;
    if (static_cast<double>(tree.nar_size) > extent.nar_size) {
      extent = scaled(extent, static_cast<double>(tree.nar_size));
    }
  }
  seen_[index] = extent;
}

void Surveyor::count(const struct stat& status, Extent& extent) {
  ++survey_.files_seen;
  const auto bytes = static_cast<std::uint64_t>(status.st_blocks) * stat_block_bytes;
  const std::uint64_t names = std::max<std::uint64_t>(status.st_nlink, names_in_links_ + 1);
  std::uint64_t sharers = 1;
  if (!S_ISDIR(status.st_mode) && names > names_in_links_ + 1) {
    sharers = names - names_in_links_;
    const SharedFile first{.bytes = bytes, .names = sharers, .names_seen = 0};
    SharedFile& file = shared_.try_emplace({status.st_dev, status.st_ino}, first).first->second;
    ++file.names_seen;
  }
  extent.files += 1;
  extent.bytes += static_cast<double>(bytes) / static_cast<double>(sharers);
  extent.nar_size += static_cast<double>(nar_entry_bytes);
  if (!S_ISDIR(status.st_mode)) extent.nar_size += static_cast<double>(status.st_size);
}

// Of files that are shared, only those give anything free of which all names go.
void Surveyor::sum_exactly() {
  survey_.files = survey_.files_seen;
  double bytes = 0;
  for (const std::optional<Extent>& extent : seen_) bytes += extent->bytes;
  for (const auto& [inode, file] : shared_) {
    const double share = static_cast<double>(file.bytes) / static_cast<double>(file.names);
    bytes -= share * static_cast<double>(file.names_seen);
    if (file.names_seen >= file.names) bytes += static_cast<double>(file.bytes);
  }
  survey_.bytes = static_cast<std::uint64_t>(bytes + 0.5);
}

// The first one, at least, was seen, and is the largest.
void Surveyor::sum_with_estimates() {
  Extent total;
  Extent nearest;
  for (std::size_t index = 0; index < trees_.size(); ++index) {
    if (seen_[index]) nearest = *seen_[index];
    const Extent extent =
        seen_[index] ? nearest : scaled(nearest, static_cast<double>(trees_[index].nar_size));
    total.files += extent.files;
    total.bytes += extent.bytes;
  }
  survey_.files = static_cast<std::uint64_t>(total.files + 0.5);
  survey_.bytes = static_cast<std::uint64_t>(total.bytes + 0.5);
}

}  // namespace

SpaceSurvey survey_space(const Directory& objects, std::vector<SurveyedTree> trees,
                         std::chrono::milliseconds time_max, const std::stop_token& stop) {
  return Surveyor(objects, std::move(trees), time_max, stop).run();
}

}  // namespace cinch::local
