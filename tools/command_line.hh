// From argv to a verb and its arguments. The only file that knows the parsing library.
#pragma once

#include "verb.hh"

namespace cinch::cli {

struct CommandLine {
  const Verb* verb = nullptr;  // null: none was named, or it does not exist
  std::string words;           // the verb's words as they were given
  std::vector<std::string> rest;
};

// Finds the verb among the arguments: the first word, or the first two or three, that are not
// options.
CommandLine find_command(std::span<const std::string> arguments);

// Parses everything but the verb's words. `known_settings` are names that are accepted as
// --NAME VALUE, or as --NAME and --no-NAME for those in `boolean_settings`; their values are found
// under "--NAME". Throws Code::invalid_argument with a hint.
Arguments parse_arguments(const CommandLine& command,
                          std::span<const std::string_view> known_settings,
                          std::span<const std::string_view> boolean_settings);

}  // namespace cinch::cli
