// Starting other programs from tests, without a shell.
#pragma once

#include "scratch.hh"

#include <cerrno>
#include <csignal>
#include <string>
#include <vector>

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

namespace cinch::test {

struct ProgramResult {
  int status;          // the exit code; 128 + the signal if one ended it
  std::string output;  // what it wrote to its standard output
  std::string errors;
};

// A program that runs; its outputs go to files in a directory of its own.
class RunningProgram {
 public:
  // `environment` holds "NAME=value"; nothing else is inherited. `argv[0]` is looked up in PATH.
  RunningProgram(std::vector<std::string> argv, std::vector<std::string> environment) {
    std::vector<char*> arguments = pointers(argv);
    std::vector<char*> variables = pointers(environment);
    const std::string output = scratch_.path("output");
    const std::string errors = scratch_.path("errors");
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    constexpr int create = O_WRONLY | O_CREAT | O_TRUNC;
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_addopen(&actions, 1, output.c_str(), create, 0600);
    posix_spawn_file_actions_addopen(&actions, 2, errors.c_str(), create, 0600);
    const int error = ::posix_spawnp(&process_, arguments[0], &actions, nullptr, arguments.data(),
                                     variables.data());
    posix_spawn_file_actions_destroy(&actions);
    if (error != 0) throw system_error(error, "cannot start", argv[0]);
  }
  RunningProgram(const RunningProgram&) = delete;
  RunningProgram& operator=(const RunningProgram&) = delete;
  ~RunningProgram() {
    if (process_ > 0) {
      ::kill(process_, SIGKILL);
      ::waitpid(process_, nullptr, 0);
    }
  }

  bool is_running() {
    int status = 0;
    if (process_ > 0 && ::waitpid(process_, &status, WNOHANG) == process_) ended(status);
    return process_ > 0;
  }

  ProgramResult wait() {
    int status = 0;
    while (process_ > 0) {
      if (::waitpid(process_, &status, 0) == process_) {
        ended(status);
      } else if (errno != EINTR) {
        throw system_error(errno, "cannot wait", "a child process");
      }
    }
    constexpr std::uint64_t output_bytes_max = std::uint64_t{64} << 20;
    const Directory directory = scratch_.directory();
    return {status_, *directory.read_file("output", output_bytes_max),
            *directory.read_file("errors", output_bytes_max)};
  }

 private:
  static std::vector<char*> pointers(std::vector<std::string>& words) {
    std::vector<char*> result;
    for (std::string& word : words) result.push_back(word.data());
    result.push_back(nullptr);
    return result;
  }
  void ended(int status) {
    status_ = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    process_ = -1;
  }

  Scratch scratch_;
  pid_t process_ = -1;
  int status_ = -1;
};

inline ProgramResult run_program(std::vector<std::string> argv,
                                 std::vector<std::string> environment) {
  return RunningProgram(std::move(argv), std::move(environment)).wait();
}

}  // namespace cinch::test
