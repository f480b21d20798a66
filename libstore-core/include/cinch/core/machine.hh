// A Machine is another store that builds, as the setting `builders` and machines files list them.
// Format: docs/formats/machines.md.
#pragma once

#include <cinch/core/export.hh>

#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace cinch {

constexpr std::uint64_t machines_bytes_max = std::uint64_t{1} << 20;

struct Machine {
  std::string store_url;  // a host without scheme means ssh://
  std::set<std::string> systems;
  std::string ssh_key;         // a file; empty: the usual ones
  std::uint32_t jobs_max = 1;  // builds at once
  double speed_factor = 1;     // 0 or more; higher: asked earlier
  std::set<std::string> supported_features;
  std::set<std::string> mandatory_features;  // it builds only what asks for all of them
  std::string ssh_host_key;                  // base64 of a line of known_hosts; may be empty
  friend bool operator==(const Machine&, const Machine&) = default;
};

// Machines, and the files that are to be read in the same way (`@file`): this library opens none.
struct Machines {
  std::vector<Machine> machines;
  std::vector<std::string> included_files;
  friend bool operator==(const Machines&, const Machines&) = default;
};

// Entries end with a newline or ';'. Where systems are left out, they are `default_systems`. Throws
// Code::malformed with line and offset; Code::limit_exceeded for a longer text.
CINCH_CORE_API Machines parse_machines(std::string_view text,
                                       const std::set<std::string>& default_systems);
// One line, all fields, '-' for what is empty, and a newline. Throws Code::invalid_argument for a
// machine that no line describes.
CINCH_CORE_API std::string print_machine(const Machine& machine);

}  // namespace cinch
