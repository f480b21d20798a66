// The commands, each as the table in session.cc calls it: arguments in, work, reply out.
#pragma once

#include "serve/session.hh"

namespace cinch::serve::commands {

// query_commands.cc
void query_valid_paths(Session& session);
void query_path_infos(Session& session);
void dump_store_path(Session& session);
void export_paths(Session& session);
void query_closure(Session& session);

// add_commands.cc
void import_paths(Session& session);
void add_to_store_nar(Session& session);

// build_commands.cc
void build_paths(Session& session);
void build_derivation(Session& session);

}  // namespace cinch::serve::commands
