// The `cinch` command: finds the verb, reads the settings, runs it, and turns what happens into an
// exit status (docs/cli.md lists them).
#include "command_line.hh"
#include "completion.hh"
#include "configuration.hh"
#include "context.hh"
#include "help.hh"
#include "interruption.hh"
#include "legacy/programs.hh"
#include "verbs.hh"

#include <cinch/core/error.hh>

#include <algorithm>
#include <exception>

#include <signal.h>
#include <unistd.h>

namespace cinch::cli {

namespace {

constexpr int exit_success = 0;
constexpr int exit_failure = 1;
constexpr int exit_status_of_signal = 128;  // plus its number, as shells count

std::string version_line(std::string_view name = "cinch") {
  return std::string(name) + " (Cinch) " CINCH_VERSION;
}

bool contains(std::span<const std::string> words, std::string_view word) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

// What can be said without a verb. Returns the exit status.
int run_without_verb(const CommandLine& command, Output& output) {
  if (command.words.empty() && contains(command.rest, "--version")) {
    output.line(version_line());
    return exit_success;
  }
  const bool wants_help =
      contains(command.rest, "--help") || contains(command.rest, "-h") || command.words == "help";
  if (wants_help && (command.words.empty() || command.words == "help")) {
    std::string name;
    for (const std::string& word : command.rest) {
      if (!word.starts_with('-')) name += (name.empty() ? "" : " ") + word;
    }
    const Verb* verb = find_verb(name);
    output.print(verb != nullptr  ? verb_help(*verb)
                 : is_group(name) ? group_help(name)
                                  : overview_help());
    return exit_success;
  }
  if (wants_help && is_group(command.words)) {
    output.print(group_help(command.words));
    return exit_success;
  }
  if (command.words == "__completion") {
    output.print(completion_script(command.rest.empty() ? "" : command.rest.front()));
    return exit_success;
  }
  if (command.words.empty()) {
    throw Error(Code::invalid_argument, "no command given").hint("see 'cinch --help'");
  }
  if (is_group(command.words)) {
    throw Error(Code::invalid_argument, "'cinch " + command.words + "' needs a command")
        .hint("see 'cinch " + command.words + " --help'");
  }
  const std::string similar = similar_verb(command.words);
  throw Error(Code::invalid_argument, "there is no command '" + command.words + "'")
      .hint(similar.empty() ? "see 'cinch --help'" : "did you mean '" + similar + "'?");
}

ConsoleOptions console_options(const Arguments& arguments, const Environment& environment) {
  const auto variable = [&](const char* name) {
    const auto found = environment.find(name);
    return found == environment.end() ? std::string() : found->second;
  };
  ConsoleOptions options;
  options.terminal = isatty(options.descriptor) == 1;
  const bool terminal = options.terminal && variable("TERM") != "dumb";
  options.colours = terminal && variable("NO_COLOR").empty();
  options.build_logs = arguments.has("--print-build-logs");
  std::string format = arguments.value("--log-format").value_or("bar");
  constexpr std::string_view with_logs = "-with-logs";
  if (format.ends_with(with_logs)) {
    options.build_logs = true;
    format.resize(format.size() - with_logs.size());
  }
  if (format == "internal-json") {
    options.format = LogFormat::internal_json;
  } else if (format == "bar" && terminal) {
    options.format = LogFormat::bar;
  } else if (format != "raw" && format != "bar") {
    throw Error(Code::invalid_argument, "unknown log format '" + format + "'")
        .hint("use raw, raw-with-logs, bar, bar-with-logs or internal-json");
  }
  int level = static_cast<int>(Verbosity::notice);
  level += static_cast<int>(arguments.count("--verbose"));
  level -= static_cast<int>(arguments.count("--quiet"));
  if (arguments.has("--debug")) level = static_cast<int>(Verbosity::debug);
  level = std::clamp(level, static_cast<int>(Verbosity::error), static_cast<int>(Verbosity::vomit));
  options.verbosity = static_cast<Verbosity>(level);
  return options;
}

// Where store paths start, as far as messages are concerned; the store itself decides for work.
StoreDir store_dir_for_messages(const Environment& environment) {
  const auto found = environment.find("NIX_STORE_DIR");
  return found == environment.end() || found->second.empty() ? StoreDir() : StoreDir(found->second);
}

// What was called, by which name.
struct Call {
  std::string_view name;  // argv[0]
  std::span<const std::string> words;
};

int run(const Call& call, Output& output, Console& console, Interruption& interruption) {
  const SettingNames names = setting_names();
  CommandLine command = find_legacy_command(call.name, call.words);
  Arguments arguments;
  const bool is_legacy = command.verb != nullptr;
  if (is_legacy) {
    arguments = parse_legacy_arguments(command, names.all, names.boolean);
  } else {
    command = find_command(call.words);
    if (command.verb == nullptr) return run_without_verb(command, output);
    arguments = parse_arguments(command, names.all, names.boolean);
  }
  if (arguments.has("--help")) {
    output.print(verb_help(*command.verb));
    return exit_success;
  }
  if (arguments.has("--version")) {
    output.line(version_line(is_legacy ? command.verb->name : "cinch"));
    return exit_success;
  }
  Environment environment = read_environment();
  ConsoleOptions options = console_options(arguments, environment);
  options.store_dir = store_dir_for_messages(environment);
  console.configure(std::move(options));
  Settings settings = load_settings(arguments, environment, console);
  Context context{.verb = *command.verb,
                  .arguments = std::move(arguments),
                  .settings = std::move(settings),
                  .environment = std::move(environment),
                  .output = output,
                  .console = console,
                  .interruption = interruption};
  return command.verb->run(context);
}

// What was printed before an error still counts.
void tell(const Error& error, Output& output, Console& console, const Interruption& interruption) {
  console.finish();
  output.flush();
  if (error.code() == Code::cancelled && interruption.signal() != 0) {
    console.error("interrupted by the user");
  } else {
    console.error(error);
  }
}

}  // namespace

// The words, after the name by which the command was called if that is one of Nix's for a verb:
// nix-daemon.
static std::vector<std::string> words_of_call(std::string_view name,
                                              std::vector<std::string> words) {
  name.remove_prefix(name.rfind('/') + 1);
  if (name.starts_with("nix-") && find_verb(name) != nullptr) {
    words.insert(words.begin(), std::string(name));
  }
  return words;
}

// As `run`, with every error told and turned into a status.
static int run_guarded(const Call& call, Output& output, Console& console) {
  Interruption interruption;
  int status = exit_failure;
  try {
    try {
      status = run(call, output, console, interruption);
      console.finish();
      output.flush();
    } catch (const Error& error) {
      tell(error, output, console, interruption);
      status = exit_failure;
    }
  } catch (const std::exception& error) {
    console.finish();
    console.error(error.what());
    status = exit_failure;
  }
  if (interruption.signal() != 0 && status != exit_success) {
    return exit_status_of_signal + interruption.signal();
  }
  return status;
}

}  // namespace cinch::cli

int main(int argc, char** argv) {
  // A reader that goes away is found out by write(), so that a daemon outlives its clients.
  signal(SIGPIPE, SIG_IGN);
  const std::string_view name = argc > 0 ? argv[0] : "";
  const std::vector<std::string> words =
      cinch::cli::words_of_call(name, {argv + (argc > 0 ? 1 : 0), argv + argc});
  cinch::cli::Output output(STDOUT_FILENO);
  cinch::cli::Console console;
  try {
    return cinch::cli::run_guarded({.name = name, .words = words}, output, console);
  } catch (const cinch::cli::OutputClosed&) {
    // Ends as every other program in a pipe does.
    console.finish();
    signal(SIGPIPE, SIG_DFL);
    raise(SIGPIPE);
    return 1;
  }
}
