// A builder that runs each build in namespaces of its own, without needing root.
#pragma once

#include <cinch/core/builder.hh>
#include <cinch/core/export.hh>
#include <cinch/core/settings.hh>

#include <memory>
#include <string>

namespace cinch {

struct LinuxSandboxOptions {
  // Build directories are made in here: absolute, exists, 0700 or at least not world-writable.
  std::string build_directory;
  std::string system;  // empty: this machine's
  std::vector<std::string> extra_platforms;
  bool filter_syscalls = true;
};

// Throws Code::sandbox_unavailable if the system forbids the namespaces it needs, with what to do
// as the hint.
CINCH_BUILD_API std::unique_ptr<Builder> make_linux_sandbox(const LinuxSandboxOptions& options);

}  // namespace cinch
