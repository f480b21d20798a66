#include "programs.hh"

#include "../verbs.hh"

#include <cinch/core/error.hh>

#include <algorithm>
#include <deque>

namespace cinch::cli {

namespace {

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

// "-qR" is "-q" and "-R"; "-j3" is "-j" and "3".
void take_apart(std::deque<std::string>& words) {
  const std::string word = words.front();
  if (word.size() < 3 || word[0] != '-' || !is_letter(word[1])) return;
  words.pop_front();
  std::vector<std::string> parts = {word.substr(0, 2)};
  for (std::size_t at = 2; at < word.size(); ++at) {
    if (!is_letter(word[at])) {
      parts.push_back(word.substr(at));
      break;
    }
    parts.push_back({'-', word[at]});
  }
  words.insert(words.begin(), parts.begin(), parts.end());
}

// Older, or shorter, names of settings and of options.
struct CommonName {
  std::string_view name;
  std::string_view key;
  std::size_t value_count;
};
constexpr CommonName common_names[] = {
    {"-v", "--verbose", 0},     {"-j", "--max-jobs", 1},        {"-k", "--keep-going", 0},
    {"-K", "--keep-failed", 0}, {"-Q", "--no-build-output", 0}, {"--no-build-output", "", 0},
    {"--no-gc-warning", "", 0}, {"--readonly-mode", "", 0},
};

const Option* find_option(std::span<const Option> options, std::string_view name) {
  for (const Option& option : options) {
    if (has_name(option.names, name)) return &option;
  }
  return nullptr;
}

class Parser {
 public:
  Parser(const Verb& program, std::span<const std::string_view> known_settings,
         std::span<const std::string_view> boolean_settings)
      : program_(program), known_(known_settings), boolean_(boolean_settings) {}

  Arguments parse(const std::vector<std::string>& given) {
    words_.assign(given.begin(), given.end());
    while (!words_.empty()) {
      if (words_.front() == "--" && !literal_) {
        literal_ = true;
        words_.pop_front();
        continue;
      }
      if (!literal_) take_apart(words_);
      const std::string word = next();
      if (literal_ || !word.starts_with('-') || !take_common(word)) keep(word);
    }
    return Arguments(std::move(values_), std::move(own_));
  }

 private:
  std::string next() {
    std::string word = std::move(words_.front());
    words_.pop_front();
    return word;
  }

  std::string value_of(const std::string& flag) {
    if (words_.empty()) {
      throw Error(Code::invalid_argument, "flag '" + flag + "' requires an argument")
          .hint("see '" + std::string(program_.name) + " --help'");
    }
    return next();
  }

  void keep(const std::string& word) {
    own_.push_back(word);
    const Option* option = find_option(program_.options, word);
    if (option == nullptr) return;
    for (std::size_t count = option->value_count(); count > 0; --count) {
      own_.push_back(value_of(word));
    }
  }

  bool take_common(const std::string& word) {
    if (find_option(program_.options, word) != nullptr) return false;
    for (const CommonName& common : common_names) {
      if (common.name != word) continue;
      take(word, std::string(common.key.empty() ? common.name : common.key), common.value_count);
      return true;
    }
    if (const Option* option = find_option(global_options, word)) {
      take(word, std::string(option->key()), option->value_count());
      return true;
    }
    return take_setting(word);
  }

  // --NAME VALUE, --extra-NAME VALUE; --NAME and --no-NAME.
  bool take_setting(const std::string& word) {
    const auto is_one = [&](std::string_view prefix, std::span<const std::string_view> names) {
      return word.starts_with(prefix) &&
             std::ranges::find(names, std::string_view(word).substr(prefix.size())) != names.end();
    };
    if (is_one("--", boolean_) || is_one("--no-", boolean_)) {
      take(word, word, 0);
    } else if (is_one("--", known_) || is_one("--extra-", known_)) {
      take(word, word, 1);
    } else {
      return false;
    }
    return true;
  }

  void take(const std::string& word, const std::string& key, std::size_t value_count) {
    std::vector<std::string>& values = values_[key];
    if (value_count == 0) values.emplace_back("true");
    for (; value_count > 0; --value_count) values.push_back(value_of(word));
  }

  const Verb& program_;
  std::span<const std::string_view> known_;
  std::span<const std::string_view> boolean_;
  std::deque<std::string> words_;
  bool literal_ = false;
  Arguments::Values values_;
  std::vector<std::string> own_;
};

}  // namespace

bool has_name(std::string_view names, std::string_view name) {
  while (!names.empty()) {
    const std::string_view one = names.substr(0, names.find(','));
    if (one == name) return true;
    names.remove_prefix(std::min(names.size(), one.size() + 1));
  }
  return false;
}

std::vector<const Verb*> legacy_programs() {
  return {&nix_store_program, &nix_collect_garbage_program, &nix_copy_closure_program,
          &nix_hash_program};
}

const Verb* find_legacy_program(std::string_view name) {
  for (const Verb* program : legacy_programs()) {
    if (program->name == name) return program;
  }
  return nullptr;
}

CommandLine find_legacy_command(std::string_view called, std::span<const std::string> arguments) {
  CommandLine command;
  command.words = called.substr(called.rfind('/') + 1);
  command.verb = find_legacy_program(command.words);
  if (command.verb == nullptr && !arguments.empty()) {
    command.words = arguments.front();
    command.verb = find_legacy_program(command.words);
    arguments = arguments.subspan(1);
  }
  command.rest.assign(arguments.begin(), arguments.end());
  return command;
}

Arguments parse_legacy_arguments(const CommandLine& command,
                                 std::span<const std::string_view> known_settings,
                                 std::span<const std::string_view> boolean_settings) {
  return Parser(*command.verb, known_settings, boolean_settings).parse(command.rest);
}

std::vector<LegacyWord> legacy_words(const Verb& program, const Arguments& arguments) {
  std::vector<LegacyWord> words;
  const std::vector<std::string>& given = arguments.positional();
  for (std::size_t at = 0; at < given.size(); ++at) {
    LegacyWord& word = words.emplace_back(LegacyWord{given[at], {}});
    const Option* option = find_option(program.options, word.text);
    if (option != nullptr && option->value_count() > 0) word.value = given[++at];
  }
  return words;
}

}  // namespace cinch::cli
