#include "command_line.hh"

#include "verbs.hh"

#include <cinch/core/error.hh>

#include <algorithm>
#include <memory>
#include <set>

#include <CLI/CLI.hpp>

namespace cinch::cli {

namespace {

// How many of the following arguments belong to this global option, if it is one.
std::size_t values_after(std::string_view argument) {
  if (argument.find('=') != std::string_view::npos) return 0;
  for (const Option& option : global_options) {
    std::string_view names = option.names;
    while (!names.empty()) {
      const std::string_view name = names.substr(0, names.find(','));
      if (name == argument) return option.value_count();
      names.remove_prefix(std::min(names.size(), name.size() + 1));
    }
  }
  return 0;
}

// The position of the first argument from `start` on that is neither an option nor its value.
std::size_t next_word(std::span<const std::string> arguments, std::size_t start) {
  std::size_t at = start;
  while (at < arguments.size() && arguments[at].starts_with('-') && arguments[at] != "--") {
    at += 1 + values_after(arguments[at]);
  }
  return std::min(at, arguments.size());
}

}  // namespace

CommandLine find_command(std::span<const std::string> arguments) {
  CommandLine command;
  const std::size_t first = next_word(arguments, 0);
  if (first == arguments.size() || arguments[first] == "--") {
    command.rest.assign(arguments.begin(), arguments.end());
    return command;
  }
  std::vector<std::size_t> words = {first};
  command.words = arguments[first];
  while (is_group(command.words)) {
    const std::size_t next = next_word(arguments, words.back() + 1);
    if (next == arguments.size() || arguments[next] == "--") break;
    command.words += " " + arguments[next];
    words.push_back(next);
  }
  command.verb = find_verb(command.words);
  for (std::size_t at = 0; at < arguments.size(); ++at) {
    if (std::ranges::find(words, at) == words.end()) command.rest.push_back(arguments[at]);
  }
  return command;
}

namespace {

[[noreturn]] void refuse(const Verb& verb, const std::string& message) {
  throw Error(Code::invalid_argument, message)
      .hint("see 'cinch " + std::string(verb.name) + " --help'");
}

// A parser for one verb. Its options write into `values`, which must outlive it.
class Parser {
 public:
  Parser() {
    app_.set_help_flag();
    app_.allow_extras();
  }

  void add(std::string_view names, std::string_view key, std::size_t value_count) {
    auto entry = std::make_unique<Entry>();
    entry->key = key;
    const std::string spelling(names);
    if (value_count == 0) {
      entry->option = app_.add_flag(spelling)->disable_flag_override();
    } else {
      entry->option = app_.add_option(spelling, entry->values);
      entry->option->type_size(static_cast<int>(value_count))
          ->expected(1)
          ->allow_extra_args(false)
          ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
    }
    entry->is_flag = value_count == 0;
    entries_.push_back(std::move(entry));
  }

  bool knows(const std::string& name) const { return app_.get_option_no_throw(name) != nullptr; }

  Arguments parse(const CommandLine& command) {
    std::vector<std::string> reversed(command.rest.rbegin(), command.rest.rend());
    try {
      app_.parse(reversed);
    } catch (const CLI::ParseError& error) {
      refuse(*command.verb, error.what());
    }
    return collect(*command.verb, command.rest);
  }

 private:
  struct Entry {
    std::string key;
    CLI::Option* option = nullptr;
    std::vector<std::string> values;
    bool is_flag = false;
  };

  Arguments collect(const Verb& verb, const std::vector<std::string>& given) {
    Arguments::Values values;
    for (const std::unique_ptr<Entry>& entry : entries_) {
      if (entry->option->count() == 0) continue;
      if (entry->is_flag) entry->values.resize(entry->option->count(), "true");
      values[entry->key] = entry->values;
    }
    // After "--" everything is an argument, whatever it looks like.
    const auto separator = std::find(given.begin(), given.end(), "--");
    const auto is_literal = [&](const std::string& word) {
      return std::find(separator, given.end(), word) != given.end();
    };
    std::vector<std::string> positional;
    for (std::string& word : app_.remaining()) {
      if (word == "--" && separator != given.end()) continue;
      if (word.size() > 1 && word.starts_with('-') && !is_literal(word)) {
        refuse(verb, "unknown option '" + word + "'");
      }
      positional.push_back(std::move(word));
    }
    return Arguments(std::move(values), std::move(positional));
  }

  CLI::App app_;
  std::vector<std::unique_ptr<Entry>> entries_;
};

void check_counts(const Verb& verb, const Arguments& arguments) {
  const std::vector<std::string>& given = arguments.positional();
  if (given.size() > verb.arguments_max) {
    refuse(verb, "unexpected argument '" + given[verb.arguments_max] + "'");
  }
  if (given.size() < verb.arguments_min) {
    refuse(verb, "'cinch " + std::string(verb.name) +
                     "' needs more arguments: " + std::string(verb.arguments));
  }
}

}  // namespace

Arguments parse_arguments(const CommandLine& command,
                          std::span<const std::string_view> known_settings,
                          std::span<const std::string_view> boolean_settings) {
  Parser parser;
  for (const Option& option : command.verb->options) {
    parser.add(option.names, option.key(), option.value_count());
  }
  for (const Option& option : global_options) {
    parser.add(option.names, option.key(), option.value_count());
  }
  // Only those that are there: declaring all of them would cost more than everything else.
  std::set<std::string_view> flags;
  for (const std::string_view word : command.rest) {
    if (word.starts_with("--")) flags.insert(word.substr(0, word.find('=')));
  }
  for (const std::string_view setting : known_settings) {
    const bool boolean = std::find(boolean_settings.begin(), boolean_settings.end(), setting) !=
                         boolean_settings.end();
    const std::string plain = "--" + std::string(setting);
    const std::string other = (boolean ? "--no-" : "--extra-") + std::string(setting);
    for (const std::string& name : {plain, other}) {
      if (flags.contains(name) && !parser.knows(name)) parser.add(name, name, boolean ? 0 : 1);
    }
  }
  Arguments arguments = parser.parse(command);
  const bool only_told = arguments.has("--help") || arguments.has("--version");
  if (!only_told) check_counts(*command.verb, arguments);
  return arguments;
}

}  // namespace cinch::cli
