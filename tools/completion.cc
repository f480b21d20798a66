#include "completion.hh"

#include "verbs.hh"

#include <cinch/core/error.hh>

#include <algorithm>
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

struct Child {
  std::string word;
  std::string summary;
};

// What may follow some words.
struct Group {
  std::string name;  // the words; empty: none yet
  std::vector<Child> children;
};

Group& find_group(std::vector<Group>& groups, const std::string& name) {
  for (Group& group : groups) {
    if (group.name == name) return group;
  }
  return groups.emplace_back(Group{name, {}});
}

std::vector<std::string> words_of(std::string_view name) {
  std::vector<std::string> words;
  while (!name.empty()) {
    const std::size_t length = std::min(name.find(' '), name.size());
    words.emplace_back(name.substr(0, length));
    name.remove_prefix(std::min(length + 1, name.size()));
  }
  return words;
}

// The one without a name comes first.
std::vector<Group> groups() {
  std::vector<Group> result;
  for (const Verb* verb : all_verbs()) {
    std::string before;
    for (const std::string& word : words_of(verb->name)) {
      const std::string name = before + (before.empty() ? "" : " ") + word;
      std::vector<Child>& children = find_group(result, before).children;
      if (children.empty() || children.back().word != word) {
        const bool whole = name == verb->name;
        children.push_back({word, whole ? std::string(verb->summary) : name + " commands"});
      }
      before = name;
    }
  }
  return result;
}

std::string child_words(const Group& group) {
  std::string words;
  for (const Child& child : group.children) words += (words.empty() ? "" : " ") + child.word;
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
  std::string names;
  for (const Group& group : groups()) {
    if (!group.name.empty()) names += (names.empty() ? "'" : "|'") + group.name + "'";
  }
  return text +
         "      -*) ;;\n"
         "      *) case $verb in\n"
         "           '') verb=$word ;;\n"
         "           " +
         names +
         ") verb+=\" $word\" ;;\n"
         "         esac ;;\n"
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
      "  case $verb in\n";
  for (const Group& group : groups()) {
    text += "    '" + group.name + "') words='" + child_words(group) + "' ;;\n";
  }
  for (const Verb* verb : all_verbs()) {
    text +=
        "    '" + std::string(verb->name) + "') words='" + option_words(verb->options) + "' ;;\n";
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
      "  case $verb in\n";
  for (const Group& group : groups()) {
    text += "    '" + group.name + "')\n      found=(\n";
    for (const Child& child : group.children) {
      text += "        '" + child.word + ":" + quoted(child.summary, true) + "'\n";
    }
    text += "      )\n      _describe command found ;;\n";
  }
  for (const Verb* verb : all_verbs()) {
    text += "    '" + std::string(verb->name) + "')\n      found=(\n" + zsh_options(verb->options) +
            "      )\n" + "      _arguments $found $global '*:file:_files' ;;\n";
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

// True when each of the words has been given.
std::string fish_seen(std::string_view words) {
  std::string condition;
  for (const std::string& word : words_of(words)) {
    condition += (condition.empty() ? "" : "; and ") + ("__fish_seen_subcommand_from " + word);
  }
  return condition;
}

std::string fish_script() {
  std::string text = "# fish completion for cinch; written by 'cinch __completion fish'.\n";
  for (const Group& group : groups()) {
    const std::string condition =
        group.name.empty()
            ? "__fish_use_subcommand"
            : fish_seen(group.name) + "; and not __fish_seen_subcommand_from " + child_words(group);
    for (const Child& child : group.children) {
      text += "complete -c cinch -f -n '" + condition + "' -a " + child.word + " -d '" +
              quoted(child.summary, false) + "'\n";
    }
  }
  for (const Verb* verb : all_verbs()) {
    text += fish_options(verb->options, fish_seen(verb->name));
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
