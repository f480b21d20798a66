// All verbs, in the order in which the help lists them.
#pragma once

#include "verb.hh"

namespace cinch::cli {

// One table for each group of verbs, defined beside the code that runs them.
extern const std::span<const Verb> build_verbs;
extern const std::span<const Verb> config_verbs;
extern const std::span<const Verb> content_addressing_verbs;
extern const std::span<const Verb> copy_verbs;
extern const std::span<const Verb> daemon_verbs;
extern const std::span<const Verb> derivation_verbs;
extern const std::span<const Verb> diff_closures_verbs;
extern const std::span<const Verb> hash_verbs;
extern const std::span<const Verb> key_verbs;
extern const std::span<const Verb> log_verbs;
extern const std::span<const Verb> nar_verbs;
extern const std::span<const Verb> path_info_verbs;
extern const std::span<const Verb> profile_verbs;
extern const std::span<const Verb> realisation_verbs;
extern const std::span<const Verb> store_add_verbs;
extern const std::span<const Verb> store_export_verbs;
extern const std::span<const Verb> store_gc_verbs;
extern const std::span<const Verb> store_path_verbs;
extern const std::span<const Verb> store_query_verbs;
extern const std::span<const Verb> store_read_verbs;
extern const std::span<const Verb> store_rebuild_verbs;
extern const std::span<const Verb> store_repair_verbs;
extern const std::span<const Verb> store_sign_verbs;
extern const std::span<const Verb> store_verify_verbs;
extern const std::span<const Verb> why_depends_verbs;

// Every verb takes these too.
extern const std::span<const Option> global_options;

struct VerbAlias {
  std::string_view name;  // another name, which some version of Nix knows
  std::string_view verb;
};
extern const std::span<const VerbAlias> verb_aliases;

std::vector<const Verb*> all_verbs();
// By its name or an alias; null if there is none.
const Verb* find_verb(std::string_view name);
// Whether names of verbs begin with these words and have more: "store", "store path".
bool is_group(std::string_view words);

}  // namespace cinch::cli
