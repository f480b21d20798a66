// The numbers of the worker protocol, as docs/formats/worker-protocol.md describes them. They are
// Nix's: never renumber.
#pragma once

#include <cinch/core/store_path.hh>

#include <array>
#include <cstdint>
#include <set>
#include <string>
#include <string_view>

namespace cinch::wire {

constexpr std::uint64_t client_magic = 0x6e697863;  // "cxin"
constexpr std::uint64_t server_magic = 0x6478696f;  // "oixd"

// A protocol version: all that are spoken have major number 1, and are told apart by the minor one.
using Minor = std::uint16_t;
constexpr std::uint64_t protocol_major = 1;
constexpr std::uint64_t version_number(Minor minor) { return protocol_major << 8 | minor; }

// What this implementation speaks: both ends, every version in between. Older than 1.26 has errors
// and additions in other encodings.
constexpr Minor oldest_minor = 26;
constexpr Minor newest_minor = 38;

// In which version something appeared.
constexpr Minor since_substitute_flag = 27;  // in QueryValidPaths
constexpr Minor since_built_outputs = 28;    // in build results
constexpr Minor since_build_times = 29;      // in build results
constexpr Minor since_output_syntax = 30;    // "drv!*": before, a bare derivation means "build it"
constexpr Minor since_realisation_operations = 27;  // RegisterDrvOutput, QueryRealisation
constexpr Minor since_realisation_values = 31;      // before, a realisation is an id and a path
constexpr Minor since_daemon_version = 33;          // in the handshake
constexpr Minor since_build_results = 34;           // BuildPathsWithResults
constexpr Minor since_trust = 35;                   // in the handshake
constexpr Minor since_cpu_times = 37;               // in build results
constexpr Minor since_features = 38;                // in the handshake

// Realisations and build results name derivations by path instead of by hash.
constexpr std::string_view feature_realisation_with_path = "realisation-with-path-not-hash";
// Ours: before a Build activity stops, a result says how the build ended.
constexpr std::string_view feature_build_end = "cinch-build-end";

// What both ends agreed on, and the store directory of the full paths that they exchange.
struct Dialect {
  StoreDir store_dir = StoreDir();
  Minor minor = newest_minor;
  bool realisation_with_path = false;
  bool build_end = false;
};

// Limits. Strings and lists grow as their bytes arrive, so a length costs nothing until it is paid
// for.
constexpr std::uint64_t text_bytes_max = std::uint64_t{64} << 20;
constexpr std::uint64_t name_bytes_max = 4096;  // store paths, names, hashes, signatures
constexpr std::uint64_t list_count_max = std::uint64_t{1} << 22;
constexpr std::uint64_t feature_count_max = 64;
constexpr std::uint64_t field_count_max = 64;                      // of one activity
constexpr std::uint64_t trace_count_max = 1024;                    // of one error
constexpr std::uint64_t frame_bytes_max = std::uint64_t{1} << 34;  // passes through, is never held
constexpr std::uint64_t override_count_max = 1024;                 // of SetOptions
constexpr std::size_t frame_bytes_sent = std::size_t{64} << 10;

enum class Operation : std::uint64_t {
  is_valid_path = 1,
  query_referrers = 6,
  add_to_store = 7,
  add_text_to_store = 8,
  build_paths = 9,
  ensure_path = 10,
  add_temp_root = 11,
  add_indirect_root = 12,
  sync_with_gc = 13,
  find_roots = 14,
  query_deriver = 18,
  set_options = 19,
  collect_garbage = 20,
  query_substitutable_path_info = 21,
  query_derivation_outputs = 22,
  query_all_valid_paths = 23,
  query_path_info = 26,
  query_derivation_output_names = 28,
  query_path_from_hash_part = 29,
  query_substitutable_path_infos = 30,
  query_valid_paths = 31,
  query_substitutable_paths = 32,
  query_valid_derivers = 33,
  optimise_store = 34,
  verify_store = 35,
  build_derivation = 36,
  add_signatures = 37,
  nar_from_path = 38,
  add_to_store_nar = 39,
  query_missing = 40,
  query_derivation_output_map = 41,
  register_derivation_output = 42,
  query_realisation = 43,
  add_multiple_to_store = 44,
  add_build_log = 45,
  build_paths_with_results = 46,
  add_permanent_root = 47,
};

enum class Trust : std::uint8_t { unknown = 0, trusted = 1, not_trusted = 2 };

}  // namespace cinch::wire
