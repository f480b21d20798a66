#include "verbs.hh"

#include <algorithm>

namespace cinch::cli {

namespace {

constexpr Option global_option_table[] = {
    {"--store", "URL", "the store to use (default: $NIX_REMOTE, else 'auto')"},
    {"--option", "NAME VALUE", "set one setting of nix.conf; --NAME VALUE does the same"},
    {"-v,--verbose", "", "say more; may be repeated"},
    {"--quiet", "", "say less; may be repeated"},
    {"--debug", "", "say everything"},
    {"--log-format", "FORMAT", "raw, raw-with-logs, bar, bar-with-logs or internal-json"},
    {"-L,--print-build-logs", "", "print what builders print"},
    {"--extra-experimental-features", "FEATURES", "accepted, as Nix takes it; not needed here"},
    {"--experimental-features", "FEATURES", "accepted, as Nix takes it; not needed here"},
    {"--help", "", "show help for this command and stop"},
    {"--version", "", "show the version and stop"},
};

constexpr VerbAlias alias_table[] = {
    {"store ping", "store info"},   {"store build-trace info", "realisation info"},
    {"nar dump-path", "nar pack"},  {"show-derivation", "derivation show"},
    {"show-config", "config show"}, {"add-to-store", "store add-path"},
    {"ping-store", "store info"},   {"ls-store", "store ls"},
    {"cat-store", "store cat"},     {"ls-nar", "nar ls"},
    {"cat-nar", "nar cat"},         {"dump-path", "store dump-path"},
    {"hash-path", "hash path"},     {"hash-file", "hash file"},
    {"verify", "store verify"},     {"nix-daemon", "daemon"},
};

}  // namespace

constinit const std::span<const Option> global_options = global_option_table;
constinit const std::span<const VerbAlias> verb_aliases = alias_table;

std::vector<const Verb*> all_verbs() {
  std::vector<const Verb*> verbs;
  for (const std::span<const Verb> group :
       {build_verbs,         log_verbs,          copy_verbs,
        path_info_verbs,     why_depends_verbs,  realisation_verbs,
        derivation_verbs,    store_add_verbs,    store_read_verbs,
        store_verify_verbs,  store_repair_verbs, store_rebuild_verbs,
        store_export_verbs,  store_sign_verbs,   content_addressing_verbs,
        diff_closures_verbs, store_gc_verbs,     store_path_verbs,
        store_query_verbs,   profile_verbs,      hash_verbs,
        nar_verbs,           key_verbs,          config_verbs,
        daemon_verbs}) {
    for (const Verb& verb : group) verbs.push_back(&verb);
  }
  return verbs;
}

const Verb* find_verb(std::string_view name) {
  for (const VerbAlias& alias : verb_aliases) {
    if (alias.name == name) name = alias.verb;
  }
  for (const Verb* verb : all_verbs()) {
    if (verb->name == name) return verb;
  }
  return nullptr;
}

bool is_group(std::string_view words) {
  const auto begins_so = [&](std::string_view name) {
    return name.size() > words.size() && name.starts_with(words) && name[words.size()] == ' ';
  };
  return std::ranges::any_of(all_verbs(), begins_so, &Verb::name) ||
         std::ranges::any_of(verb_aliases, begins_so, &VerbAlias::name);
}

}  // namespace cinch::cli
