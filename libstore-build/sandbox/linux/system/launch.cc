#include "launch.hh"

#include "child.hh"

#include <cinch/core/error.hh>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

namespace cinch::sandbox {
namespace {

constexpr std::size_t child_stack_bytes = 64 << 10;
constexpr int lowest_own_descriptor = 10;  // the child gives 0 to 9 a meaning of their own

constexpr std::string_view namespaces_hint =
    "allow user namespaces: sysctl user.max_user_namespaces must not be 0, "
    "kernel.unprivileged_userns_clone must be 1 and "
    "kernel.apparmor_restrict_unprivileged_userns must be 0 where they exist; in a container, "
    "run it with '--security-opt seccomp=unconfined --security-opt systempaths=unconfined' or as "
    "privileged; Linux 5.12 or newer is needed";

std::string_view describe(Step step) {
  switch (step) {
    case Step::clone:
      return "making namespaces";
    case Step::parent_death:
      return "tying the builder's life to its parent's";
    case Step::session:
      return "starting a session";
    case Step::identity:
      return "mapping the builder's user and group";
    case Step::host_name:
      return "setting the host name";
    case Step::loopback:
      return "bringing the loopback interface up";
    case Step::root_mount:
      return "mounting the root";
    case Step::operation:
      return "filling the root";
    case Step::pivot:
      return "changing the root";
    case Step::working_directory:
      return "entering the working directory";
    case Step::descriptors:
      return "connecting the log";
    case Step::personality:
      return "choosing the kind of machine";
    case Step::limits:
      return "setting limits";
    case Step::landlock:
      return "closing abstract sockets";
    case Step::filter:
      return "installing the system call filter";
    case Step::exec:
      return "running the builder";
  }
  return "an unknown step";
}

std::string_view operation_of(const SandboxSpec& spec, std::size_t index) {
  if (index >= spec.operations.size()) return "";
  return std::visit([](const auto& op) -> std::string_view { return op.path; },
                    spec.operations[index]);
}

Error explain(const SandboxSpec& spec, const ChildPlan& plan) {
  std::string message = "the sandbox cannot be set up: " + std::string(describe(plan.failed_step));
  std::string subject;
  if (plan.failed_step == Step::operation) {
    subject = "/" + std::string(operation_of(spec, plan.failed_operation));
    message += " at '" + subject + "'";
  }
  int number = plan.error_number;
  bool disk_full = number == ENOSPC && plan.failed_step != Step::clone;
  if (disk_full || number == EDQUOT || number == ENOENT || number == ENOMEM) {
    return system_error(number, message, subject);
  }
  return Error(Code::sandbox_unavailable, message + ": " + std::strerror(number))
      .about(subject)
      .hint(std::string(namespaces_hint));
}

// While it lives, no signal is delivered to the calling thread.
class BlockedSignals {
 public:
  BlockedSignals() {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before_);
  }
  BlockedSignals(const BlockedSignals&) = delete;
  BlockedSignals& operator=(const BlockedSignals&) = delete;
  ~BlockedSignals() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

 private:
  sigset_t before_;
};

// While it lives, the calling thread, and what it launches, has no supplementary groups: inside the
// user namespace they could not be dropped any more. Only root may do so; for others this does
// nothing. The bare system call changes this thread alone.
class DroppedGroups {
 public:
  DroppedGroups() {
    int count = getgroups(0, nullptr);
    if (count <= 0) return;
    groups_.resize(static_cast<std::size_t>(count));
    count = getgroups(count, groups_.data());
    if (count < 0) throw system_error(errno, "cannot read the supplementary groups", "");
    groups_.resize(static_cast<std::size_t>(count));
    dropped_ = syscall(SYS_setgroups, 0, nullptr) == 0;
  }
  DroppedGroups(const DroppedGroups&) = delete;
  DroppedGroups& operator=(const DroppedGroups&) = delete;
  ~DroppedGroups() {
    if (dropped_) syscall(SYS_setgroups, groups_.size(), groups_.data());
  }

 private:
  std::vector<gid_t> groups_;
  bool dropped_ = false;
};

// Memory for the child's stack, with a page before it that faults.
class Stack {
 public:
  Stack() {
    memory_ = mmap(nullptr, guard_bytes + child_stack_bytes, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
    if (memory_ == MAP_FAILED) throw system_error(errno, "cannot get memory for a stack", "");
    mprotect(memory_, guard_bytes, PROT_NONE);
  }
  Stack(const Stack&) = delete;
  Stack& operator=(const Stack&) = delete;
  ~Stack() { munmap(memory_, guard_bytes + child_stack_bytes); }
  void* top() const { return static_cast<char*>(memory_) + guard_bytes + child_stack_bytes; }

 private:
  static constexpr std::size_t guard_bytes = 4096;
  void* memory_;
};

Descriptor move_up(Descriptor descriptor) {
  Descriptor moved(fcntl(descriptor.get(), F_DUPFD_CLOEXEC, lowest_own_descriptor));
  if (!moved) throw system_error(errno, "cannot make a pipe for the log", "");
  return moved;
}

struct Pipe {
  Descriptor read;
  Descriptor write;
};

Pipe make_log_pipe() {
  std::array<int, 2> ends{};
  if (pipe2(ends.data(), O_CLOEXEC) != 0) {
    throw system_error(errno, "cannot make a pipe for the log", "");
  }
  Pipe pipe{Descriptor(ends[0]), Descriptor(ends[1])};
  pipe.read = move_up(std::move(pipe.read));
  pipe.write = move_up(std::move(pipe.write));
  if (fcntl(pipe.read.get(), F_SETFL, O_NONBLOCK) != 0) {
    throw system_error(errno, "cannot make a pipe for the log", "");
  }
  return pipe;
}

// Argument or environment strings as execve() takes them.
class Words {
 public:
  explicit Words(std::vector<std::string> words) : words_(std::move(words)) {
    for (std::string& word : words_) pointers_.push_back(word.data());
    pointers_.push_back(nullptr);
  }
  char* const* get() const { return pointers_.data(); }

 private:
  std::vector<std::string> words_;
  std::vector<char*> pointers_;
};

// The first word is the program's base name, as Nix has it.
std::vector<std::string> arguments_of(const SandboxSpec& spec) {
  std::vector<std::string> words = spec.command;
  if (!words.empty()) words.front().erase(0, words.front().rfind('/') + 1);
  return words;
}

std::vector<std::string> environment_of(const SandboxSpec& spec) {
  std::vector<std::string> words;
  for (const auto& [name, value] : spec.environment) words.push_back(name + "=" + value);
  return words;
}

std::string id_map(unsigned inside, unsigned outside) {
  return std::to_string(inside) + " " + std::to_string(outside) + " 1";
}

}  // namespace

Launched launch(const SandboxSpec& spec, std::span<const sock_filter> filter) {
  Words arguments(arguments_of(spec));
  Words environment(environment_of(spec));
  std::string user_map = id_map(spec.user, geteuid());
  std::string group_map = id_map(spec.group, getegid());
  Pipe log = make_log_pipe();
  Stack stack;
  ChildPlan plan{.spec = &spec,
                 .arguments = arguments.get(),
                 .environment = environment.get(),
                 .filter = filter,
                 .log = log.write.get(),
                 .log_read = log.read.get(),
                 .user_map = user_map.c_str(),
                 .group_map = group_map.c_str()};

  int flags = CLONE_VM | CLONE_VFORK | CLONE_PIDFD | SIGCHLD | CLONE_NEWUSER | CLONE_NEWNS |
              CLONE_NEWPID | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWCGROUP;
  if (!spec.network) flags |= CLONE_NEWNET;
  int pidfd = -1;
  pid_t pid = -1;
  {
    BlockedSignals blocked;
    DroppedGroups dropped;
    pid = clone(&run_child, stack.top(), flags, &plan, &pidfd);
    if (pid < 0) plan.error_number = errno;
  }
  if (pid < 0) throw explain(spec, plan);

  Launched launched{Process{Descriptor(pidfd), pid, std::move(log.read)}, std::nullopt};
  if (plan.error_number == 0) return launched;
  wait_for(launched.process);
  if (plan.failed_step != Step::exec) throw explain(spec, plan);
  launched.failure = ExecFailure{plan.error_number};
  return launched;
}

ProcessEnd wait_for(const Process& process) {
  siginfo_t info{};
  rusage usage{};
  long result = 0;
  // The bare call reports resource usage too.
  do {
    result = syscall(SYS_waitid, P_PIDFD, process.pidfd.get(), &info, WEXITED | __WALL, &usage);
  } while (result < 0 && errno == EINTR);
  if (result < 0) {
    throw Error(Code::internal, "another part of this program took the builder's exit status")
        .hint("the host must not wait for children that it did not start, nor ignore SIGCHLD");
  }
  bool was_killed = info.si_code != CLD_EXITED;
  return {was_killed, info.si_status, usage.ru_utime, usage.ru_stime};
}

void kill_all(const Process& process) {
  if (syscall(SYS_pidfd_send_signal, process.pidfd.get(), SIGKILL, nullptr, 0) == 0) return;
  if (errno != ESRCH) throw system_error(errno, "cannot kill a builder", "");
}

}  // namespace cinch::sandbox
