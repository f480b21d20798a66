// Nix's older programs (nix-store, nix-hash, ...), which `cinch` is when it is called by their
// names, and reaches as `cinch nix-store` too. docs/guides/nix-commands.md.
#pragma once

#include "../command_line.hh"
#include "../verb.hh"

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace cinch::cli {

// Described as verbs are, so that their help is made the same way; their words are taken apart as
// Nix takes them, not as those of verbs.
extern const Verb nix_collect_garbage_program;
extern const Verb nix_copy_closure_program;
extern const Verb nix_hash_program;
extern const Verb nix_store_program;

std::vector<const Verb*> legacy_programs();
// Null if there is none of that name.
const Verb* find_legacy_program(std::string_view name);

// The program that was called: by the name of the command itself (argv[0], with or without
// directories), or by the first argument. `verb` is null if neither is such a name.
CommandLine find_legacy_command(std::string_view called, std::span<const std::string> arguments);

// Takes out what all programs have in common: settings, --store, -v, ...; what is left are the
// positional arguments, in their order, with "-qR" as "-q" and "-R". The values of the program's
// own options stay behind these. Throws Code::invalid_argument for an option without its value.
Arguments parse_legacy_arguments(const CommandLine& command,
                                 std::span<const std::string_view> known_settings,
                                 std::span<const std::string_view> boolean_settings);

// Whether a list of names, with commas between, has this one.
bool has_name(std::string_view names, std::string_view name);

// One word that is left for a program; `value` is that of its option, if it has one.
struct LegacyWord {
  std::string text;
  std::string value;
  bool is_flag() const { return text.starts_with('-'); }
};
std::vector<LegacyWord> legacy_words(const Verb& program, const Arguments& arguments);

}  // namespace cinch::cli
