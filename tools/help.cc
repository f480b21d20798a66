#include "help.hh"

#include "verbs.hh"

#include <algorithm>
#include <vector>

namespace cinch::cli {

namespace {

constexpr std::size_t line_columns = 80;
constexpr std::size_t option_columns = 30;

std::string wrapped(std::string_view text, std::size_t indent) {
  std::string result;
  std::size_t column = indent;
  while (!text.empty()) {
    const std::size_t length = std::min(text.find(' '), text.size());
    if (column > indent && column + 1 + length > line_columns) {
      result += '\n';
      result.append(indent, ' ');
      column = indent;
    } else if (column > indent) {
      result += ' ';
      ++column;
    }
    result += text.substr(0, length);
    column += length;
    text.remove_prefix(std::min(length + 1, text.size()));
  }
  return result;
}

std::string two_columns(std::string left, std::string_view right, std::size_t width) {
  left = "  " + left;
  if (left.size() + 2 > width) {
    left += '\n';
    left.append(width, ' ');
  } else {
    left.append(width - left.size(), ' ');
  }
  return left + wrapped(right, width) + "\n";
}

std::string option_lines(std::span<const Option> options) {
  std::string text;
  for (const Option& option : options) {
    std::string left;
    if (option.names.starts_with("--")) left = "    ";
    for (const char c : option.names) {
      left += c;
      if (c == ',') left += ' ';
    }
    if (!option.value.empty()) left += " " + std::string(option.value);
    text += two_columns(std::move(left), option.help, option_columns);
  }
  return text;
}

std::string verb_lines(std::string_view group) {
  std::string text;
  for (const Verb* verb : all_verbs()) {
    if (!group.empty() && !verb->name.starts_with(std::string(group) + " ")) continue;
    text += two_columns(std::string(verb->name), verb->summary, option_columns);
  }
  if (!text.empty()) return text;
  for (const VerbAlias& alias : verb_aliases) {  // a group of older or newer names only
    if (!alias.name.starts_with(std::string(group) + " ")) continue;
    text += two_columns(std::string(alias.name), find_verb(alias.verb)->summary, option_columns);
  }
  return text;
}

std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t above = row[j];
      row[j] = std::min({above + 1, row[j - 1] + 1, diagonal + (a[i - 1] == b[j - 1] ? 0 : 1)});
      diagonal = above;
    }
  }
  return row[b.size()];
}

}  // namespace

std::string overview_help() {
  return "Usage: cinch [OPTION]... COMMAND [ARGUMENT]...\n\n"
         "Builds, stores and inspects Nix store objects.\n\n"
         "Commands:\n" +
         verb_lines("") + "\nOptions of every command:\n" + option_lines(global_options) + "\n" +
         wrapped(
             "Settings come from nix.conf, NIX_CONFIG and the command line: every setting can "
             "be given as --NAME VALUE. 'cinch COMMAND --help' says more.",
             0) +
         "\n";
}

std::string group_help(std::string_view group) {
  return "Usage: cinch " + std::string(group) + " COMMAND [ARGUMENT]...\n\nCommands:\n" +
         verb_lines(group) + "\n'cinch " + std::string(group) + " COMMAND --help' says more.\n";
}

std::string verb_help(const Verb& verb) {
  std::string text = "Usage: cinch " + std::string(verb.name) + " [OPTION]...";
  if (!verb.arguments.empty()) text += " " + std::string(verb.arguments);
  text += "\n\n" + wrapped(verb.summary, 0) + ".\n";
  if (!verb.description.empty()) text += "\n" + wrapped(verb.description, 0) + "\n";
  if (!verb.options.empty()) text += "\nOptions:\n" + option_lines(verb.options);
  text += "\nExample:\n";
  std::string_view example = verb.example;
  while (!example.empty()) {
    const std::size_t length = std::min(example.find('\n'), example.size());
    text += "  $ " + std::string(example.substr(0, length)) + "\n";
    example.remove_prefix(std::min(length + 1, example.size()));
  }
  text += "\nOptions of every command:\n" + option_lines(global_options);
  return text;
}

std::string similar_verb(std::string_view words) {
  const Verb* nearest = nullptr;
  std::size_t nearest_distance = words.size() / 3 + 2;
  for (const Verb* verb : all_verbs()) {
    const std::size_t found = distance(words, verb->name);
    if (found >= nearest_distance) continue;
    nearest = verb;
    nearest_distance = found;
  }
  return nearest == nullptr ? std::string() : std::string(nearest->name);
}

}  // namespace cinch::cli
