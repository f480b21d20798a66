// From a BuildRequest to a SandboxSpec: what the builder sees, decided without acting.
#pragma once

#include "sandbox_spec.hh"

#include <cinch/core/build_request.hh>

#include <optional>

namespace cinch::sandbox {

// The directories of one build on this machine.
struct Layout {
  std::string work;   // the builder's working directory
  std::string store;  // takes the outputs
  std::string temp;   // its /tmp
};

enum class SourceKind : std::uint8_t { missing, directory, file, device, symlink };

// What lies at a name of this machine.
struct SourceFacts {
  SourceKind kind = SourceKind::missing;
  std::string target;  // of a symlink
};

// The outside facts that a plan depends on.
class Host {
 public:
  virtual ~Host() = default;
  // Of the entry itself.
  virtual SourceFacts look_at(const std::string& name) const = 0;
  // The name without symlinks in it; empty if there is nothing.
  virtual std::optional<std::string> resolve(const std::string& name) const = 0;
  // Whether the caller is this machine's root, who may write to more of /proc than others.
  virtual bool is_root() const = 0;
};

// Throws Code::invalid_argument for mounts that cannot be (a target that is not canonical, that
// hides the store or the working directory, or that lies below a file), Code::not_found for inputs
// and mounts that do not exist.
SandboxSpec plan_sandbox(const BuildRequest& request, const Layout& layout, const Host& host);

}  // namespace cinch::sandbox
