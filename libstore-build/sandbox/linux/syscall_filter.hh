// The system calls that a builder may not make, as a program for the kernel's seccomp filter.
// What is filtered and why: docs/sandbox.md, "System calls".
#pragma once

#include <vector>

#include <linux/filter.h>

namespace cinch::sandbox {

// Compiles the filter for this machine's architecture and those it can run besides. Throws
// Code::internal if libseccomp refuses a rule.
std::vector<sock_filter> compile_syscall_filter();

}  // namespace cinch::sandbox
