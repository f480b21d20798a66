#include "maintenance.hh"

#include <cinch/build/make_realiser.hh>
#include <cinch/core/error.hh>
#include <cinch/core/store.hh>

#include <set>
#include <utility>

namespace cinch::cli {

namespace {

bool is_of_a_store(const std::string& name) {
  try {
    (void)StorePath::parse(name);
    return true;
  } catch (const Error&) {
    // Temporary ones come and go while others work.
    return name.starts_with("tmp-") || name.starts_with(".tmp-link");
  }
}

void warn_of_stranger(Console& console, const StoreDir& store_dir, const std::string& name) {
  console.warn("'" + store_dir.text() + "/" + name +
               "' is no store object, and is left alone; move it elsewhere");
}

const char* remedy_of(VerifyProblemKind kind) {
  switch (kind) {
    case VerifyProblemKind::gone:
      return "'cinch store repair' gets it again, from another store with --from STORE-URL; 'cinch "
             "store verify --forget-gone' forgets what nothing needs";
    case VerifyProblemKind::changed:
      return "'cinch store repair' replaces it, from another store with --from STORE-URL";
    case VerifyProblemKind::permissions:
      return "'cinch store verify --repair' sets them right";
    case VerifyProblemKind::unreadable:
      break;
  }
  return "";
}

}  // namespace

void show(ProgressLine& line, const MaintenanceProgress& progress) {
  line.update({.items_done = progress.paths_done,
               .items_expected = progress.paths_expected,
               .bytes_done = progress.bytes_done,
               .bytes_expected = progress.bytes_expected});
}

LivenessOptions liveness_of(const Settings& settings) {
  return {.keep_outputs = settings.keep_outputs, .keep_derivations = settings.keep_derivations};
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
    warn_of_stranger(console, store.store_dir(), name);
  }
  for (const StorePath& path : report.cyclic) {
    console.warn("'" + store.store_dir().print(path) +
                 "' refers to itself through others, and is left alone with what it refers to; "
                 "'cinch store delete' deletes paths that form a cycle together");
  }
  return report;
}

VerifyReport verify(Context& context, Store& store, VerifyOptions options, const char* doing,
                    std::stop_token stop) {
  auto& keeper = require_capability<MaintenanceStore>(store, "verify objects");
  std::unique_ptr<Realiser> builder;
  if (options.repair && capability<BuildStore>(store) != nullptr) {
    builder = make_realiser(store, context.settings);
    options.builder = builder.get();
    options.events = &context.console;
  }
  ProgressLine line(context.console, {.doing = doing, .activity = Activity::verify_paths});
  return keeper.verify(
      options, [&](const MaintenanceProgress& progress) { show(line, progress); }, std::move(stop));
}

int tell_problems(Console& console, const StoreDir& store_dir, const VerifyReport& report) {
  int status = report.other_problems ? exit_corrupt : 0;
  for (const std::string& message : report.messages) {
    if (report.other_problems) {
      console.error(message);
    } else {
      console.warn(message);
    }
  }
  for (const std::string& name : report.unregistered) {
    if (!is_of_a_store(name)) warn_of_stranger(console, store_dir, name);
  }
  std::set<VerifyProblemKind> told;
  for (const VerifyProblem& problem : report.problems) {
    const std::string text = "path '" + store_dir.print(problem.path) + "': " + problem.message;
    if (problem.solved) {
      console.warn(text + " (solved)");
      continue;
    }
    const bool is_first = told.insert(problem.kind).second;
    console.error(text, is_first ? remedy_of(problem.kind) : "");
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
