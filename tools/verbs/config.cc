// config show.
#include "../context.hh"
#include "../json_text.hh"
#include "../verbs.hh"

#include <cinch/core/error.hh>

#include <algorithm>
#include <set>

namespace cinch::cli {

namespace {

// Settings that are lists, whatever they hold now.
constexpr std::string_view lists[] = {
    "allowed-users",    "experimental-features", "extra-platforms",     "sandbox-paths",
    "secret-key-files", "system-features",       "trusted-public-keys", "trusted-users"};

// A value with the type that it has in Nix's JSON.
std::string typed(std::string_view name, const std::string& text) {
  if (std::find(std::begin(lists), std::end(lists), name) != std::end(lists)) {
    std::vector<std::string> words;
    std::size_t start = 0;
    while (start < text.size()) {
      const std::size_t end = std::min(text.find(' ', start), text.size());
      if (end > start) words.push_back(json_string(text.substr(start, end - start)));
      start = end + 1;
    }
    return json_array(words);
  }
  if (text == "true" || text == "false") return text;
  const bool number = !text.empty() && text.find_first_not_of("0123456789") == std::string::npos;
  return number ? text : json_string(text);
}

// Names of what was set that has no meaning here.
std::set<std::string> other_names(const Settings& settings) {
  constexpr std::string_view extra = "extra-";
  std::set<std::string> names;
  for (const ConfigLine& line : settings.others) {
    const std::string base =
        line.name.starts_with(extra) ? line.name.substr(extra.size()) : line.name;
    names.insert(settings.find_other(base) ? base : line.name);
  }
  return names;
}

int run_show(Context& context) {
  const std::vector<std::string>& given = context.arguments.positional();
  if (!given.empty()) {
    const auto other = context.settings.find_other(given.front());
    context.output.line(other ? *other : context.settings.get(given.front()));
    return 0;
  }
  const Settings defaults;
  JsonMembers members;
  for (const std::string_view name : Settings::names()) {
    const std::string value = context.settings.get(name);
    if (context.has("--json")) {
      members.emplace_back(name, json_object({{"value", typed(name, value)},
                                              {"defaultValue", typed(name, defaults.get(name))}}));
    } else {
      context.output.line(std::string(name) + " = " + value);
    }
  }
  for (const std::string& name : other_names(context.settings)) {
    const std::string value = context.settings.find_other(name).value_or("");
    if (context.has("--json")) {
      members.emplace_back(name, json_object({{"value", json_string(value)}}));
    } else {
      context.output.line(name + " = " + value);
    }
  }
  if (context.has("--json")) context.output.line(json_object(members));
  return 0;
}

constexpr Option options[] = {{"--json", "", "print values and defaults as JSON"}};

constexpr Verb table[] = {
    {"config show", "Print the settings that are in force", "[NAME]", 0, 1,
     "With NAME, prints that value only. Settings come from nix.conf, the user's files, NIX_CONFIG "
     "and the command line, in that order; the last one wins. What is set but has no meaning here "
     "comes last.",
     "cinch config show max-jobs", options, run_show},
};

}  // namespace

constinit const std::span<const Verb> config_verbs = table;

}  // namespace cinch::cli
