// What runs between clone() and execve(), in the address space of the launching process.
#pragma once

#include "../sandbox_spec.hh"

#include <cstdint>
#include <span>

#include <linux/filter.h>
#include <sys/types.h>

namespace cinch::sandbox {

enum class Step : std::uint8_t {
  clone,
  parent_death,
  session,
  identity,
  host_name,
  loopback,
  root_mount,
  operation,
  pivot,
  working_directory,
  descriptors,
  personality,
  limits,
  landlock,
  filter,
  exec,
};

// Everything that the child needs, made before it exists. Pointers stay valid until it runs its
// program.
struct ChildPlan {
  const SandboxSpec* spec = nullptr;
  char* const* arguments = nullptr;
  char* const* environment = nullptr;
  std::span<const sock_filter> filter;
  int log = -1;  // both at least 10
  int log_read = -1;
  const char* user_map = nullptr;  // the text for /proc/self/uid_map
  const char* group_map = nullptr;
  // Written by the child before it gives up.
  Step failed_step = Step::clone;
  std::size_t failed_operation = 0;
  int error_number = 0;
};

// Never returns to the caller: runs the program, or fills in the failure and exits. Takes a
// ChildPlan, as clone() wants it.
int run_child(void* plan);

}  // namespace cinch::sandbox
