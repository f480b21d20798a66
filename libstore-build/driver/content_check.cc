#include "content_check.hh"

#include <cinch/core/maintenance.hh>

#include <utility>

namespace cinch {

namespace {

struct Findings {
  std::map<StorePath, std::string> damage;
  StorePathSet wrong_permissions;
};

Findings verify(Store& store, const StorePathSet& valid, const std::stop_token& stop) {
  Findings findings;
  if (valid.empty()) return findings;
  auto& keeper = require_capability<MaintenanceStore>(store, "verify objects");
  VerifyReport report = keeper.verify({.only = valid, .check_contents = true}, {}, stop);
  for (VerifyProblem& problem : report.problems) {
    if (problem.kind == VerifyProblemKind::permissions) {
      findings.wrong_permissions.insert(std::move(problem.path));
    } else {
      findings.damage.emplace(std::move(problem.path), std::move(problem.message));
    }
  }
  return findings;
}

void set_permissions(Store& store, const StorePathSet& paths, const std::stop_token& stop) {
  auto& keeper = require_capability<MaintenanceStore>(store, "set permissions");
  (void)keeper.verify({.only = paths, .check_contents = true, .repair = true}, {}, stop);
}

}  // namespace

std::map<StorePath, std::string> find_damage(Store& store, const StorePathSet& valid,
                                             const std::stop_token& stop) {
  return verify(store, valid, stop).damage;
}

StorePathSet ContentCheck::find_bad(const StorePathSet& paths, const std::stop_token& stop) {
  StorePathSet bad;
  StorePathSet unknown;
  for (const StorePath& path : paths) {
    if (damaged_.contains(path)) {
      bad.insert(path);
    } else if (!intact_.contains(path)) {
      unknown.insert(unknown.end(), path);
    }
  }
  store_.add_temporary_roots(std::vector(unknown.begin(), unknown.end()));
  const StorePathSet valid = store_.find_valid(unknown);
  const Findings findings = verify(store_, valid, stop);
  if (!findings.wrong_permissions.empty()) {
    set_permissions(store_, findings.wrong_permissions, stop);
  }
  for (const auto& [path, damage] : findings.damage) {
    damaged_.insert(path);
    events_.emit(MessageEvent{Verbosity::warn,
                              "'" + store_.store_dir().print(path) + "' is damaged: " + damage});
  }
  for (const StorePath& path : unknown) {
    if (damaged_.contains(path) || !valid.contains(path)) {
      bad.insert(path);
    } else {
      intact_.insert(path);
    }
  }
  return bad;
}

void ContentCheck::mark_intact(const StorePath& path) {
  damaged_.erase(path);
  intact_.insert(path);
}

}  // namespace cinch
