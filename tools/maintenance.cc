#include "maintenance.hh"

#include <cinch/core/store.hh>

#include <utility>

namespace cinch::cli {

void show(ProgressLine& line, const MaintenanceProgress& progress) {
  line.update({.items_done = progress.paths_done,
               .items_expected = progress.paths_expected,
               .bytes_done = progress.bytes_done,
               .bytes_expected = progress.bytes_expected});
}

GarbageStore& garbage_store(Store& store) {
  return require_capability<GarbageStore>(store, "collect garbage");
}

GarbageReport collect_garbage(Console& console, Store& store, const GarbageOptions& options,
                              std::stop_token stop) {
  ProgressLine line(console, {.doing = options.dry_run ? "looking for garbage" : "collecting"});
  GarbageReport report = garbage_store(store).collect_garbage(
      options,
      [&](const GarbageProgress& progress) {
        line.update({.items_done = progress.paths_done,
                     .items_expected = progress.paths_expected,
                     .bytes_done = progress.bytes_freed});
      },
      std::move(stop));
  for (const std::string& name : report.foreign) {
    console.warn("'" + store.store_dir().text() + "/" + name +
                 "' is no store object, and is left alone");
  }
  return report;
}

int tell_problems(Console& console, const StoreDir& store_dir, const VerifyReport& report) {
  int status = report.other_problems ? exit_corrupt : 0;
  for (const std::string& message : report.messages) console.warn(message);
  for (const VerifyProblem& problem : report.problems) {
    const std::string text = "path '" + store_dir.print(problem.path) + "': " + problem.message;
    if (problem.solved) {
      console.warn(text + " (solved)");
      continue;
    }
    console.error(text);
    status |= problem.kind == VerifyProblemKind::unreadable ? exit_failed : exit_corrupt;
  }
  for (const std::string& name : report.damaged_links) {
    const std::string text = "the content of the link '" + store_dir.text() + "/.links/" + name +
                             "' is not what its name says";
    if (report.links_removed) {
      console.warn(text + " (removed)");
    } else {
      console.error(text, "'cinch store verify --repair' removes it");
      status |= exit_corrupt;
    }
  }
  return status;
}

}  // namespace cinch::cli
