#include "completion.hh"

#include "verbs.hh"

#include <cinch/core/error.hh>

#include <vector>

namespace cinch::cli {

namespace {

std::vector<std::string> names_of(const Option& option) {
  std::vector<std::string> names;
  std::string name;
  for (const char c : option.names) {
    if (c == ',') {
      names.push_back(std::move(name));
      name.clear();
    } else {
      name += c;
    }
  }
  names.push_back(std::move(name));
  return names;
}

// All option names, with a space between.
std::string option_words(std::span<const Option> options) {
  std::string words;
  for (const Option& option : options) {
    for (const std::string& name : names_of(option)) words += (words.empty() ? "" : " ") + name;
  }
  return words;
}

struct Group {
  std::string name;
  std::vector<const Verb*> verbs;  // empty: `name` is a verb itself
};

std::vector<Group> groups() {
  std::vector<Group> result;
  for (const Verb* verb : all_verbs()) {
    const std::string first(verb->name.substr(0, verb->name.find(' ')));
    const bool alone = first == verb->name;
    if (result.empty() || result.back().name != first) result.push_back({first, {}});
    if (!alone) result.back().verbs.push_back(verb);
  }
  return result;
}

std::string second_word(const Verb& verb) {
  return std::string(verb.name.substr(verb.name.find(' ') + 1));
}

std::string first_words() {
  std::string words;
  for (const Group& group : groups()) words += (words.empty() ? "" : " ") + group.name;
  return words;
}

// The loop that finds the verb among the words before the cursor; bash and zsh share it.
std::string find_verb_loop(const std::string& words) {
  std::string text = "  for word in " + words + "; do\n" +
                     "    if ((skip > 0)); then ((skip -= 1)); continue; fi\n" +
                     "    case $word in\n";
  for (const Option& option : global_options) {
    if (option.value_count() == 0) continue;
    text += "      " + std::string(option.names) +
            ") skip=" + std::to_string(option.value_count()) + " ;;\n";
  }
  return text +
         "      -*) ;;\n"
         "      *) if [[ -z $verb ]]; then verb=$word\n"
         "         elif [[ $verb != *' '* ]]; then verb+=\" $word\"; fi ;;\n"
         "    esac\n"
         "  done\n";
}

std::string bash_script() {
  std::string text =
      "# bash completion for cinch; written by 'cinch __completion bash'.\n"
      "_cinch() {\n"
      "  local cur=${COMP_WORDS[COMP_CWORD]} word verb= words= skip=0 global\n"
      "  global='" +
      option_words(global_options) + "'\n" + find_verb_loop("\"${COMP_WORDS[@]:1:COMP_CWORD-1}\"") +
      "  case $verb in\n"
      "    '') words='" +
      first_words() + "' ;;\n";
  for (const Group& group : groups()) {
    if (group.verbs.empty()) continue;
    text += "    '" + group.name + "') words='";
    for (const Verb* verb : group.verbs) {
      text += (verb == group.verbs.front() ? "" : " ") + second_word(*verb);
    }
    text += "' ;;\n";
  }
  for (const Verb* verb : all_verbs()) {
    const std::string name(verb->name);
    const bool alone = name.find(' ') == std::string::npos;
    text += "    '" + name + "'" + (alone ? "|'" + name + " '*" : "") + ") words='" +
            option_words(verb->options) + "' ;;\n";
  }
  text +=
      "  esac\n"
      "  if [[ $cur == -* || -z $verb ]]; then\n"
      "    COMPREPLY=($(compgen -W \"$words $global\" -- \"$cur\"))\n"
      "  elif [[ -n $words && $words != -* ]]; then\n"
      "    COMPREPLY=($(compgen -W \"$words\" -- \"$cur\"))\n"
      "  else\n"
      "    COMPREPLY=($(compgen -f -- \"$cur\"))\n"
      "  fi\n"
      "}\n"
      "complete -o filenames -F _cinch cinch\n";
  return text;
}

// For single quotes of zsh and fish, and for zsh's brackets and colons.
std::string quoted(std::string_view text, bool brackets) {
  std::string result;
  for (const char c : text) {
    if (c == '\'') {
      result += "'\\''";
    } else {
      if (brackets && (c == '[' || c == ']' || c == ':')) result += '\\';
      result += c;
    }
  }
  return result;
}

std::string zsh_options(std::span<const Option> options) {
  std::string text;
  for (const Option& option : options) {
    for (const std::string& name : names_of(option)) {
      text += "    '" + name + "[" + quoted(option.help, true) + "]";
      if (option.value_count() > 0)
        text += ":" + std::string(option.value.substr(0, option.value.find(' '))) + ":_files";
      if (option.value_count() > 1) text += ":value: ";
      text += "'\n";
    }
  }
  return text;
}

std::string zsh_script() {
  std::string text =
      "#compdef cinch\n"
      "# zsh completion for cinch; written by 'cinch __completion zsh'.\n"
      "_cinch() {\n"
      "  local -a found global\n"
      "  local verb= word\n"
      "  local -i skip=0\n"
      "  global=(\n" +
      zsh_options(global_options) + "  )\n" + find_verb_loop("${words[2,CURRENT-1]}") +
      "  case $verb in\n"
      "    '')\n"
      "      found=(\n";
  for (const Group& group : groups()) {
    const Verb* verb = find_verb(group.name);
    const std::string summary =
        verb != nullptr ? std::string(verb->summary) : group.name + " commands";
    text += "        '" + group.name + ":" + quoted(summary, true) + "'\n";
  }
  text += "      )\n      _describe command found ;;\n";
  for (const Group& group : groups()) {
    if (group.verbs.empty()) continue;
    text += "    '" + group.name + "')\n      found=(\n";
    for (const Verb* verb : group.verbs) {
      text += "        '" + second_word(*verb) + ":" + quoted(verb->summary, true) + "'\n";
    }
    text += "      )\n      _describe command found ;;\n";
  }
  for (const Verb* verb : all_verbs()) {
    const std::string name(verb->name);
    const bool alone = name.find(' ') == std::string::npos;
    text += "    '" + name + "'" + (alone ? "|'" + name + " '*" : "") + ")\n      found=(\n" +
            zsh_options(verb->options) + "      )\n" +
            "      _arguments $found $global '*:file:_files' ;;\n";
  }
  return text + "  esac\n}\n_cinch \"$@\"\n";
}

std::string fish_options(std::span<const Option> options, const std::string& condition) {
  std::string text;
  for (const Option& option : options) {
    text += "complete -c cinch";
    if (!condition.empty()) text += " -n '" + condition + "'";
    for (const std::string& name : names_of(option)) {
      text += name.starts_with("--") ? " -l " + name.substr(2) : " -s " + name.substr(1);
    }
    if (option.value_count() > 0) text += " -r";
    text += " -d '" + quoted(option.help, false) + "'\n";
  }
  return text;
}

std::string fish_script() {
  std::string text = "# fish completion for cinch; written by 'cinch __completion fish'.\n";
  for (const Group& group : groups()) {
    const Verb* alone = find_verb(group.name);
    const std::string summary =
        alone != nullptr ? std::string(alone->summary) : group.name + " commands";
    text += "complete -c cinch -f -n __fish_use_subcommand -a " + group.name + " -d '" +
            quoted(summary, false) + "'\n";
    std::string words;
    for (const Verb* verb : group.verbs) words += " " + second_word(*verb);
    for (const Verb* verb : group.verbs) {
      text += "complete -c cinch -f -n '__fish_seen_subcommand_from " + group.name +
              "; and not __fish_seen_subcommand_from" + words + "' -a " + second_word(*verb) +
              " -d '" + quoted(verb->summary, false) + "'\n";
    }
  }
  for (const Verb* verb : all_verbs()) {
    std::string condition =
        "__fish_seen_subcommand_from " + std::string(verb->name.substr(0, verb->name.find(' ')));
    if (verb->name.find(' ') != std::string_view::npos) {
      condition += "; and __fish_seen_subcommand_from " + second_word(*verb);
    }
    text += fish_options(verb->options, condition);
  }
  return text + fish_options(global_options, "");
}

}  // namespace

std::string completion_script(std::string_view shell) {
  if (shell == "bash") return bash_script();
  if (shell == "zsh") return zsh_script();
  if (shell == "fish") return fish_script();
  throw Error(Code::invalid_argument, "there is no completion for '" + std::string(shell) + "'")
      .hint("use bash, zsh or fish");
}

}  // namespace cinch::cli
