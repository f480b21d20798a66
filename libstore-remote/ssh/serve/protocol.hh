// The numbers of Nix's serve protocol: what `nix-store --serve` speaks at the far end of an ssh
// connection. Format: docs/formats/serve-protocol.md.
#pragma once

#include <cstdint>

namespace cinch::serve {

constexpr std::uint64_t client_magic = 0x390c9deb;
constexpr std::uint64_t server_magic = 0x5452eecb;

// The major version is always 2.
using Minor = std::uint16_t;
constexpr std::uint64_t protocol_major = 2;
constexpr std::uint64_t version_number(Minor minor) { return protocol_major << 8 | minor; }
constexpr Minor oldest_minor = 1;
constexpr Minor newest_minor = 7;

// In which version something appeared.
constexpr Minor since_log_limit = 2;      // in build options
constexpr Minor since_repeats = 3;        // in build options
constexpr Minor since_build_times = 3;    // in build results
constexpr Minor since_nar_hash = 4;       // in infos, with content address and signatures
constexpr Minor since_built_outputs = 6;  // in build results
constexpr Minor since_keep_failed = 7;    // in build options

enum class Command : std::uint64_t {
  query_valid_paths = 1,
  query_path_infos = 2,
  dump_store_path = 3,
  import_paths = 4,
  export_paths = 5,  // obsolete
  build_paths = 6,
  query_closure = 7,
  build_derivation = 8,
  add_to_store_nar = 9,
};

// How many infos are asked of the store, and are held, at once.
constexpr std::size_t infos_at_once = 1024;

}  // namespace cinch::serve
