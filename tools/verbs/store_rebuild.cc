// store rebuild-database.
#include "../context.hh"
#include "../json_text.hh"
#include "../maintenance.hh"
#include "../progress_line.hh"
#include "../verbs.hh"

#include <cinch/local/database_rebuild.hh>

namespace cinch::cli {

namespace {

std::string_view name_of(VerifyProblemKind kind) {
  switch (kind) {
    case VerifyProblemKind::gone:
      return "gone";
    case VerifyProblemKind::changed:
      return "changed";
    case VerifyProblemKind::unreadable:
      return "unreadable";
    case VerifyProblemKind::permissions:
      return "permissions";
  }
  return "";
}

std::string report_json(const RebuildReport& report, const StoreDir& store_dir) {
  std::vector<std::string> damage;
  for (const std::string& text : report.damage) damage.push_back(json_string(text));
  std::vector<std::string> recovered;
  for (const RecoveredPath& one : report.recovered) {
    recovered.push_back(json_object(
        {{"path", json_string(store_dir.print(one.path))}, {"proven", json_bool(one.proven)}}));
  }
  std::vector<std::string> problems;
  for (const VerifyProblem& problem : report.problems) {
    problems.push_back(json_object({{"path", json_string(store_dir.print(problem.path))},
                                    {"kind", json_string(name_of(problem.kind))},
                                    {"message", json_string(problem.message)}}));
  }
  std::vector<std::string> left_alone;
  for (const LeftAlone& one : report.left_alone) {
    left_alone.push_back(
        json_object({{"name", json_string(one.name)}, {"reason", json_string(one.reason)}}));
  }
  return json_object(
      {{"damage", json_array(damage)},
       {"keptPaths", std::to_string(report.paths_kept)},
       {"recovered", json_array(recovered)},
       {"problems", json_array(problems)},
       {"leftAlone", json_array(left_alone)},
       {"droppedReferences", std::to_string(report.references_dropped)},
       {"unchanged", json_bool(report.unchanged)},
       {"oldDatabase", report.old_database.empty() ? "null" : json_string(report.old_database)}});
}

void tell_recovered(Context& context, const RebuildReport& report, const StoreDir& store_dir) {
  std::size_t unproven = 0;
  for (const RecoveredPath& one : report.recovered) {
    if (!one.proven) ++unproven;
    context.console.message(
        Verbosity::info, "recovered '" + store_dir.print(one.path) +
                             (one.proven ? "'" : "', as it lies there: its signatures are lost"));
  }
  if (unproven == 0) return;
  context.console.warn(
      std::to_string(unproven) +
      " of the recovered paths were taken as they lie there; the signatures they may have had are "
      "lost. 'cinch store copy-sigs --substituter URL --all' gets those of a cache, which has the "
      "same objects, and 'cinch store verify' then says which have none");
}

int tell(Context& context, const RebuildReport& report, const StoreDir& store_dir) {
  for (const std::string& text : report.damage) context.console.warn(text);
  for (const LeftAlone& one : report.left_alone) {
    context.console.warn("'" + store_dir.text() + "/" + one.name +
                         "' is left alone, and not valid: " + one.reason);
  }
  tell_recovered(context, report, store_dir);
  if (report.references_dropped > 0) {
    context.console.warn(std::to_string(report.references_dropped) +
                         " references to paths that are not valid were not taken over");
  }
  VerifyReport problems;
  problems.problems = report.problems;
  const int status = tell_problems(context.console, store_dir, problems);
  const bool dry_run = context.has("--dry-run");
  context.console.message(Verbosity::notice,
                          std::to_string(report.paths_kept) +
                              (dry_run ? " paths would be kept, " : " paths were kept, ") +
                              std::to_string(report.recovered.size()) + " recovered, " +
                              std::to_string(report.left_alone.size()) + " left alone");
  if (report.unchanged) {
    context.console.message(Verbosity::notice, "the database is whole, and stays as it is");
  }
  if (!report.old_database.empty()) {
    context.console.message(Verbosity::notice,
                            "the old database is kept as '" + report.old_database + "'");
  }
  return status;
}

int run_rebuild(Context& context) {
  const LocalStoreOptions store =
      local_store_options(context.settings.store, context.settings, context.environment);
  RebuildReport report;
  {
    ProgressLine line(context.console,
                      {.doing = "reading objects", .activity = Activity::verify_paths});
    report = rebuild_database(
        store, {.dry_run = context.has("--dry-run"), .unfinished = context.has("--unfinished")},
        [&](const MaintenanceProgress& progress) { show(line, progress); },
        context.interruption.begin());
  }
  if (context.has("--json")) context.output.line(report_json(report, store.store_dir));
  return tell(context, report, store.store_dir);
}

constexpr Option options[] = {
    {"-n,--dry-run", "", "look, and change nothing"},
    {"--unfinished", "", "also take objects whose times or modes are not those of objects"},
    {"--json", "", "print what was found and done as a JSON object"},
};

constexpr Verb table[] = {
    {"store rebuild-database", "Make the database of a store anew, from what lies on disk", "", 0,
     0,
     "For a store whose database is lost or damaged. What can be read of the old database is kept; "
     "for other objects it is found out: hashes, references, derivers and outputs of derivations. "
     "Every object is read. No other process may use the store meanwhile. The old database is kept "
     "beside the new one, and nothing in the store directory is removed; garbage collection should "
     "wait until all that is needed is valid. A database that is whole stays as it is. The exit "
     "status is 1 if a path that was kept is not what it should be, and 4 if it cannot be read.",
     "cinch store rebuild-database --dry-run\n"
     "cinch store rebuild-database --store 'local?root=/mnt'",
     options, run_rebuild},
};

}  // namespace

constinit const std::span<const Verb> store_rebuild_verbs = table;

}  // namespace cinch::cli
