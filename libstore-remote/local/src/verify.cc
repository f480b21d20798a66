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
#include <map>
#include <utility>
#include <vector>

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
  // As in Nix, what nothing needs is forgotten rather than built.
  if (options.repair && options.builder) state_->build_again(report, options, verifier, stop);
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

void LocalStore::State::build_again(VerifyReport& report, const VerifyOptions& how,
                                    local::Verifier& verifier, const std::stop_token& stop) {
  std::map<StorePath, std::vector<VerifyProblem*>> problems_of;  // by derivation
  for (VerifyProblem& problem : report.problems) {
    if (problem.solved || problem.kind == VerifyProblemKind::permissions) continue;
    if (std::optional<StorePath> maker = find_maker(problem.path)) {
      problems_of[*std::move(maker)].push_back(&problem);
    } else {
      problem.message +=
          "; it cannot be built again, as no valid derivation is known that makes it";
    }
  }
  if (problems_of.empty()) return;
  std::vector<DerivingPath> wanted;
  for (const auto& [maker, problems] : problems_of) {
    wanted.emplace_back(BuiltPath{maker, AllOutputs{}});
  }
  const std::vector<BuildResult> results = how.builder->realise(
      wanted, {.mode = BuildMode::repair, .keep_going = true}, *how.events, stop);
  for (std::size_t at = 0; at < results.size(); ++at) {
    const StorePath& maker = std::get<BuiltPath>(wanted[at]).derivation;
    for (VerifyProblem* problem : problems_of.at(maker)) {
      // It may have been built, and something else that its closure needs not.
      const std::optional<PathInfo> info = find_one(problem->path);
      problem->solved = !info || !verifier.check_object(*info);
      if (problem->solved || results[at].succeeded()) continue;
      problem->message += "; it could not be built again: " + results[at].error_message;
    }
  }
}

// A valid derivation that has the path as an output, the registered deriver if it is one.
std::optional<StorePath> LocalStore::State::find_maker(const StorePath& path) {
  const StorePathSet makers = std::move(database.find_derivers({&path, 1}).front());
  if (makers.empty()) return std::nullopt;
  const std::optional<PathInfo> info = find_one(path);
  if (info && info->deriver && makers.contains(*info->deriver)) return info->deriver;
  return *makers.begin();
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
