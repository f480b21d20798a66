#include "server/operations.hh"

#include "server/handlers.hh"

#include <algorithm>
#include <array>

namespace cinch {
namespace {

using wire::Operation;
constexpr LeastTrust any = LeastTrust::any;
constexpr LeastTrust trusted = LeastTrust::trusted;

// Ascending by number. What a trusted client may do beyond this table is in the handlers: AddTo...
// without signatures, builds in repair mode.
constexpr std::array table = {
    OperationEntry{Operation::is_valid_path, "IsValidPath", any, handlers::is_valid_path},
    OperationEntry{Operation::query_referrers, "QueryReferrers", any, handlers::query_referrers},
    OperationEntry{Operation::add_to_store, "AddToStore", any, handlers::add_to_store},
    OperationEntry{Operation::add_text_to_store, "AddTextToStore", any,
                   handlers::add_text_to_store},
    OperationEntry{Operation::build_paths, "BuildPaths", any, handlers::build_paths},
    OperationEntry{Operation::ensure_path, "EnsurePath", any, handlers::ensure_path},
    OperationEntry{Operation::add_temp_root, "AddTempRoot", any, handlers::add_temp_root},
    OperationEntry{Operation::add_indirect_root, "AddIndirectRoot", any,
                   handlers::add_indirect_root},
    OperationEntry{Operation::sync_with_gc, "SyncWithGC", any, handlers::sync_with_gc},
    OperationEntry{Operation::find_roots, "FindRoots", any, handlers::find_roots},
    OperationEntry{Operation::query_deriver, "QueryDeriver", any, handlers::query_deriver},
    OperationEntry{Operation::set_options, "SetOptions", any, handlers::set_options},
    OperationEntry{Operation::collect_garbage, "CollectGarbage", any, handlers::collect_garbage},
    OperationEntry{Operation::query_substitutable_path_info, "QuerySubstitutablePathInfo", any,
                   handlers::query_substitutable_path_info},
    OperationEntry{Operation::query_derivation_outputs, "QueryDerivationOutputs", any,
                   handlers::query_derivation_outputs},
    OperationEntry{Operation::query_all_valid_paths, "QueryAllValidPaths", any,
                   handlers::query_all_valid_paths},
    OperationEntry{Operation::query_path_info, "QueryPathInfo", any, handlers::query_path_info},
    OperationEntry{Operation::query_derivation_output_names, "QueryDerivationOutputNames", any,
                   handlers::query_derivation_output_names},
    OperationEntry{Operation::query_path_from_hash_part, "QueryPathFromHashPart", any,
                   handlers::query_path_from_hash_part},
    OperationEntry{Operation::query_substitutable_path_infos, "QuerySubstitutablePathInfos", any,
                   handlers::query_substitutable_path_infos},
    OperationEntry{Operation::query_valid_paths, "QueryValidPaths", any,
                   handlers::query_valid_paths},
    OperationEntry{Operation::query_substitutable_paths, "QuerySubstitutablePaths", any,
                   handlers::query_substitutable_paths},
    OperationEntry{Operation::query_valid_derivers, "QueryValidDerivers", any,
                   handlers::query_valid_derivers},
    OperationEntry{Operation::optimise_store, "OptimiseStore", any, handlers::optimise_store},
    OperationEntry{Operation::verify_store, "VerifyStore", any, handlers::verify_store},
    OperationEntry{Operation::build_derivation, "BuildDerivation", any, handlers::build_derivation},
    OperationEntry{Operation::add_signatures, "AddSignatures", any, handlers::add_signatures},
    OperationEntry{Operation::nar_from_path, "NarFromPath", any, handlers::nar_from_path},
    OperationEntry{Operation::add_to_store_nar, "AddToStoreNar", any, handlers::add_to_store_nar},
    OperationEntry{Operation::query_missing, "QueryMissing", any, handlers::query_missing},
    OperationEntry{Operation::query_derivation_output_map, "QueryDerivationOutputMap", any,
                   handlers::query_derivation_output_map},
    OperationEntry{Operation::register_derivation_output, "RegisterDrvOutput", any,
                   handlers::register_derivation_output},
    OperationEntry{Operation::query_realisation, "QueryRealisation", any,
                   handlers::query_realisation},
    OperationEntry{Operation::add_multiple_to_store, "AddMultipleToStore", any,
                   handlers::add_multiple_to_store},
    OperationEntry{Operation::add_build_log, "AddBuildLog", trusted, handlers::add_build_log},
    OperationEntry{Operation::build_paths_with_results, "BuildPathsWithResults", any,
                   handlers::build_paths_with_results},
    OperationEntry{Operation::add_permanent_root, "AddPermRoot", trusted,
                   handlers::add_permanent_root},
};

}  // namespace

std::span<const OperationEntry> all_operations() { return table; }

const OperationEntry* find_operation(std::uint64_t number) {
  const auto* found = std::lower_bound(table.begin(), table.end(), number,
                                       [](const OperationEntry& entry, std::uint64_t wanted) {
                                         return static_cast<std::uint64_t>(entry.number) < wanted;
                                       });
  if (found == table.end() || static_cast<std::uint64_t>(found->number) != number) return nullptr;
  return found;
}

}  // namespace cinch
