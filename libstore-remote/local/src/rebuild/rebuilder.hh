// Decides what a new database should hold.
//
// Invariants:
// - a row that can be read is kept as it is, also if the object is not what it says: verify and
//   repair need to know what the object should be; unless the object proves to be right itself.
// - a path without a row becomes valid if its object proves itself, or if nothing speaks against it
//   (see RebuildOptions::unfinished) and all that it mentions is valid, too.
// - nothing is removed from the store directory.
#pragma once

#include "../derivation_check.hh"
#include "damaged_database.hh"
#include "new_database.hh"
#include "object_survey.hh"

#include <cinch/local/database_rebuild.hh>

#include <map>
#include <set>
#include <stop_token>
#include <string>
#include <vector>

namespace cinch::local {

class Rebuilder {
 public:
  // All must outlive it.
  Rebuilder(const Directory& objects, StoreDir store_dir, DamagedDatabase& old,
            const RebuildOptions& options, std::stop_token stop);

  // Fills in the report, but for damage and the old database's name.
  std::vector<NewRow> decide(const MaintenanceListener& listener, RebuildReport& report);
  // What is to get the modes and times of valid objects: recovered paths that do not have them.
  const std::vector<StorePath>& to_canonicalise() const { return to_canonicalise_; }

 private:
  struct Known {
    std::int64_t id = 0;
    StorePathSet references;
    bool references_unsure = false;
    std::map<std::string, StorePath> outputs;
  };

  void read_old();
  void reserve(std::int64_t id);
  void read_references(const std::map<std::int64_t, StorePath>& paths);
  void read_derivations();
  void decide_about_row(const PathInfo& info);
  void keep_changed(const PathInfo& info, const SurveyedObject& object);
  void keep(PathInfo info, SurveyedObject* object);
  void add_problem(const StorePath& path, VerifyProblemKind kind, std::string message);
  void recover(const StorePath& path, SurveyedObject& object, std::int64_t old_id);
  std::optional<Proof> find_proof(const StorePath& path, SurveyedObject& object);
  void leave_alone(const StorePath& path, std::string reason);
  void drop_unfounded();
  void drop_cycles();
  void drop(const StorePath& path, std::string reason);
  void complete_kept(RebuildReport& report);
  std::vector<NewRow> number_rows(RebuildReport& report);

  const Directory& objects_;
  const StoreDir store_dir_;
  DamagedDatabase& old_;
  const RebuildOptions& options_;
  const std::stop_token stop_;

  std::map<StorePath, PathInfo> rows_;  // that could be read
  std::map<StorePath, Known> known_;    // what else was known of them
  std::int64_t last_id_ = 0;            // that some path has, or may have had
  Survey survey_;

  // Of derivations whose files are what their paths stand for.
  struct FoundDerivation {
    StorePathSet references;
    std::map<std::string, StorePath> outputs;
    std::string fault;  // why it must not be valid
  };
  std::map<StorePath, FoundDerivation> derivations_;
  std::map<StorePath, StorePathSet> derivers_;
  std::map<StorePath, std::vector<ContentAddress>> claims_;  // of fixed outputs

  std::map<StorePath, NewRow> kept_;
  std::map<StorePath, NewRow> recovered_;
  std::set<StorePath> proven_;
  std::map<std::string, std::string> left_alone_;
  std::vector<VerifyProblem> problems_;
  std::vector<StorePath> order_;  // of what is recovered: references first
  std::vector<StorePath> to_canonicalise_;
};

}  // namespace cinch::local
