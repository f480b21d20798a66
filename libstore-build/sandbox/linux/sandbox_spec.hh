// A SandboxSpec is the whole plan of one sandbox, as data: which namespaces, which files and mounts
// in which order, which program. It can be printed and compared; only system/ acts on it.
//
// Names in operations are relative to the root of the sandbox ("dev/null"); sources are names of
// this machine, absolute, or relative to the root for what a former operation has put there.
#pragma once

#include <cinch/core/export.hh>

#include <cstdint>
#include <map>
#include <string>
#include <variant>
#include <vector>

#include <sys/types.h>

namespace cinch::sandbox {

struct MakeDirectory {
  std::string path;
  mode_t mode = 0755;
  friend bool operator==(const MakeDirectory&, const MakeDirectory&) = default;
};
struct WriteFile {
  std::string path;
  std::string contents;
  mode_t mode = 0444;
  friend bool operator==(const WriteFile&, const WriteFile&) = default;
};
struct MakeSymlink {
  std::string path;
  std::string target;
  friend bool operator==(const MakeSymlink&, const MakeSymlink&) = default;
};

enum class BindKind : std::uint8_t { directory, file, device };
enum class BindAccess : std::uint8_t { read_only, read_write };

// Shows a file or directory of this machine, with what is mounted below it.
struct Bind {
  std::string source;
  std::string path;
  BindKind kind = BindKind::directory;
  BindAccess access = BindAccess::read_only;
  bool make_target = true;  // false: the target lies in another bind and must exist
  friend bool operator==(const Bind&, const Bind&) = default;
};

enum class FileSystem : std::uint8_t { proc, tmpfs, devpts };

// Mounts a new instance of a file system on a new directory.
struct MountNew {
  std::string path;
  FileSystem type = FileSystem::tmpfs;
  std::string options;
  friend bool operator==(const MountNew&, const MountNew&) = default;
};
// Makes what is there already read-only, with all below it; nothing if it does not exist.
struct Protect {
  std::string path;
  friend bool operator==(const Protect&, const Protect&) = default;
};

using Operation = std::variant<MakeDirectory, WriteFile, MakeSymlink, Bind, MountNew, Protect>;

struct SandboxSpec {
  std::vector<Operation> operations;
  // Whoever starts the builder appears inside as this user and group.
  uid_t user = 1000;
  gid_t group = 100;
  std::string host_name = "localhost";
  std::string domain_name = "(none)";
  bool network = false;  // share this machine's network
  bool narrow = false;   // a machine of 32 bits, as far as uname(2) tells
  std::string working_directory;
  std::vector<std::string> command;  // the first is a full name; empty: only set up, then exit
  std::map<std::string, std::string> environment;

  // One fact a line, in the order in which things are done.
  std::string print() const;
  friend bool operator==(const SandboxSpec&, const SandboxSpec&) = default;
};

}  // namespace cinch::sandbox
