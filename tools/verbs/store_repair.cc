// store optimise, store repair.
#include "../context.hh"
#include "../installable.hh"
#include "../maintenance.hh"
#include "../progress_line.hh"
#include "../terminal_text.hh"
#include "../verbs.hh"

#include <cinch/core/error.hh>
#include <cinch/core/maintenance.hh>

namespace cinch::cli {

namespace {

int run_optimise(Context& context) {
  const std::unique_ptr<Store> store = context.open_store();
  auto& keeper = require_capability<MaintenanceStore>(*store, "share files");
  OptimiseReport report;
  {
    ProgressLine line(context.console,
                      {.doing = "optimising", .activity = Activity::optimise_store});
    report = keeper.optimise([&](const MaintenanceProgress& progress) { show(line, progress); },
                             context.interruption.begin());
  }
  for (const std::string& name : report.damaged_links) {
    context.console.warn("removed the link '" + store->store_dir().text() + "/.links/" + name +
                         "', whose content was not what its name says");
  }
  if (report.files_skipped > 0) {
    context.console.warn(std::to_string(report.files_skipped) +
                         " files could not be linked: there were too many links already, or no "
                         "room for more");
  }
  for (const std::string& message : report.messages) {
    context.console.message(Verbosity::notice, message);
  }
  if (!report.messages.empty()) return 0;
  context.console.message(Verbosity::notice, size_in_words(report.bytes_saved) +
                                                 " freed by hard-linking " +
                                                 std::to_string(report.files_linked) + " files");
  return 0;
}

void tell_of_source(const Context& context, const VerifyReport& report) {
  if (context.has("--from")) return;
  for (const VerifyProblem& problem : report.problems) {
    if (problem.solved) continue;
    context.console.error("no store was given from which it could be repaired",
                          "name one that has it: --from STORE-URL");
    return;
  }
}

int run_repair(Context& context) {
  const std::unique_ptr<Store> store = context.open_store();
  std::unique_ptr<Store> source;
  if (const auto url = context.arguments.value("--from")) {
    source = open_store(*url, context.settings, context.environment);
  }
  const StorePathSet paths = installable_paths(*store, context.arguments.positional());
  const VerifyReport report =
      verify(context, *store,
             {.only = paths, .check_contents = true, .repair = true, .source = source.get()},
             "repairing", context.interruption.begin());
  const int status = tell_problems(context.console, store->store_dir(), report);
  tell_of_source(context, report);
  context.console.message(Verbosity::notice, std::to_string(paths.size() - report.problems.size()) +
                                                 " of " + std::to_string(paths.size()) +
                                                 " paths were intact");
  return status;
}

constexpr Option repair_options[] = {
    {"--from", "STORE-URL", "the store that has whole objects"},
};

constexpr Verb table[] = {
    {"store repair", "Replace damaged store objects by those of another store, or build them again",
     "PATH...", 1, any_number,
     "With --from, each object is read from the other store and held against the registered hash "
     "before it takes the place of the damaged one, so the other store need not be trusted. What "
     "it does not have is built again, if a derivation is in the store that makes it. Permissions "
     "are set right without either. The exit status is that of store verify.",
     "cinch store repair --from https://cache.nixos.org ./result", repair_options, run_repair},
    {"store optimise",
     "Make files of the same content links to one file",
     "",
     0,
     0,
     "Other processes may use the store meanwhile. With the setting auto-optimise-store this "
     "happens "
     "to whatever is added.",
     "cinch store optimise",
     {},
     run_optimise},
};

}  // namespace

constinit const std::span<const Verb> store_repair_verbs = table;

}  // namespace cinch::cli
