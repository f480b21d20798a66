#include <cinch/core/error.hh>
#include <cinch/local/local_store.hh>
#include <cinch/remote/daemon_client.hh>
#include <cinch/remote/open_store.hh>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <climits>
#include <optional>
#include <span>
#include <utility>

#include <unistd.h>

namespace cinch {
namespace {

// Parameters of Nix that tune what this version does not have.
constexpr std::array<std::string_view, 6> without_meaning = {
    "path-info-cache-size", "priority",          "system-features", "trusted",
    "want-mass-query",      "max-connection-age"};
constexpr std::array<std::string_view, 8> of_local = {"build-dir",    "log",  "read-only", "real",
                                                      "require-sigs", "root", "state",     "store"};
constexpr std::array<std::string_view, 6> of_unix = {"log",  "max-connections", "real",
                                                     "root", "state",           "store"};

// The parameters of a URL, each known to the type of store.
class Parameters {
 public:
  Parameters(const StoreUrl& url, std::span<const std::string_view> known) : url_(url) {
    for (const auto& [name, value] : url.parameters) check(name, known);
  }

  std::optional<std::string> text(const std::string& name) const {
    const auto found = url_.parameters.find(name);
    if (found == url_.parameters.end()) return std::nullopt;
    return found->second;
  }
  bool flag(const std::string& name, bool otherwise) const {
    const auto value = text(name);
    if (!value) return otherwise;
    if (*value == "true" || *value == "yes" || *value == "1") return true;
    if (*value == "false" || *value == "no" || *value == "0") return false;
    throw Error(Code::malformed, "'" + *value + "' is neither 'true' nor 'false'").about(name);
  }
  std::uint32_t number(const std::string& name, std::uint32_t otherwise) const {
    const auto value = text(name);
    if (!value) return otherwise;
    std::uint32_t number = 0;
    const char* end = value->data() + value->size();
    const auto [stop, error] = std::from_chars(value->data(), end, number);
    if (error == std::errc() && stop == end) return number;
    throw Error(Code::malformed, "'" + *value + "' is not a number").about(name);
  }

 private:
  void check(const std::string& name, std::span<const std::string_view> known) const {
    const auto is = [&](std::string_view other) { return other == name; };
    if (std::any_of(known.begin(), known.end(), is)) return;
    if (std::any_of(without_meaning.begin(), without_meaning.end(), is)) return;
    std::string list;
    for (const std::string_view other : known) {
      list += (list.empty() ? "" : ", ") + std::string(other);
    }
    throw Error(Code::malformed,
                "stores of type '" + url_.scheme + "' have no parameter '" + name + "'")
        .about(name)
        .hint("the parameters are " + list);
  }

  const StoreUrl& url_;
};

std::string variable(const Environment& environment, const std::string& name,
                     std::string otherwise = {}) {
  const auto found = environment.find(name);
  return found == environment.end() || found->second.empty() ? std::move(otherwise) : found->second;
}

StoreDir store_dir(const Parameters& parameters, const Environment& environment) {
  const std::string from_environment =
      variable(environment, "NIX_STORE_DIR", variable(environment, "NIX_STORE", "/nix/store"));
  return StoreDir(parameters.text("store").value_or(from_environment));
}

// A directory by parameter; else below the root, if there is one; else as the environment says.
std::string directory(const Parameters& parameters, const Environment& environment,
                      const std::string& parameter, const std::string& variable_name,
                      const std::string& place) {
  if (const auto chosen = parameters.text(parameter)) return *chosen;
  const std::string root = parameters.text("root").value_or("");
  return root.empty() ? variable(environment, variable_name, place) : root + place;
}

std::string state_directory(const Parameters& parameters, const Environment& environment) {
  return directory(parameters, environment, "state", "NIX_STATE_DIR", "/nix/var/nix");
}

std::string absolute(const std::string& name) {
  if (name.starts_with('/')) return name;
  std::array<char, PATH_MAX> current;
  if (::getcwd(current.data(), current.size()) == nullptr) {
    throw system_error(errno, "cannot tell the current directory", name);
  }
  return std::string(current.data()) + "/" + name;
}

LocalStoreOptions local_options(StoreUrl url, const Settings& settings,
                                const Environment& environment) {
  if (!url.authority.empty()) {
    url.parameters.try_emplace("root", absolute(std::exchange(url.authority, {})));
  }
  const Parameters parameters(url, of_local);
  return {.store_dir = store_dir(parameters, environment),
          .root = parameters.text("root").value_or(""),
          .real_dir = parameters.text("real").value_or(""),
          .state_dir = state_directory(parameters, environment),
          .log_dir = directory(parameters, environment, "log", "NIX_LOG_DIR", "/nix/var/log/nix"),
          .build_dir = parameters.text("build-dir").value_or(settings.build_dir),
          .read_only = parameters.flag("read-only", false),
          .allow_symlinked_dir = settings.allow_symlinked_store ||
                                 variable(environment, "NIX_IGNORE_SYMLINK_STORE") == "1",
          .require_signatures = parameters.flag("require-sigs", settings.require_sigs),
          .trusted_keys = settings.trusted_public_keys,
          .compress_logs = settings.compress_build_log,
          .sqlite_wal = settings.use_sqlite_wal,
          .fsync_metadata = settings.fsync_metadata,
          .fsync_store_paths = settings.fsync_store_paths,
          .auto_optimise = settings.auto_optimise_store,
          .automatic_collection = {.liveness = {.keep_outputs = settings.keep_outputs,
                                                .keep_derivations = settings.keep_derivations},
                                   .free_bytes_min = settings.min_free,
                                   .free_bytes_wanted = settings.max_free,
                                   .check_interval = settings.min_free_check_interval}};
}

std::string socket_name(const StoreUrl& url, const Parameters& parameters,
                        const Environment& environment) {
  if (!url.authority.empty()) return url.authority;
  return variable(environment, "NIX_DAEMON_SOCKET_PATH",
                  state_directory(parameters, environment) + "/daemon-socket/socket");
}

std::unique_ptr<Store> open_daemon(const StoreUrl& url, const Settings& settings,
                                   const Environment& environment) {
  const Parameters parameters(url, of_unix);
  DaemonClientOptions options{.socket = socket_name(url, parameters, environment),
                              .store_dir = store_dir(parameters, environment),
                              .url = print_store_url(url)};
  options.connections_max = parameters.number("max-connections", options.connections_max);
  options.settings = settings;
  return DaemonClient::connect(options);
}

bool exists(const std::string& name) { return ::access(name.c_str(), F_OK) == 0; }

// The directory of a store of one's own, for a user of a machine without Nix.
std::optional<std::string> private_root(const StoreUrl& url, const std::string& state,
                                        const Environment& environment) {
  const bool is_default = url.parameters.empty() && !environment.contains("NIX_STORE_DIR") &&
                          !environment.contains("NIX_STATE_DIR");
  if (!is_default || exists(state) || ::geteuid() == 0) return std::nullopt;
  const std::string home = variable(environment, "HOME");
  const std::string data =
      variable(environment, "XDG_DATA_HOME", home.empty() ? std::string() : home + "/.local/share");
  if (data.empty()) return std::nullopt;
  return data + "/nix/root";
}

StoreUrl resolve_auto(const StoreUrl& url, const Environment& environment) {
  StoreUrl resolved{.scheme = "local", .parameters = url.parameters};
  const Parameters parameters(url, of_local);
  const std::string state = state_directory(parameters, environment);
  if (::access(state.c_str(), R_OK | W_OK) == 0) return resolved;
  if (exists(socket_name(url, parameters, environment))) {
    resolved.scheme = "unix";
  } else if (const auto root = private_root(url, state, environment)) {
    resolved.parameters.emplace("root", *root);
  }
  return resolved;
}

}  // namespace

std::unique_ptr<Store> open_store(std::string_view text, const Settings& settings,
                                  const Environment& environment) {
  StoreUrl url = parse_store_url(text);
  if (url.scheme == "auto") url = resolve_auto(url, environment);
  if (url.scheme == "unix") return open_daemon(url, settings, environment);
  if (url.scheme != "local") {
    throw Error(Code::not_supported, "stores of type '" + url.scheme + "' are not supported")
        .about(std::string(text))
        .hint("this version opens 'local' and 'unix' stores");
  }
  return LocalStore::open(local_options(std::move(url), settings, environment));
}

LocalStoreOptions local_store_options(std::string_view text, const Settings& settings,
                                      const Environment& environment) {
  StoreUrl url = parse_store_url(text);
  if (url.scheme == "auto") url = resolve_auto(url, environment);
  if (url.scheme != "local") {
    throw Error(Code::not_supported, "this can be done only to a store on this machine's disk")
        .about(print_store_url(url))
        .hint("do it as the user who owns the store: --store local");
  }
  return local_options(std::move(url), settings, environment);
}

}  // namespace cinch
