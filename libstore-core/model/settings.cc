// Settings and their names: docs/formats/nix-conf.md.
#include "refusal.hh"
#include "words.hh"

#include <cinch/core/error.hh>
#include <cinch/core/settings.hh>

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>
#include <optional>
#include <set>
#include <utility>
#include <variant>

namespace cinch {

namespace {

struct MaxJobs {};  // a number or "auto": two fields

using Field =
    std::variant<bool Settings::*, std::uint32_t Settings::*, std::uint64_t Settings::*,
                 std::chrono::seconds Settings::*, std::string Settings::*, SandboxMode Settings::*,
                 std::vector<std::string> Settings::*, std::vector<SandboxPath> Settings::*,
                 std::vector<PublicKey> Settings::*, MaxJobs>;

struct Entry {
  std::string_view name;
  Field field;
};

// Sorted by name.
constexpr std::array entries{
    Entry{"allow-symlinked-store", &Settings::allow_symlinked_store},
    Entry{"allowed-users", &Settings::allowed_users},
    Entry{"auto-optimise-store", &Settings::auto_optimise_store},
    Entry{"build-dir", &Settings::build_dir},
    Entry{"compress-build-log", &Settings::compress_build_log},
    Entry{"cores", &Settings::cores},
    Entry{"experimental-features", &Settings::experimental_features},
    Entry{"extra-platforms", &Settings::extra_platforms},
    Entry{"fallback", &Settings::fallback},
    Entry{"filter-syscalls", &Settings::filter_syscalls},
    Entry{"fsync-metadata", &Settings::fsync_metadata},
    Entry{"fsync-store-paths", &Settings::fsync_store_paths},
    Entry{"keep-build-log", &Settings::keep_build_log},
    Entry{"keep-derivations", &Settings::keep_derivations},
    Entry{"keep-failed", &Settings::keep_failed},
    Entry{"keep-going", &Settings::keep_going},
    Entry{"keep-outputs", &Settings::keep_outputs},
    Entry{"log-lines", &Settings::log_lines},
    Entry{"max-build-log-size", &Settings::max_build_log_size},
    Entry{"max-free", &Settings::max_free},
    Entry{"max-jobs", MaxJobs{}},
    Entry{"max-silent-time", &Settings::max_silent_time},
    Entry{"min-free", &Settings::min_free},
    Entry{"min-free-check-interval", &Settings::min_free_check_interval},
    Entry{"require-sigs", &Settings::require_sigs},
    Entry{"sandbox", &Settings::sandbox},
    Entry{"sandbox-build-dir", &Settings::sandbox_build_dir},
    Entry{"sandbox-dev-shm-size", &Settings::sandbox_dev_shm_size},
    Entry{"sandbox-fallback", &Settings::sandbox_fallback},
    Entry{"sandbox-paths", &Settings::sandbox_paths},
    Entry{"secret-key-files", &Settings::secret_key_files},
    Entry{"store", &Settings::store},
    Entry{"substitute", &Settings::substitute},
    Entry{"system", &Settings::system},
    Entry{"system-features", &Settings::system_features},
    Entry{"timeout", &Settings::timeout},
    Entry{"trusted-public-keys", &Settings::trusted_public_keys},
    Entry{"trusted-users", &Settings::trusted_users},
    Entry{"use-sqlite-wal", &Settings::use_sqlite_wal},
};

struct Alias {
  std::string_view alias;
  std::string_view name;
};

constexpr std::array aliases{
    Alias{"binary-cache-public-keys", "trusted-public-keys"},
    Alias{"build-chroot-dirs", "sandbox-paths"},
    Alias{"build-compress-log", "compress-build-log"},
    Alias{"build-cores", "cores"},
    Alias{"build-fallback", "fallback"},
    Alias{"build-keep-log", "keep-build-log"},
    Alias{"build-max-jobs", "max-jobs"},
    Alias{"build-max-log-size", "max-build-log-size"},
    Alias{"build-max-silent-time", "max-silent-time"},
    Alias{"build-sandbox-paths", "sandbox-paths"},
    Alias{"build-timeout", "timeout"},
    Alias{"build-use-chroot", "sandbox"},
    Alias{"build-use-sandbox", "sandbox"},
    Alias{"build-use-substitutes", "substitute"},
    Alias{"gc-keep-derivations", "keep-derivations"},
    Alias{"gc-keep-outputs", "keep-outputs"},
};

// What Nix (2.8 up to now) has and this library has no use for. Sorted.
constexpr std::array<std::string_view, 98> foreign_names{
    "abort-on-warn",
    "accept-flake-config",
    "access-tokens",
    "allow-dirty",
    "allow-import-from-derivation",
    "allow-new-privileges",
    "allow-unsafe-native-code-during-evaluation",
    "allowed-impure-host-deps",
    "allowed-uris",
    "always-allow-substitutes",
    "auto-allocate-uids",
    "bash-prompt",
    "bash-prompt-prefix",
    "bash-prompt-suffix",
    "binary-caches",
    "binary-caches-parallel-connections",
    "build-hook",
    "build-hook-kill-timeout",
    "build-impersonate-linux-26",
    "build-poll-interval",
    "build-repeat",
    "build-users-group",
    "builders",
    "builders-use-substitutes",
    "commit-lock-file-summary",
    "commit-lockfile-summary",
    "connect-timeout",
    "darwin-log-sandbox-violations",
    "debugger-on-trace",
    "debugger-on-warn",
    "diff-hook",
    "download-attempts",
    "download-buffer-size",
    "download-speed",
    "enforce-determinism",
    "env-keep-derivations",
    "eval-cache",
    "eval-cores",
    "eval-system",
    "external-builders",
    "filetransfer-retry-attempts",
    "filetransfer-retry-delay",
    "filetransfer-retry-jitter",
    "filetransfer-retry-max-delay",
    "filetransfer-retry-rate-limited-delay",
    "flake-registry",
    "gc-reserved-space",
    "hashed-mirrors",
    "http-connections",
    "http2",
    "http3",
    "id-count",
    "ignored-acls",
    "impersonate-linux-26",
    "impure-env",
    "json-log-path",
    "keep-env-derivations",
    "lazy-trees",
    "lint-url-literals",
    "max-call-depth",
    "max-substitution-jobs",
    "nar-buffer-size",
    "narinfo-cache-meta-ttl",
    "narinfo-cache-negative-ttl",
    "narinfo-cache-positive-ttl",
    "netrc-file",
    "nix-path",
    "plugin-files",
    "post-build-hook",
    "pre-build-hook",
    "preallocate-contents",
    "print-missing",
    "pure-eval",
    "repeat",
    "require-drop-supplementary-groups",
    "restrict-eval",
    "run-diff-hook",
    "show-trace",
    "ssl-cert-file",
    "stalled-download-timeout",
    "start-id",
    "substituters",
    "substitution-max-jobs",
    "sync-before-registering",
    "tarball-ttl",
    "trace-function-calls",
    "trace-import-from-derivation",
    "trace-verbose",
    "trusted-binary-caches",
    "trusted-substituters",
    "upgrade-nix-store-path-url",
    "use-case-hack",
    "use-cgroups",
    "use-registries",
    "use-xdg-base-directories",
    "user-agent-suffix",
    "warn-dirty",
    "warn-large-path-threshold",
};

// They are searched by halves.
static_assert(std::ranges::is_sorted(entries, {}, &Entry::name));
static_assert(std::ranges::is_sorted(aliases, {}, &Alias::alias));
static_assert(std::ranges::is_sorted(foreign_names));

constexpr std::string_view extra_prefix = "extra-";

const Entry* find_entry(std::string_view name) {
  const auto alias = std::ranges::lower_bound(aliases, name, {}, &Alias::alias);
  if (alias != aliases.end() && alias->alias == name) name = alias->name;
  const auto entry = std::ranges::lower_bound(entries, name, {}, &Entry::name);
  return entry != entries.end() && entry->name == name ? &*entry : nullptr;
}

// `offset` is where the bad part of the value begins.
[[noreturn]] void refuse(std::string_view name, std::string_view bad_part, std::string_view wanted,
                         std::size_t offset = 0) {
  throw Error(Code::malformed, "the setting '" + std::string(name) + "' must be " +
                                   std::string(wanted) + ", not '" + excerpt(bad_part) + "'")
      .about(std::string(name))
      .at(offset);
}

std::optional<bool> parse_bool(std::string_view value) {
  if (value == "true" || value == "yes" || value == "1") return true;
  if (value == "false" || value == "no" || value == "0") return false;
  return std::nullopt;
}

// A whole number, perhaps with a suffix: K, M, G, T (powers of 1024).
std::uint64_t parse_number(std::string_view name, std::string_view value, std::uint64_t max) {
  const auto fail = [&] {
    refuse(name, value,
           "a whole number up to " + std::to_string(max) + ", or one with a suffix K, M, G or T");
  };
  constexpr std::string_view suffixes = "KMGT";
  std::string_view digits = value;
  unsigned shift = 0;
  if (!digits.empty()) {
    const char last =
        digits.back() >= 'a' ? static_cast<char>(digits.back() - 'a' + 'A') : digits.back();
    if (const std::size_t suffix = suffixes.find(last); suffix != std::string_view::npos) {
      shift = static_cast<unsigned>(10 * (suffix + 1));
      digits.remove_suffix(1);
    }
  }
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  if (error != std::errc() || end != digits.data() + digits.size()) fail();
  if (number > (max >> shift)) fail();
  return number << shift;
}

// `path`, `target=source`, either with a final '?' for what may be missing.
SandboxPath parse_sandbox_path(std::string_view name, std::string_view word, std::size_t offset) {
  SandboxPath result;
  std::string_view rest = word;
  if (rest.ends_with('?')) {
    result.optional = true;
    rest.remove_suffix(1);
  }
  const std::size_t equals = rest.find('=');
  result.target = rest.substr(0, equals);
  result.source = equals == std::string_view::npos ? rest : rest.substr(equals + 1);
  if (!result.target.starts_with('/') || !result.source.starts_with('/')) {
    refuse(name, word, "a list of absolute paths, each 'path' or 'target=source', perhaps with '?'",
           offset);
  }
  return result;
}

// Puts `items` at the end of `list`, or in its place; nothing twice.
template <class Item>
void assign(std::vector<Item>& list, std::vector<Item> items, bool append) {
  if (!append) list.clear();
  std::set<Item> seen(list.begin(), list.end());
  for (Item& item : items) {
    if (seen.insert(item).second) list.push_back(std::move(item));
  }
}

// Reads a value into a field, whatever its type. Answers whether `append` made sense.
struct Setter {
  Settings& settings;
  std::string_view name;
  std::string_view value;
  bool append;

  bool operator()(bool Settings::*field) const {
    if (append) return false;
    const std::optional<bool> parsed = parse_bool(value);
    if (!parsed) refuse(name, value, "'true' or 'false'");
    settings.*field = *parsed;
    return true;
  }
  bool operator()(std::uint32_t Settings::*field) const {
    if (append) return false;
    settings.*field = static_cast<std::uint32_t>(
        parse_number(name, value, std::numeric_limits<std::uint32_t>::max()));
    return true;
  }
  bool operator()(std::uint64_t Settings::*field) const {
    if (append) return false;
    settings.*field = parse_number(name, value, std::numeric_limits<std::uint64_t>::max());
    return true;
  }
  bool operator()(std::chrono::seconds Settings::*field) const {
    if (append) return false;
    settings.*field =
        std::chrono::seconds(parse_number(name, value, std::numeric_limits<std::uint32_t>::max()));
    return true;
  }
  bool operator()(std::string Settings::*field) const {
    if (append) return false;
    settings.*field = value;
    return true;
  }
  bool operator()(SandboxMode Settings::*field) const {
    if (append) return false;
    const std::optional<bool> parsed = parse_bool(value);
    if (!parsed && value != "relaxed") refuse(name, value, "'true', 'false' or 'relaxed'");
    settings.*field = !parsed ? SandboxMode::relaxed : *parsed ? SandboxMode::on : SandboxMode::off;
    return true;
  }
  bool operator()(std::vector<std::string> Settings::*field) const {
    const std::vector<std::string_view> words = split_words(value);
    assign(settings.*field, std::vector<std::string>(words.begin(), words.end()), append);
    return true;
  }
  bool operator()(std::vector<SandboxPath> Settings::*field) const {
    std::vector<SandboxPath> paths;
    for (const std::string_view word : split_words(value)) {
      paths.push_back(
          parse_sandbox_path(name, word, static_cast<std::size_t>(word.data() - value.data())));
    }
    assign(settings.*field, std::move(paths), append);
    return true;
  }
  bool operator()(std::vector<PublicKey> Settings::*field) const {
    std::vector<PublicKey> keys;
    for (const std::string_view word : split_words(value)) {
      try {
        keys.push_back(PublicKey::parse(word));
      } catch (const Error& error) {
        throw Error(Code::malformed, "the setting '" + std::string(name) + "' has a bad key '" +
                                         excerpt(word) + "': " + error.message())
            .about(std::string(name))
            .at(static_cast<std::size_t>(word.data() - value.data()) + error.offset().value_or(0));
      }
    }
    assign(settings.*field, std::move(keys), append);
    return true;
  }
  bool operator()(MaxJobs) const {
    if (append) return false;
    settings.max_jobs_auto = value == "auto";
    return settings.max_jobs_auto || (*this)(&Settings::max_jobs);
  }
};

std::string print_sandbox_path(const SandboxPath& path) {
  std::string text = path.target;
  if (path.source != path.target) text += "=" + path.source;
  if (path.optional) text += '?';
  return text;
}

template <class Item, class Print>
std::string join(const std::vector<Item>& items, Print print) {
  std::string text;
  for (const Item& item : items) {
    if (!text.empty()) text += ' ';
    text += print(item);
  }
  return text;
}

struct Getter {
  const Settings& settings;

  std::string operator()(bool Settings::*field) const { return settings.*field ? "true" : "false"; }
  std::string operator()(std::uint32_t Settings::*field) const {
    return std::to_string(settings.*field);
  }
  std::string operator()(std::uint64_t Settings::*field) const {
    return std::to_string(settings.*field);
  }
  std::string operator()(std::chrono::seconds Settings::*field) const {
    return std::to_string((settings.*field).count());
  }
  std::string operator()(std::string Settings::*field) const { return settings.*field; }
  std::string operator()(SandboxMode Settings::*field) const {
    switch (settings.*field) {
      case SandboxMode::off:
        return "false";
      case SandboxMode::on:
        return "true";
      case SandboxMode::relaxed:
        return "relaxed";
    }
    return {};
  }
  std::string operator()(std::vector<std::string> Settings::*field) const {
    return join(settings.*field, [](const std::string& word) { return word; });
  }
  std::string operator()(std::vector<SandboxPath> Settings::*field) const {
    return join(settings.*field, print_sandbox_path);
  }
  std::string operator()(std::vector<PublicKey> Settings::*field) const {
    return join(settings.*field, [](const PublicKey& key) { return key.to_string(); });
  }
  std::string operator()(MaxJobs) const {
    return settings.max_jobs_auto ? "auto" : std::to_string(settings.max_jobs);
  }
};

bool is_foreign(std::string_view name) {
  if (std::ranges::binary_search(foreign_names, name)) return true;
  return name.starts_with(extra_prefix) &&
         std::ranges::binary_search(foreign_names, name.substr(extra_prefix.size()));
}

}  // namespace

bool Settings::set(std::string_view name, std::string_view value) {
  if (const Entry* entry = find_entry(name)) {
    return std::visit(Setter{*this, entry->name, value, false}, entry->field);
  }
  if (!name.starts_with(extra_prefix)) return false;
  const Entry* entry = find_entry(name.substr(extra_prefix.size()));
  return entry != nullptr && std::visit(Setter{*this, entry->name, value, true}, entry->field);
}

std::vector<std::string_view> Settings::names() {
  std::vector<std::string_view> result;
  for (const Entry& entry : entries) result.push_back(entry.name);
  return result;
}

std::string Settings::get(std::string_view name) const {
  const Entry* entry = find_entry(name);
  if (entry == nullptr) {
    throw Error(Code::not_found, "there is no setting of this name").about(std::string(name));
  }
  return std::visit(Getter{*this}, entry->field);
}

std::optional<std::string> Settings::find_other(std::string_view name) const {
  // What is added to a setting that has a field, and is no list, is not that setting.
  const std::string added = std::string(extra_prefix).append(name);
  const bool has_field = find_entry(name) != nullptr;
  std::optional<std::string> value;
  for (const ConfigLine& line : others) {
    if (line.name == name) {
      value = line.value;
    } else if (line.name == added && !has_field) {
      value = value && !value->empty() ? *value + " " + line.value : line.value;
    }
  }
  return value;
}

std::vector<ConfigLine> apply_config(Settings& settings, std::span<const ConfigLine> lines) {
  std::vector<ConfigLine> unknown;
  for (const ConfigLine& line : lines) {
    try {
      if (settings.set(line.name, line.value)) continue;
      settings.others.push_back(line);
      if (!is_foreign(line.name)) unknown.push_back(line);
    } catch (Error& error) {
      error.add_context(line.file + ":" + std::to_string(line.line));
      throw;
    }
  }
  return unknown;
}

}  // namespace cinch
