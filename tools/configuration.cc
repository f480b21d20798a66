#include "configuration.hh"

#include <cinch/core/error.hh>
#include <cinch/files/descriptor.hh>
#include <cinch/files/directory.hh>

#include <algorithm>
#include <cerrno>
#include <optional>
#include <set>
#include <string>

#include <fcntl.h>
#include <unistd.h>

namespace cinch::cli {

namespace {

constexpr std::uint64_t config_file_bytes_max = std::uint64_t{16} << 20;

std::string variable(const Environment& environment, const std::string& name) {
  const auto found = environment.find(name);
  return found == environment.end() ? std::string() : found->second;
}

// A file that exists but cannot be read counts as empty, as Nix has it.
std::optional<std::string> read_config_file(const std::string& name) {
  const Descriptor file(::open(name.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file && (errno == ENOENT || errno == ENOTDIR)) return std::nullopt;
  if (!file) return std::string();
  DescriptorSource source(file.get(), name);
  try {
    return read_all(source, config_file_bytes_max);
  } catch (const Error& error) {
    if (error.code() != Code::io) throw;
    return std::string();  // a directory, for example
  }
}

std::vector<std::string> split(const std::string& text, char separator) {
  std::vector<std::string> parts;
  std::size_t start = 0;
  while (start <= text.size()) {
    const std::size_t end = std::min(text.find(separator, start), text.size());
    if (end > start) parts.push_back(text.substr(start, end - start));
    start = end + 1;
  }
  return parts;
}

// In the order of reading: the first of the user's files wins, so it is read last.
std::vector<std::string> config_files(const Environment& environment) {
  const std::string system_directory = variable(environment, "NIX_CONF_DIR");
  const std::string home = variable(environment, "HOME");
  std::vector<std::string> files = {
      (system_directory.empty() ? std::string("/etc/nix") : system_directory) + "/nix.conf"};
  std::vector<std::string> user_files;
  if (const auto listed = environment.find("NIX_USER_CONF_FILES"); listed != environment.end()) {
    user_files = split(listed->second, ':');
  } else {
    std::string directory = variable(environment, "NIX_CONFIG_HOME");
    if (directory.empty()) {
      directory = variable(environment, "XDG_CONFIG_HOME");
      if (directory.empty() && !home.empty()) directory = home + "/.config";
      if (!directory.empty()) directory += "/nix";
    }
    if (!directory.empty()) user_files.push_back(directory + "/nix.conf");
    std::string shared = variable(environment, "XDG_CONFIG_DIRS");
    if (shared.empty()) shared = "/etc/xdg";
    for (const std::string& part : split(shared, ':')) {
      user_files.push_back(part + "/nix/nix.conf");
    }
  }
  files.insert(files.end(), user_files.rbegin(), user_files.rend());
  return files;
}

// What the command line says, as lines of a configuration file.
std::vector<ConfigLine> command_line_settings(const Arguments& arguments) {
  const std::string origin = "the command line";
  std::vector<ConfigLine> lines;
  const std::vector<std::string> pairs = arguments.values("--option");
  for (std::size_t at = 0; at + 1 < pairs.size(); at += 2) {
    lines.push_back({pairs[at], pairs[at + 1], origin, 0});
  }
  for (const std::string_view name : setting_names().all) {
    const std::string text(name);
    if (const auto value = arguments.value("--" + text)) {
      lines.push_back({text, *value, origin, 0});
    }
    if (arguments.has("--no-" + text)) lines.push_back({text, "false", origin, 0});
    if (const auto value = arguments.value("--extra-" + text)) {
      lines.push_back({"extra-" + text, *value, origin, 0});
    }
  }
  return lines;
}

}  // namespace

Environment read_environment() {
  Environment environment;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view text(*entry);
    const std::size_t equals = text.find('=');
    if (equals == std::string_view::npos) continue;
    environment.emplace(text.substr(0, equals), text.substr(equals + 1));
  }
  return environment;
}

SettingNames setting_names() {
  SettingNames names;
  names.all = Settings::names();
  const Settings defaults;
  for (const std::string_view name : names.all) {
    const std::string value = defaults.get(name);
    if (value == "true" || value == "false") names.boolean.push_back(name);
  }
  return names;
}

Settings load_settings(const Arguments& arguments, const Environment& environment,
                       Console& console) {
  Settings settings;
  if (const std::string remote = variable(environment, "NIX_REMOTE"); !remote.empty()) {
    settings.store = remote;
  }
  std::set<std::string> warned;
  const auto apply = [&](const std::vector<ConfigLine>& lines) {
    for (const ConfigLine& unknown : apply_config(settings, lines)) {
      if (!warned.insert(unknown.name).second) continue;
      std::string place = unknown.file;
      if (unknown.line > 0) place += ":" + std::to_string(unknown.line);
      console.warn("unknown setting '" + unknown.name + "' in " + place);
    }
  };
  for (const std::string& file : config_files(environment)) {
    if (const std::optional<std::string> text = read_config_file(file)) {
      apply(parse_config(*text, file, read_config_file));
    }
  }
  if (const std::string text = variable(environment, "NIX_CONFIG"); !text.empty()) {
    apply(parse_config(text, "NIX_CONFIG", read_config_file));
  }
  for (const ConfigLine& line : command_line_settings(arguments)) {
    // An error in a file names the place; here everybody knows it.
    if (!settings.set(line.name, line.value)) apply({line});
  }
  return settings;
}

}  // namespace cinch::cli
