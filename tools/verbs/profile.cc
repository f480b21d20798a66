// profile history, profile set, profile rollback, profile wipe-history.
#include "../context.hh"
#include "../generations.hh"
#include "../installable.hh"
#include "../json_text.hh"
#include "../verbs.hh"

#include <cinch/core/error.hh>

#include <charconv>
#include <ctime>
#include <filesystem>
#include <system_error>

namespace cinch::cli {

namespace {

// --profile; else what ~/.nix-profile, which Nix makes, points to.
Profile chosen_profile(const Context& context) {
  if (const auto name = context.arguments.value("--profile")) {
    return Profile(std::filesystem::absolute(*name).string());
  }
  const std::filesystem::path link =
      std::filesystem::path(context.variable("HOME")) / ".nix-profile";
  std::error_code error;
  const std::filesystem::path target = std::filesystem::read_symlink(link, error);
  if (error) context.refuse("name a profile with --profile; there is no ~/.nix-profile");
  return Profile(std::filesystem::absolute(link.parent_path() / target).string());
}

GenerationNumber parse_number(const Context& context, const std::string& text) {
  GenerationNumber number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) {
    context.refuse("'" + text + "' is not the number of a version");
  }
  return number;
}

std::string local_time(std::int64_t seconds) {
  const std::time_t time = seconds;
  std::tm parts{};
  char text[64];
  if (localtime_r(&time, &parts) == nullptr ||
      std::strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S", &parts) == 0) {
    return std::to_string(seconds);
  }
  return text;
}

std::string json_of(const Generation& generation, bool current) {
  return json_object({{"created", std::to_string(generation.created)},
                      {"current", current ? "true" : "false"},
                      {"path", json_string(generation.target)},
                      {"version", std::to_string(generation.number)}});
}

int run_history(Context& context) {
  const Generations generations = chosen_profile(context).list();
  std::vector<std::string> list;
  for (const Generation& generation : generations.all) {
    const bool current = generation.number == generations.current;
    if (context.has("--json")) {
      list.push_back(json_of(generation, current));
      continue;
    }
    context.output.line(std::to_string(generation.number) + "\t" + local_time(generation.created) +
                        "\t" + generation.target + (current ? "\tcurrent" : ""));
  }
  if (context.has("--json")) context.output.line(json_array(list));
  return 0;
}

int run_set(Context& context) {
  const std::stop_token stop = context.interruption.begin();
  Profile profile = chosen_profile(context);
  const std::unique_ptr<Store> store = context.open_store();
  const StorePathSet paths = installable_paths(*store, context.arguments.positional());
  if (paths.size() != 1) context.refuse("a profile can only stand for one path");
  context.output.line(profile.set(*store, *paths.begin(), stop).link);
  return 0;
}

int run_rollback(Context& context) {
  const std::stop_token stop = context.interruption.begin();
  Profile profile = chosen_profile(context);
  const std::optional<GenerationNumber> before = profile.list().current;
  GenerationNumber number = 0;
  if (const auto wanted = context.arguments.value("--to")) {
    number = parse_number(context, *wanted);
    profile.switch_to(number, stop);
  } else {
    number = profile.roll_back(stop);
  }
  context.console.message(Verbosity::notice, "switching profile from version " +
                                                 std::to_string(before.value_or(0)) + " to " +
                                                 std::to_string(number));
  return 0;
}

Profile::Choose chosen_generations(const Context& context) {
  const std::vector<std::string>& numbers = context.arguments.positional();
  const auto days = context.arguments.value("--older-than");
  const auto kept = context.arguments.value("--keep");
  if ((days ? 1 : 0) + (kept ? 1 : 0) + (numbers.empty() ? 0 : 1) > 1) {
    context.refuse("give only one of --older-than, --keep and numbers");
  }
  if (days) return older_than(*days);
  if (kept) {
    const GenerationNumber count = parse_number(context, *kept);
    if (count == 0) context.refuse("--keep needs a number greater than 0");
    return [count](const Generations& generations) { return beyond_count(generations, count); };
  }
  if (numbers.empty()) return all_but_current;
  std::vector<GenerationNumber> chosen;
  for (const std::string& number : numbers) chosen.push_back(parse_number(context, number));
  return [chosen](const Generations&) { return chosen; };
}

int run_wipe_history(Context& context) {
  const std::stop_token stop = context.interruption.begin();
  Profile profile = chosen_profile(context);
  remove_generations(context, profile, chosen_generations(context), context.has("--dry-run"), stop);
  return 0;
}

constexpr Option profile_option = {"--profile", "LINK",
                                   "the profile (default: what ~/.nix-profile points to)"};
constexpr Option history_options[] = {profile_option, {"--json", "", "print a list of objects"}};
constexpr Option set_options[] = {profile_option};
constexpr Option rollback_options[] = {profile_option,
                                       {"--to", "VERSION", "switch to this version instead"}};
constexpr Option wipe_options[] = {
    profile_option,
    {"--older-than", "DAYS", "only versions that had been replaced so long ago, such as 30d"},
    {"--keep", "NUMBER", "keep so many: the current one, those before it, and newer ones"},
    {"--dry-run", "", "only show what would be deleted"},
};

constexpr Verb table[] = {
    {"profile history", "List the versions of a profile", "", 0, 0,
     "Prints number, time and path of each version, with tabs between.",
     "cinch profile history --profile /nix/var/nix/profiles/default", history_options, run_history},
    {"profile set", "Make a new version of a profile", "PATH", 1, 1,
     "The profile then points to PATH, and keeps it alive. Prints the name of the version's link.",
     "cinch profile set --profile ./tools /nix/store/<hash>-<name>", set_options, run_set},
    {"profile rollback", "Switch a profile to an earlier version", "", 0, 0,
     "Without --to, to the version before the current one.",
     "cinch profile rollback --profile ./tools --to 3", rollback_options, run_rollback},
    {"profile wipe-history", "Delete versions of a profile", "[VERSION]...", 0, any_number,
     "Without an option or a number, all but the current one. What only they kept alive is garbage "
     "then.",
     "cinch profile wipe-history --profile ./tools --older-than 30d", wipe_options,
     run_wipe_history},
};

}  // namespace

constinit const std::span<const Verb> profile_verbs = table;

}  // namespace cinch::cli
