// A BuildRequest is everything that a builder needs to know to run one build, and nothing else: a
// value that can be printed, compared and sent. It names no store: inputs are listed with where
// they lie.
#pragma once

#include <cinch/core/export.hh>
#include <cinch/core/store_path.hh>

#include <chrono>
#include <compare>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace cinch {

// Shows `source` of this machine at `target` inside the sandbox.
struct BuildMount {
  std::string target;     // absolute, canonical
  std::string source;     // absolute
  bool optional = false;  // leave it out if the source does not exist
  friend auto operator<=>(const BuildMount&, const BuildMount&) = default;
};

// A file that the builder finds in its working directory.
struct BuildFile {
  std::string name;  // one path component
  std::string contents;
  friend auto operator<=>(const BuildFile&, const BuildFile&) = default;
};

struct BuildLimits {
  std::chrono::seconds time_max{0};         // 0: none
  std::chrono::seconds silent_time_max{0};  // without output; 0: none
  std::uint64_t log_bytes_max = 0;          // 0: none
  std::string shared_memory_size = "50%";   // of /dev/shm, as tmpfs takes it
  friend auto operator<=>(const BuildLimits&, const BuildLimits&) = default;
};

struct CINCH_CORE_API BuildRequest {
  StorePath derivation;  // for messages and logs
  std::string system;
  std::vector<std::string> command;  // builder and arguments; the first is an absolute path
  std::map<std::string, std::string> environment;
  std::string working_directory = "/build";  // inside the sandbox; also TMPDIR
  std::string store_dir;                     // inside the sandbox
  std::map<StorePath, std::string> inputs;   // read-only: the whole closure, and where each lies
  std::map<std::string, StorePath> outputs;  // what it must create in store_dir
  std::vector<BuildMount> mounts;
  std::vector<BuildFile> files;
  bool network = false;
  BuildLimits limits;

  // One fact a line, sorted, stable: for logs, tests and people.
  std::string print() const;
  friend bool operator==(const BuildRequest&, const BuildRequest&) = default;
};

}  // namespace cinch
