// flock(2) on an open file: between processes, and between the threads of one, as every opening of
// a file has a lock of its own. A lock ends with its descriptor.
#pragma once

#include <string>

namespace cinch::local {

enum class LockKind { shared, exclusive };

// False if somebody else holds it. `subject` names the file.
bool try_lock(int descriptor, LockKind kind, const std::string& subject);
// Waits; throws Code::busy after `wait_ms_max`.
void lock_within(int descriptor, LockKind kind, const std::string& subject, unsigned wait_ms_max);
void unlock(int descriptor, const std::string& subject);
// The processes that hold a lock on the file, as "nix-daemon (123), cinch (456)"; empty where the
// kernel does not say.
std::string lock_holders(int descriptor);

}  // namespace cinch::local
