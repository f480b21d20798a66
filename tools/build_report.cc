#include "build_report.hh"

#include <cinch/core/error.hh>

namespace cinch::cli {

namespace {

// As Nix counts: 100 a build failed, 101 timed out, 102 a fixed output had another hash,
// 104 not deterministic; with several failures, their bits together.
constexpr int exit_build_failed = 100;
constexpr int exit_bit_timed_out = 1;
constexpr int exit_bit_hash_mismatch = 2;
constexpr int exit_not_deterministic = 104;

std::string count_line(std::size_t count, const std::string& what, const std::string& verb) {
  if (count == 1) return "this " + what + " will be " + verb + ":";
  return "these " + std::to_string(count) + " " + what + "s will be " + verb + ":";
}

bool is_fixed(Store& store, const DerivingPath& wanted) {
  const auto* built = std::get_if<BuiltPath>(&wanted);
  return built != nullptr && store.read_derivation(built->derivation).is_fixed();
}

// The exit status for one result that is not a success; 0 if it is no build that failed.
int exit_status(Store& store, const BuildResult& result) {
  switch (result.status) {
    case BuildStatus::timed_out:
      return exit_build_failed | exit_bit_timed_out;
    case BuildStatus::not_deterministic:
      return exit_not_deterministic;
    case BuildStatus::output_rejected:
      return exit_build_failed | (is_fixed(store, result.wanted) ? exit_bit_hash_mismatch : 0);
    case BuildStatus::permanent_failure:
    case BuildStatus::input_rejected:
    case BuildStatus::transient_failure:
    case BuildStatus::cached_failure:
    case BuildStatus::dependency_failed:
    case BuildStatus::log_limit_exceeded:
      return exit_build_failed;
    default:
      return 0;
  }
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
  int status = 0;
  bool has_failed = false;
  for (const BuildResult& result : results) {
    if (result.succeeded()) continue;
    has_failed = true;
    context.console.error(result.error_message.empty()
                              ? "cannot build '" +
                                    print_deriving_path(result.wanted, store.store_dir()) +
                                    "': " + std::string(to_string(result.status))
                              : result.error_message);
    status |= exit_status(store, result);
  }
  return has_failed && status == 0 ? 1 : status;
}

}  // namespace cinch::cli
