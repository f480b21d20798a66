// nix-store --verify, --repair-path, --optimise.
#include "../maintenance.hh"
#include "../progress_line.hh"
#include "store_call.hh"

#include <cinch/core/maintenance.hh>

namespace cinch::cli {

namespace {

// Nix takes no offence at permissions: they are told, but are no failure.
int tell_failures(StoreCall& call, VerifyReport report) {
  std::erase_if(report.problems, [&](const VerifyProblem& problem) {
    if (problem.kind != VerifyProblemKind::permissions) return false;
    call.context.console.warn("path '" + call.shown(problem.path) + "': " + problem.message);
    return true;
  });
  return tell_problems(call.context.console, call.store().store_dir(), report) == 0 ? 0 : 1;
}

int verify_and_tell(StoreCall& call, const VerifyOptions& options) {
  return tell_failures(call, verify(call.context, call.store(), options, "verifying", call.stop()));
}

int run_verify(StoreCall& call) {
  call.allow_arguments(0, "no arguments expected");
  call.allow_flags({"--check-contents", "--repair"});
  return verify_and_tell(call, {.check_contents = call.has("--check-contents"),
                                .forget_gone = true,
                                .repair = call.has("--repair")});
}

int run_repair_path(StoreCall& call) {
  call.allow_flags({});
  const std::vector<StorePath> paths = call.argument_paths();
  if (paths.empty()) return 0;
  return verify_and_tell(
      call,
      {.only = StorePathSet(paths.begin(), paths.end()), .check_contents = true, .repair = true});
}

int run_optimise(StoreCall& call) {
  call.allow_arguments(0, "no arguments expected");
  call.allow_flags({});
  const std::stop_token stop = call.stop();
  auto& keeper = require_capability<MaintenanceStore>(call.store(), "share files");
  ProgressLine line(call.context.console,
                    {.doing = "optimising", .activity = Activity::optimise_store});
  (void)keeper.optimise([&](const MaintenanceProgress& progress) { show(line, progress); }, stop);
  return 0;
}

constexpr StoreOperation table[] = {
    {"--verify", run_verify},
    {"--repair-path", run_repair_path},
    {"--optimise,--optimize", run_optimise},
};

}  // namespace

constinit const std::span<const StoreOperation> keeping_operations = table;

}  // namespace cinch::cli
