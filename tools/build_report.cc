#include "build_report.hh"

namespace cinch::cli {

namespace {

std::string count_line(std::size_t count, const std::string& what, const std::string& verb) {
  if (count == 1) return "this " + what + " will be " + verb + ":";
  return "these " + std::to_string(count) + " " + what + "s will be " + verb + ":";
}

}  // namespace

void print_plan(Context& context, const StoreDir& store_dir, const MissingPlan& plan,
                Verbosity level) {
  const auto list = [&](const StorePathSet& paths, const std::string& head) {
    if (paths.empty()) return;
    context.console.message(level, head);
    for (const StorePath& path : paths) {
      context.console.message(level, "  " + store_dir.print(path));
    }
  };
  list(plan.will_build, count_line(plan.will_build.size(), "derivation", "built"));
  list(plan.will_substitute, count_line(plan.will_substitute.size(), "path", "fetched"));
  list(plan.unknown, "don't know how to build these paths:");
}

int report_failures(Context& context, Store& store, const std::vector<BuildResult>& results) {
  for (const BuildResult& result : results) {
    if (!result.succeeded()) {
      context.console.error(describe_failure(result, store.store_dir()));
    }
  }
  return build_exit_status(store, results);
}

}  // namespace cinch::cli
