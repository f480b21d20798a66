// The settings of nix.conf that this library knows, as a plain value. Nothing reads it from a
// global place: it is passed to constructors.
#pragma once

#include <cinch/core/config_file.hh>
#include <cinch/core/export.hh>
#include <cinch/core/signature.hh>

#include <chrono>
#include <compare>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace cinch {

struct SandboxPath {
  std::string target;
  std::string source;
  bool optional = false;
  friend auto operator<=>(const SandboxPath&, const SandboxPath&) = default;
};

// "true", "false", "relaxed" (false only for derivations that ask for it with __noChroot).
enum class SandboxMode : std::uint8_t { off, on, relaxed };

// Names and defaults are Nix's; the comment is the name in nix.conf where it differs from the
// field's name with dashes.
struct CINCH_CORE_API Settings {
  std::string store = "auto";
  std::string system;  // empty: this machine's
  std::vector<std::string> extra_platforms;
  std::vector<std::string> system_features;
  std::uint32_t max_jobs = 1;
  bool max_jobs_auto = false;  // "max-jobs = auto": as many as processors, whatever max_jobs says;
                               // the caller counts them, as core does not ask the system
  std::uint32_t cores = 0;     // 0: all
  bool keep_going = false;
  bool keep_failed = false;
  bool keep_derivations = true;
  bool keep_outputs = false;
  std::uint64_t min_free = 0;  // bytes; 0: never collect garbage by itself
  std::uint64_t max_free = std::numeric_limits<std::int64_t>::max();  // bytes
  std::chrono::seconds min_free_check_interval{5};
  bool fallback = false;
  bool substitute = true;
  std::uint32_t log_lines = 25;
  std::chrono::seconds max_silent_time{0};
  std::chrono::seconds timeout{0};
  std::uint64_t max_build_log_size = 0;
  bool keep_build_log = true;
  bool compress_build_log = true;
  SandboxMode sandbox = SandboxMode::on;
  bool sandbox_fallback =
      false;  // Nix's default is true; a build that is not sandboxed must be asked for
  std::vector<SandboxPath> sandbox_paths;
  std::string sandbox_build_dir = "/build";
  std::string sandbox_dev_shm_size = "50%";
  std::string build_dir;
  bool filter_syscalls = true;
  bool require_sigs = true;
  std::vector<PublicKey> trusted_public_keys;
  std::vector<std::string> secret_key_files;
  std::vector<std::string> trusted_users = {"root"};
  std::vector<std::string> allowed_users = {"*"};
  bool allow_symlinked_store = false;
  bool use_sqlite_wal = true;
  bool fsync_metadata = true;
  bool fsync_store_paths = false;
  bool auto_optimise_store = false;
  std::vector<std::string> experimental_features;
  // What has no field above, in the order in which it was set: settings of Nix that this library
  // has no use for, and names that nobody knows. apply_config() fills it.
  std::vector<ConfigLine> others;

  // Sets one setting from text, by its name, an alias, or `extra-<name>` (appends to a list).
  // False if the name is not known. Throws Code::malformed for a value of the wrong type, with the
  // name as the subject and the offset in the value.
  bool set(std::string_view name, std::string_view value);
  // The names that set() knows, without aliases, sorted.
  static std::vector<std::string_view> names();
  // A setting as nix.conf would spell it. Throws Code::not_found.
  std::string get(std::string_view name) const;
  // The value of one of `others`, by the name that it was set by: the last one, and what
  // `extra-<name>` added to it since.
  std::optional<std::string> find_other(std::string_view name) const;
};

// Settings that exist in Nix but have no meaning here are accepted in silence; names that nobody
// knows are returned, so that the caller can warn. Neither is lost: `settings.others` has both.
// Throws Code::malformed for a value of the wrong type, with file and line as the context.
CINCH_CORE_API std::vector<ConfigLine> apply_config(Settings& settings,
                                                    std::span<const ConfigLine> lines);

}  // namespace cinch
