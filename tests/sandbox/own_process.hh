// Parts of a test that need a process of their own, as they change it for good.
#pragma once

#include "catch.hh"

#include <exception>
#include <fstream>
#include <functional>
#include <string>

#include <sched.h>
#include <sys/wait.h>
#include <unistd.h>

namespace cinch::test {

// Runs `body` in a process of its own; returns its exit status, or 128 and the signal.
inline int in_a_process(const std::function<int()>& body,
                        const std::function<void(pid_t)>& meanwhile) {
  pid_t pid = fork();
  REQUIRE(pid >= 0);
  if (pid == 0) {
    int status = 99;
    try {
      status = body();
    } catch (const std::exception&) {
      status = 98;
    }
    _exit(status);
  }
  meanwhile(pid);
  int status = 0;
  REQUIRE(waitpid(pid, &status, 0) == pid);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

inline bool write_text(const char* file, const std::string& text) {
  std::ofstream stream(file);
  stream << text;
  stream.flush();
  return stream.good();
}

// Makes the calling process root in namespaces of its own.
inline bool enter_namespaces(int namespaces) {
  std::string user = "0 " + std::to_string(geteuid()) + " 1";
  std::string group = "0 " + std::to_string(getegid()) + " 1";
  return unshare(namespaces) == 0 && write_text("/proc/self/setgroups", "deny") &&
         write_text("/proc/self/uid_map", user) && write_text("/proc/self/gid_map", group);
}

}  // namespace cinch::test
