#include "verifier.hh"

#include "../canonical.hh"
#include "../object_hash.hh"
#include "../optimise/file_linker.hh"

#include <cinch/core/cancellation.hh>
#include <cinch/core/error.hh>
#include <cinch/files/parallel.hh>

#include <algorithm>
#include <ctime>
#include <utility>

namespace cinch::local {

namespace {

// Results are kept as they come, so that whoever is interrupted goes on where they were.
constexpr std::size_t records_max = 512;

std::string describe(const Hash& hash, std::uint64_t size_bytes) {
  return hash.to_string(HashFormat::nix32) + " (" + std::to_string(size_bytes) + " bytes)";
}

VerificationResult result_of(const std::optional<VerifyProblem>& problem) {
  if (!problem) return VerificationResult::intact;
  switch (problem->kind) {
    case VerifyProblemKind::gone:
      return VerificationResult::gone;
    case VerifyProblemKind::unreadable:
      return VerificationResult::unreadable;
    case VerifyProblemKind::changed:
    case VerifyProblemKind::permissions:
      break;
  }
  return VerificationResult::changed;
}

}  // namespace

Verifier::Verifier(const VerifyPlace& place, const VerifyOptions& options,
                   const MaintenanceListener& listener, std::stop_token stop)
    : place_(place),
      options_(options),
      listener_(listener),
      stop_(std::move(stop)),
      limiter_(options.bytes_per_second_max) {
  find_infos();
}

void Verifier::find_infos() {
  const StorePathSet paths = options_.only ? *options_.only : place_.database.all_valid_paths();
  const std::vector<StorePath> list(paths.begin(), paths.end());
  std::vector<std::optional<PathInfo>> found = place_.database.find(list);
  for (std::size_t i = 0; i < list.size(); ++i) {
    if (found[i]) {
      infos_.push_back(*std::move(found[i]));
    } else if (options_.only) {
      throw Error(Code::not_found, "the path is not valid").about(list[i].base_name());
    }
  }
}

VerifyReport Verifier::run() {
  check_present();
  if (!options_.only) check_references();
  if (options_.check_contents) {
    if (options_.intact_since) known_ = place_.verifications.all();
    try {
      check_contents();
    } catch (...) {
      flush_records();
      throw;
    }
    flush_records();
    // A scrub that goes on from an earlier one leaves links alone: nothing is lost, as a link is
    // compared with the first file that is to become one.
    if (!options_.only && !options_.intact_since) check_links();
  }
  // What has been collected since is no problem.
  std::erase_if(report_.problems, [&](const VerifyProblem& problem) {
    return place_.database.find_valid({problem.path}).empty();
  });
  std::ranges::sort(report_.problems, {}, &VerifyProblem::path);
  return std::move(report_);
}

void Verifier::check_present() {
  std::vector<std::string> present;
  if (!options_.only) {
    for (DirectoryEntry& entry : place_.objects.list()) present.push_back(std::move(entry.name));
    find_unregistered(present);
  }
  for (const PathInfo& info : infos_) {
    // What was added after the directory was read is there all the same.
    if (std::ranges::binary_search(present, info.path.base_name()) ||
        place_.objects.stat(info.path.base_name())) {
      readable_.push_back(&info);
      progress_.bytes_expected += info.nar_size;
      continue;
    }
    report_.problems.push_back({.path = info.path,
                                .kind = VerifyProblemKind::gone,
                                .message = "the object is gone, although its path is valid"});
  }
  progress_.paths_expected = readable_.size();
  if (!options_.check_contents) report_.paths_checked = infos_.size();
}

void Verifier::check_references() try {
  const StoreGraph graph(place_.database.read_graph());
  const std::vector<Node> cyclic = graph.on_cycles(std::vector<bool>(graph.size(), true));
  if (cyclic.empty()) return;
  std::string names;
  for (const Node node : cyclic) {
    names += (names.empty() ? "'" : ", '") + graph.base_name(node) + "'";
  }
  report_.messages.push_back("the references of " + names +
                             " form a cycle: what needs them cannot be copied, and they are never "
                             "collected; 'cinch store delete' deletes them together");
  report_.other_problems = true;
} catch (const Error& error) {
  if (error.code() != Code::corrupt) throw;
  // The objects can be looked at all the same.
  report_.messages.push_back(std::string(error.what()) +
                             (error.hint().empty() ? "" : "; " + error.hint()));
  report_.other_problems = true;
}

void Verifier::find_unregistered(std::span<const std::string> present) {
  for (const std::string& name : present) {
    if (name == links_name) continue;
    const auto info = std::ranges::lower_bound(
        infos_, name, {}, [](const PathInfo& one) { return one.path.base_name(); });
    if (info == infos_.end() || info->path.base_name() != name)
      report_.unregistered.push_back(name);
  }
}

void Verifier::check_contents() {
  std::erase_if(readable_, [&](const PathInfo* info) {
    if (!was_intact_lately(*info)) return false;
    progress_.bytes_done += info->nar_size;
    ++report_.paths_skipped;
    return true;
  });
  progress_.paths_done = report_.paths_skipped;
  // The largest first: the last ones should end at about the same time.
  std::ranges::stable_sort(readable_, std::ranges::greater(), &PathInfo::nar_size);
  run_parallel(readable_.size(), hash_threads_max,
               [&](std::size_t at) { check_one(*readable_[at]); });
}

bool Verifier::was_intact_lately(const PathInfo& info) const {
  if (!options_.intact_since) return false;
  const auto known = known_.find(info.path);
  return known != known_.end() && known->second.result == VerificationResult::intact &&
         known->second.nar_hash == info.nar_hash && known->second.time >= *options_.intact_since;
}

void Verifier::check_one(const PathInfo& info) {
  check_cancelled(stop_);
  std::optional<VerifyProblem> problem = check_object(info);
  record(info, result_of(problem));
  const std::lock_guard lock(mutex_);
  ++report_.paths_checked;
  ++progress_.paths_done;
  if (problem) report_.problems.push_back(*std::move(problem));
  tell();
}

std::optional<VerifyProblem> Verifier::check_object(const PathInfo& info) {
  const auto problem = [&](VerifyProblemKind kind, std::string message) {
    return VerifyProblem{.path = info.path, .kind = kind, .message = std::move(message)};
  };
  const std::string& name = info.path.base_name();
  try {
    const NarDigest found = hash_tree(place_.objects, name,
                                      {.stop = stop_,
                                       .watch = [&](std::uint64_t bytes) { count_bytes(bytes); },
                                       .one_of_several = is_one_of_several(readable_.size())});
    // Very old entries have no size.
    if (found.hash != info.nar_hash || (info.nar_size != 0 && found.size_bytes != info.nar_size)) {
      return problem(VerifyProblemKind::changed,
                     "the contents have changed: the hash of the NAR is " +
                         describe(found.hash, found.size_bytes) + ", and should be " +
                         describe(info.nar_hash, info.nar_size));
    }
    if (auto wrong = find_wrong_mode(place_.objects, name, stop_)) {
      return problem(VerifyProblemKind::permissions, *std::move(wrong));
    }
    return std::nullopt;
  } catch (const Error& error) {
    if (error.code() == Code::cancelled) throw;
    return problem(VerifyProblemKind::unreadable, error.what());
  }
}

void Verifier::check_links() {
  if (!place_.objects.stat(links_name)) return;
  const Directory links = place_.objects.open_directory(links_name);
  const std::vector<DirectoryEntry> entries = links.list();
  constexpr PiecesOptions pieces = {.piece_max = 64, .threads_max = hash_threads_max};
  run_parallel_pieces(entries.size(), pieces, [&](std::size_t begin, std::size_t end) {
    std::vector<std::byte> buffer(stream_buffer_bytes);
    for (std::size_t at = begin; at < end; ++at) {
      const std::optional<struct stat> status = links.stat(entries[at].name);
      // Those that no object uses go with the next collection.
      if (!status || status->st_nlink == 1) continue;
      limiter_.take(static_cast<std::uint64_t>(status->st_size), stop_);
      const auto name = name_in_links(links, entries[at].name, buffer, stop_);
      if (name == entries[at].name) continue;
      const std::lock_guard lock(mutex_);
      report_.damaged_links.push_back(entries[at].name);
    }
  });
  std::ranges::sort(report_.damaged_links);
}

void Verifier::record(const PathInfo& info, VerificationResult result) {
  if (!place_.keep_results) return;
  std::vector<Verification> full;
  {
    const std::lock_guard lock(mutex_);
    records_.push_back({.path = info.path,
                        .nar_hash = info.nar_hash,
                        .time = std::time(nullptr),
                        .result = result});
    if (records_.size() < records_max) return;
    full = std::exchange(records_, {});
  }
  place_.verifications.record(full);
}

void Verifier::flush_records() {
  const std::vector<Verification> rest = std::exchange(records_, {});
  if (!rest.empty()) place_.verifications.record(rest);
}

void Verifier::count_bytes(std::uint64_t bytes) {
  limiter_.take(bytes, stop_);
  const std::lock_guard lock(mutex_);
  progress_.bytes_done += bytes;
  tell();
}

// REQUIRES: mutex_ is held.
void Verifier::tell() {
  if (listener_) listener_(progress_);
}

}  // namespace cinch::local
