#include "rebuilder.hh"

#include "../canonical.hh"

#include <cinch/core/cancellation.hh>
#include <cinch/core/derivation_aterm.hh>
#include <cinch/core/error.hh>

#include <algorithm>
#include <limits>
#include <utility>

namespace cinch::local {

Rebuilder::Rebuilder(const Directory& objects, StoreDir store_dir, DamagedDatabase& old,
                     const RebuildOptions& options, std::stop_token stop)
    : objects_(objects),
      store_dir_(std::move(store_dir)),
      old_(old),
      options_(options),
      stop_(std::move(stop)) {}

std::vector<NewRow> Rebuilder::decide(const MaintenanceListener& listener, RebuildReport& report) {
  read_old();
  StorePathSet known;
  for (const auto& [path, info] : rows_) known.insert(known.end(), path);
  survey_ = survey_objects(objects_, known, listener, stop_);
  read_derivations();
  for (const auto& [path, info] : rows_) {
    check_cancelled(stop_);
    decide_about_row(info);
  }
  for (auto& [path, object] : survey_.objects) {
    check_cancelled(stop_);
    if (!rows_.contains(path)) recover(path, object, old_.id_of(path).value_or(0));
  }
  drop_unfounded();
  drop_cycles();
  complete_kept(report);

  std::vector<NewRow> rows = number_rows(report);
  report.paths_kept = kept_.size();
  for (const std::string& name : survey_.foreign) {
    left_alone_.emplace(name, "its name is not that of a store object");
  }
  for (auto& [name, reason] : left_alone_) report.left_alone.push_back({name, std::move(reason)});
  std::ranges::sort(report.recovered, {}, &RecoveredPath::path);
  report.problems = std::move(problems_);
  std::ranges::sort(report.problems, {}, &VerifyProblem::path);
  return rows;
}

// What had a number keeps it. Where a page of the old table is in the place of another one, two
// paths may have the same.
std::vector<NewRow> Rebuilder::number_rows(RebuildReport& report) {
  std::vector<NewRow> result;
  std::set<std::int64_t> ids;
  const auto take = [&](NewRow& row) {
    if (row.id <= 0 || ids.contains(row.id)) row.id = ++last_id_;
    ids.insert(row.id);
    result.push_back(std::move(row));
  };
  for (auto& [path, row] : kept_) take(row);
  for (const StorePath& path : order_) {
    report.recovered.push_back({.path = path, .proven = proven_.contains(path)});
    if (!survey_.objects.at(path).is_finished) to_canonicalise_.push_back(path);
    take(recovered_.at(path));
  }
  return result;
}

void Rebuilder::read_old() {
  std::map<std::int64_t, StorePath> paths;
  for (SalvagedPath& one : old_.paths()) {
    reserve(one.id);
    if (rows_.contains(one.info.path)) continue;  // the index that forbids that is damaged
    const bool is_only = paths.emplace(one.id, one.info.path).second;
    known_[one.info.path] = {
        .id = one.id, .references = {}, .references_unsure = !is_only, .outputs = {}};
    rows_.emplace(one.info.path, std::move(one.info));
  }
  for (const std::int64_t id : old_.mentioned_ids()) reserve(id);
  read_references(paths);
  for (SalvagedOutput& output : old_.outputs()) {
    const auto derivation = paths.find(output.derivation);
    if (derivation == paths.end() || output.name.empty()) continue;
    known_[derivation->second].outputs.emplace(std::move(output.name), std::move(output.path));
  }
}

// Other tables may mean a path by its number, also if its row is lost: no other path gets it.
void Rebuilder::reserve(std::int64_t id) {
  constexpr std::int64_t ids_end = std::numeric_limits<std::int64_t>::max() / 2;
  if (id < ids_end) last_id_ = std::max(last_id_, id);  // else it is no number of a path, but junk
}

void Rebuilder::read_references(const std::map<std::int64_t, StorePath>& paths) {
  const auto add = [&](const StorePath& referrer, std::int64_t reference) {
    const auto to = paths.find(reference);
    Known& known = known_[referrer];
    if (to != paths.end()) {
      known.references.insert(to->second);
    } else {
      known.references_unsure = true;
    }
  };
  for (const auto& [referrer, reference] : old_.references()) {
    const auto from = paths.find(referrer);
    if (from != paths.end()) add(from->second, reference);
  }
  if (!old_.references_are_damaged()) return;
  for (const auto& [id, path] : paths) {
    if (const auto references = old_.references_of(id)) {
      for (const std::int64_t reference : *references) add(path, reference);
    } else {
      known_[path].references_unsure = true;
    }
  }
}

// What they make need not be there.
void Rebuilder::read_derivations() {
  DerivationChecker checker(objects_, store_dir_);
  for (const auto& [path, object] : survey_.objects) {
    check_cancelled(stop_);
    if (!path.is_derivation() || !object.digest) continue;
    try {
      const Derivation derivation = read_derivation_file(objects_, store_dir_, path);
      if (derivation_path(store_dir_, derivation) != path) continue;
      FoundDerivation& found = derivations_[path];
      found.references = derivation.references();
      for (const auto& [name, output] : derivation.outputs) {
        const auto output_path = derivation.output_path(store_dir_, name);
        if (!output_path) continue;
        derivers_[*output_path].insert(path);
        if (const auto* fixed = std::get_if<FixedOutput>(&output)) {
          claims_[*output_path].push_back(fixed->address);
        }
      }
      try {
        found.outputs = checker.check(path);
      } catch (const Error& error) {
        found.fault = error.what();
      }
    } catch (const Error&) {
      continue;  // it is called a derivation, and that is all
    }
  }
}

// Reads the object again: where that fails, it is one that cannot be read.
std::optional<Proof> Rebuilder::find_proof(const StorePath& path, SurveyedObject& object) try {
  static const std::vector<ContentAddress> none;
  const auto claims = claims_.find(path);
  std::optional<Proof> proof = prove(objects_, store_dir_, path, object,
                                     claims == claims_.end() ? none : claims->second, stop_);
  // Objects may mention more than they refer to; of derivations it is known.
  const auto derivation = derivations_.find(path);
  if (proof || derivation == derivations_.end()) return proof;
  SurveyedObject known = object;
  known.mentioned = derivation->second.references;
  return prove(objects_, store_dir_, path, known, {}, stop_);
} catch (const Error& error) {
  if (error.code() == Code::cancelled) throw;
  object.digest.reset();
  object.fault = error.what();
  return std::nullopt;
}

void Rebuilder::add_problem(const StorePath& path, VerifyProblemKind kind, std::string message) {
  problems_.push_back({.path = path, .kind = kind, .message = std::move(message)});
}

void Rebuilder::decide_about_row(const PathInfo& info) {
  const auto place = survey_.objects.find(info.path);
  if (place == survey_.objects.end()) {
    add_problem(info.path, VerifyProblemKind::gone,
                "the object is gone, although its path is valid");
    keep(info, nullptr);
    return;
  }
  SurveyedObject& object = place->second;
  if (object.digest && object.digest->hash == info.nar_hash) {
    keep(info, &object);
  } else if (object.digest && find_proof(info.path, object)) {
    recover(info.path, object, known_.at(info.path).id);
  } else {
    keep_changed(info, object);
  }
}

void Rebuilder::keep_changed(const PathInfo& info, const SurveyedObject& object) {
  if (object.digest) {
    add_problem(info.path, VerifyProblemKind::changed,
                "the contents have changed: the hash of the NAR is " +
                    object.digest->hash.to_string(HashFormat::nix32) + ", and should be " +
                    info.nar_hash.to_string(HashFormat::nix32));
  } else {
    add_problem(info.path, VerifyProblemKind::unreadable, object.fault);
  }
  keep(info, nullptr);
}

// `object` is null if it is not what the row says.
void Rebuilder::keep(PathInfo info, SurveyedObject* object) {
  const Known& known = known_.at(info.path);
  NewRow row{.id = known.id, .info = std::move(info), .outputs = known.outputs};
  PathInfo& kept = row.info;
  kept.references = known.references;
  const auto derivation = derivations_.find(kept.path);
  if (object == nullptr) {
    kept_.emplace(kept.path, std::move(row));
    return;
  }
  kept.nar_size = object->digest->size_bytes;
  if (derivation != derivations_.end()) {
    kept.references = derivation->second.references;
    for (const auto& [name, path] : derivation->second.outputs) {
      row.outputs.insert_or_assign(name, path);
    }
  } else if (known.references_unsure) {
    kept.references.insert(object->mentioned.begin(), object->mentioned.end());
  }
  if (kept.content_address && !kept.is_content_addressed(store_dir_)) {
    const std::optional<Proof> proof = find_proof(kept.path, *object);
    if (proof) {
      kept.references = proof->references;
      kept.content_address = proof->address;
    } else if (!object->digest) {
      add_problem(kept.path, VerifyProblemKind::unreadable, object->fault);
    } else {
      add_problem(kept.path, VerifyProblemKind::changed,
                  "its path does not follow from its content address");
    }
  }
  kept_.emplace(kept.path, std::move(row));
}

// Whatever speaks against a path that has a row, its row is kept.
void Rebuilder::leave_alone(const StorePath& path, std::string reason) {
  if (const auto row = rows_.find(path); row != rows_.end()) {
    return keep_changed(row->second, survey_.objects.at(path));
  }
  left_alone_.insert_or_assign(path.base_name(), std::move(reason));
}

void Rebuilder::recover(const StorePath& path, SurveyedObject& object, std::int64_t old_id) {
  reserve(old_id);
  const std::optional<Proof> proof = object.digest ? find_proof(path, object) : std::nullopt;
  if (!object.digest) return leave_alone(path, "it cannot be read: " + object.fault);
  const auto derivation = derivations_.find(path);
  if (path.is_derivation() && !proof) {
    return leave_alone(path, "its contents are not what its path stands for: a damaged derivation");
  }
  if (derivation != derivations_.end() && !derivation->second.fault.empty()) {
    return leave_alone(path, derivation->second.fault);
  }
  if (!proof && claims_.contains(path)) {
    return leave_alone(path, "it is not what its derivation says it is: damaged, or not complete");
  }
  if (!proof && !object.is_finished && old_id == 0 && !options_.unfinished) {
    return leave_alone(path,
                       "its times and modes are not those of an object, as if whoever wrote it had "
                       "not come to the end");
  }
  if (!object.is_finished && !may_canonicalise(objects_, path.base_name(), stop_)) {
    return leave_alone(path,
                       "its times and modes are not those of an object, and those of another "
                       "user's files cannot be set");
  }
  NewRow row{.id = old_id, .info = {.path = path, .nar_hash = object.digest->hash}, .outputs = {}};
  row.info.nar_size = object.digest->size_bytes;
  row.info.references = proof ? proof->references : object.mentioned;
  if (proof) row.info.content_address = proof->address;
  if (derivation != derivations_.end()) row.outputs = derivation->second.outputs;
  const auto derivers = derivers_.find(path);
  // Of several, nobody knows which one it was.
  if (derivers != derivers_.end() && derivers->second.size() == 1) {
    row.info.deriver = *derivers->second.begin();
  }
  if (proof) proven_.insert(path);
  recovered_.emplace(path, std::move(row));
}

void Rebuilder::drop(const StorePath& path, std::string reason) {
  recovered_.erase(path);
  leave_alone(path, std::move(reason));
}

// Takes back paths that refer to what will not be valid, and so on.
void Rebuilder::drop_unfounded() {
  std::map<StorePath, StorePathSet> referrers;
  std::vector<std::pair<StorePath, StorePath>> left;  // what to drop, and what it refers to
  for (const auto& [path, row] : recovered_) {
    for (const StorePath& reference : row.info.references) {
      if (kept_.contains(reference)) continue;
      if (!recovered_.contains(reference)) {
        left.emplace_back(path, reference);
      } else if (reference != path) {
        referrers[reference].insert(path);
      }
    }
  }
  while (!left.empty()) {
    const auto [path, reference] = std::move(left.back());
    left.pop_back();
    if (!recovered_.contains(path)) continue;
    const bool is_there = survey_.objects.contains(reference);
    drop(path, "it refers to '" + reference.base_name() + "', which " +
                   (is_there ? "is not valid either" : "is not there"));
    if (kept_.contains(path)) continue;
    for (const StorePath& referrer : referrers[path]) left.emplace_back(referrer, path);
  }
}

// Orders what is recovered, references first; what is on a cycle, or refers to one, is left over.
void Rebuilder::drop_cycles() {
  std::map<StorePath, std::size_t> waiting;
  std::map<StorePath, std::vector<StorePath>> referrers;
  for (const auto& [path, row] : recovered_) {
    std::size_t& count = waiting[path];
    for (const StorePath& reference : row.info.references) {
      if (reference == path || !recovered_.contains(reference)) continue;
      ++count;
      referrers[reference].push_back(path);
    }
    if (count == 0) order_.push_back(path);
  }
  for (std::size_t done = 0; done < order_.size(); ++done) {
    for (const StorePath& referrer : referrers[order_[done]]) {
      if (--waiting[referrer] == 0) order_.push_back(referrer);
    }
  }
  for (const auto& [path, count] : waiting) {
    if (count == 0) continue;
    std::string other;
    for (const StorePath& reference : recovered_.at(path).info.references) {
      const auto place = waiting.find(reference);
      if (reference == path || place == waiting.end() || place->second == 0) continue;
      other = reference.base_name();
      break;
    }
    leave_alone(path, "what it mentions forms a cycle, or leads to one, through '" + other + "'");
  }
  for (const auto& [path, count] : waiting) {
    if (count > 0) recovered_.erase(path);
  }
}

// What is kept refers only to what is there.
void Rebuilder::complete_kept(RebuildReport& report) {
  for (auto& [path, row] : kept_) {
    report.references_dropped += std::erase_if(row.info.references, [&](const StorePath& one) {
      return !kept_.contains(one) && !recovered_.contains(one);
    });
  }
}

}  // namespace cinch::local
