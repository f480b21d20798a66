#include <cinch/core/realiser.hh>
#include <cinch/core/store.hh>

namespace cinch {
namespace {

constexpr int exit_other_failure = 1;
constexpr int exit_build_failed = 100;
constexpr int exit_bit_timed_out = 1;
constexpr int exit_bit_hash_mismatch = 2;
constexpr int exit_not_deterministic = 104;

bool is_fixed(Store& store, const DerivingPath& wanted) {
  const auto* built = std::get_if<BuiltPath>(&wanted);
  return built != nullptr && store.read_derivation(built->derivation).is_fixed();
}

// 0 if it is no build that failed.
int status_of(Store& store, const BuildResult& result) {
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

std::string describe_failure(const BuildResult& result, const StoreDir& store_dir) {
  if (!result.error_message.empty()) return result.error_message;
  return "cannot build '" + print_deriving_path(result.wanted, store_dir) +
         "': " + std::string(to_string(result.status));
}

int build_exit_status(Store& store, std::span<const BuildResult> results) {
  int status = 0;
  bool has_failed = false;
  for (const BuildResult& result : results) {
    if (result.succeeded()) continue;
    has_failed = true;
    status |= status_of(store, result);
  }
  return has_failed && status == 0 ? exit_other_failure : status;
}

}  // namespace cinch
