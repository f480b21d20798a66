// Turns a SandboxSpec into a process. All of the sandbox's system calls are in this folder.
#pragma once

#include "../sandbox_spec.hh"

#include <cinch/files/descriptor.hh>

#include <optional>
#include <span>

#include <linux/filter.h>
#include <sys/time.h>
#include <sys/types.h>

namespace cinch::sandbox {

// A process in a sandbox: the first of its PID namespace, so that all others end with it. The one
// who launched it must wait for its end with wait_for().
struct Process {
  Descriptor pidfd;
  pid_t pid = -1;
  Descriptor log;  // read end of what it prints; does not block
};

// Why the builder itself could not be run, though its sandbox stands.
struct ExecFailure {
  int error_number;
};

struct Launched {
  Process process;  // has ended already if `failure` is set
  std::optional<ExecFailure> failure;
};

// Blocks until the program runs, a few milliseconds. `filter` may be empty: no filter.
// Throws Code::sandbox_unavailable if the system refuses a step that needs namespaces, other codes
// for other steps. The process dies with the calling thread.
Launched launch(const SandboxSpec& spec, std::span<const sock_filter> filter);

struct ProcessEnd {
  bool was_killed;
  int number;  // exit status or signal
  timeval cpu_user;
  timeval cpu_system;
};

// Waits until the process, and with it all others of its sandbox, are gone.
ProcessEnd wait_for(const Process& process);

// Kills all processes of the sandbox. They may still exist until wait_for() has returned.
void kill_all(const Process& process);

}  // namespace cinch::sandbox
