// The operations, each as the table calls it: arguments in, work, reply out. What they exchange is
// in docs/formats/worker-protocol.md.
#pragma once

#include "server/session.hh"

namespace cinch::handlers {

// query_operations.cc
void is_valid_path(Session& session);
void query_referrers(Session& session);
void query_deriver(Session& session);
void query_derivation_outputs(Session& session);
void query_derivation_output_names(Session& session);
void query_derivation_output_map(Session& session);
void query_all_valid_paths(Session& session);
void query_path_info(Session& session);
void query_path_from_hash_part(Session& session);
void query_valid_paths(Session& session);
void query_valid_derivers(Session& session);
void nar_from_path(Session& session);

// substitute_operations.cc
void query_substitutable_path_info(Session& session);
void query_substitutable_path_infos(Session& session);
void query_substitutable_paths(Session& session);

// add_operations.cc
void add_to_store(Session& session);
void add_text_to_store(Session& session);
void add_to_store_nar(Session& session);
void add_multiple_to_store(Session& session);
void add_signatures(Session& session);
void add_build_log(Session& session);

// root_operations.cc
void add_temp_root(Session& session);
void add_indirect_root(Session& session);
void add_permanent_root(Session& session);
void sync_with_gc(Session& session);
void find_roots(Session& session);
void collect_garbage(Session& session);
void optimise_store(Session& session);
void verify_store(Session& session);

// build_operations.cc
void set_options(Session& session);
void build_paths(Session& session);
void build_paths_with_results(Session& session);
void ensure_path(Session& session);
void query_missing(Session& session);
void build_derivation(Session& session);

// realisation_operations.cc
void register_derivation_output(Session& session);
void query_realisation(Session& session);

}  // namespace cinch::handlers
