// Does the disk hold what the database says? If not, what can be done about it.
#include "canonical.hh"
#include "optimise/file_linker.hh"
#include "path_lock.hh"
#include "state.hh"
#include "verify/repair.hh"
#include "verify/verifier.hh"

#include <cinch/core/cancellation.hh>
#include <cinch/core/error.hh>

#include <algorithm>

namespace cinch {

VerifyReport LocalStore::verify(const VerifyOptions& options, const MaintenanceListener& listener,
                                std::stop_token stop) {
  if (options.forget_gone || options.repair) state_->check_writable();
  local::Verifications verifications(state_->own_database);
  const bool keeps_results = !state_->options.read_only;
  const local::VerifyPlace place{.objects = state_->objects(),
                                 .database = state_->database,
                                 .verifications = verifications,
                                 .keep_results = keeps_results};
  local::Verifier verifier(place, options, listener, stop);
  VerifyReport report = verifier.run();
  if (keeps_results && options.check_contents && !options.only) {
    StorePathSet valid;
    for (const PathInfo& info : verifier.infos()) valid.insert(valid.end(), info.path);
    verifications.keep_only(valid);
  }
  if (options.repair) state_->repair(report, options, verifier, stop);
  if (options.forget_gone) state_->forget_gone(report, stop);
  return report;
}

void LocalStore::State::repair(VerifyReport& report, const VerifyOptions& how,
                               local::Verifier& verifier, const std::stop_token& stop) {
  if (!report.damaged_links.empty()) {
    const Directory links = objects().open_directory(local::links_name);
    for (const std::string& name : report.damaged_links) (void)local::remove_link(links, name);
    report.links_removed = true;
  }
  const std::vector<PathInfo>& infos = verifier.infos();
  for (VerifyProblem& problem : report.problems) {
    check_cancelled(stop);
    const auto info = std::ranges::lower_bound(infos, problem.path, {}, &PathInfo::path);
    try {
      problem.solved = repair_object(*info, problem.kind, how.source, verifier, stop);
    } catch (const Error& error) {
      if (error.code() == Code::cancelled) throw;
      problem.message += "; it could not be repaired: ";
      problem.message += error.what();
    }
  }
}

// False if there is nothing that it could be repaired with.
bool LocalStore::State::repair_object(const PathInfo& info, VerifyProblemKind kind, Store* source,
                                      local::Verifier& verifier, const std::stop_token& stop) {
  if (kind != VerifyProblemKind::permissions && !source) return false;
  roots.add({&info.path, 1});
  const auto lock = local::lock_paths(objects(), {info.path}, stop, {});
  if (!find_one(info.path)) return true;  // collected since
  if (kind == VerifyProblemKind::permissions) {
    local::canonicalise_tree(objects(), info.path.base_name(), stop);
  } else {
    const WriteTreeOptions write = write_options();
    local::replace_object({.objects = objects(),
                           .store_dir = layout.store_dir,
                           .staging = staging,
                           .write_options = write},
                          info, *source, stop);
  }
  return !verifier.check_object(info);
}

// Takes from the database, referrers first, what is gone from disk and not needed.
void LocalStore::State::forget_gone(VerifyReport& report, const std::stop_token& stop) {
  StorePathSet gone;
  for (const VerifyProblem& problem : report.problems) {
    if (problem.kind == VerifyProblemKind::gone && !problem.solved) gone.insert(problem.path);
  }
  if (gone.empty()) return;
  roots.add(std::vector(gone.begin(), gone.end()));
  const auto lock = local::lock_paths(objects(), gone, stop, {});
  // Whoever had a lock before may have repaired its path.
  std::erase_if(
      gone, [&](const StorePath& path) { return objects().stat(path.base_name()).has_value(); });
  const local::StoreGraph graph(database.read_graph());
  std::vector<bool> chosen(graph.size());
  for (const StorePath& path : gone) {
    if (const auto node = graph.find(path.base_name())) chosen[*node] = true;
  }
  std::vector<std::int64_t> ids;
  for (const local::Node node : graph.referrers_first(chosen)) ids.push_back(graph.id(node));
  (void)database.invalidate(ids);
  const StorePathSet still_valid = database.find_valid(gone);
  for (VerifyProblem& problem : report.problems) {
    if (!gone.contains(problem.path)) continue;
    problem.solved = !still_valid.contains(problem.path);
    if (!problem.solved) problem.message += "; valid paths refer to it, so it cannot be forgotten";
  }
}

}  // namespace cinch
