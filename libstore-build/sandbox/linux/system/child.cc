// The child shares its memory with the process that launched it, whose calling thread is stopped
// meanwhile; other threads run on and may hold any lock. So, safety, case by case: nothing here
// allocates, locks, throws or calls anything but system calls; strings are only read; what is
// written is the child's own stack and its ChildPlan. Signals are blocked until the program runs,
// so no handler of the host runs here.
#include "child.hh"

#include <cerrno>
#include <csignal>
#include <cstring>

#include <fcntl.h>
#include <linux/landlock.h>
#include <linux/openat2.h>
#include <linux/seccomp.h>
#include <net/if.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace cinch::sandbox {
namespace {

// Newer than the headers of the oldest supported systems.
constexpr std::uint64_t landlock_scope_abstract_unix_socket = 1;
constexpr long landlock_abi_with_scopes = 6;
struct LandlockRules {
  std::uint64_t handled_access_fs;
  std::uint64_t handled_access_net;
  std::uint64_t scoped;
};
constexpr int keyctl_join_session_keyring = 1;

long change_mount(int directory, const char* path, unsigned flags, std::uint64_t attributes) {
  mount_attr change{};
  change.attr_set = attributes;
  return syscall(SYS_mount_setattr, directory, path, flags, &change, sizeof change);
}

bool write_small_file(const char* name, const char* text) {
  int file = open(name, O_WRONLY | O_CLOEXEC);
  if (file < 0) return false;
  std::size_t size = std::strlen(text);
  bool done = write(file, text, size) == static_cast<ssize_t>(size);
  int error_number = errno;
  close(file);
  errno = error_number;
  return done;
}

// --- operations; each returns false with errno set

bool perform(const MakeDirectory& op) {
  return mkdir(op.path.c_str(), op.mode) == 0 && chmod(op.path.c_str(), op.mode) == 0;
}

bool perform(const WriteFile& op) {
  int file = open(op.path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, op.mode);
  if (file < 0) return false;
  const char* next = op.contents.data();
  std::size_t left = op.contents.size();
  while (left > 0) {
    ssize_t count = write(file, next, left);
    if (count < 0) return false;
    next += count;
    left -= static_cast<std::size_t>(count);
  }
  return close(file) == 0;
}

bool perform(const MakeSymlink& op) { return symlink(op.target.c_str(), op.path.c_str()) == 0; }

// The target of a mount, below the root and without following any symlink.
int open_target(const char* path) {
  open_how how{};
  how.flags = O_PATH | O_CLOEXEC;
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS;
  return static_cast<int>(syscall(SYS_openat2, AT_FDCWD, path, &how, sizeof how));
}

bool move_mount_to(int tree, const char* path) {
  int target = open_target(path);
  if (target < 0) return false;
  long result = syscall(SYS_move_mount, tree, "", target, "",
                        MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH);
  int error_number = errno;
  close(target);
  errno = error_number;
  return result == 0;
}

bool bind_at(const char* source, const char* path, std::uint64_t attributes) {
  int tree = static_cast<int>(
      syscall(SYS_open_tree, AT_FDCWD, source,
              OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE | AT_SYMLINK_NOFOLLOW));
  if (tree < 0) return false;
  bool done = change_mount(tree, "", AT_EMPTY_PATH | AT_RECURSIVE, attributes) == 0 &&
              move_mount_to(tree, path);
  int error_number = errno;
  close(tree);
  errno = error_number;
  return done;
}

bool make_target(const Bind& op) {
  if (!op.make_target) return true;
  if (op.kind == BindKind::directory) return mkdir(op.path.c_str(), 0755) == 0;
  int file = open(op.path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0444);
  return file >= 0 && close(file) == 0;
}

bool perform(const Bind& op) {
  std::uint64_t attributes = MOUNT_ATTR_NOSUID;
  if (op.kind == BindKind::device) attributes |= MOUNT_ATTR_NOEXEC;
  if (op.access == BindAccess::read_only) attributes |= MOUNT_ATTR_RDONLY;
  return make_target(op) && bind_at(op.source.c_str(), op.path.c_str(), attributes);
}

bool perform(const MountNew& op) {
  const char* type = op.type == FileSystem::proc    ? "proc"
                     : op.type == FileSystem::tmpfs ? "tmpfs"
                                                    : "devpts";
  unsigned long flags = MS_NOSUID | MS_NOEXEC;
  if (op.type != FileSystem::devpts) flags |= MS_NODEV;
  return mkdir(op.path.c_str(), 0755) == 0 &&
         mount(type, op.path.c_str(), type, flags, op.options.c_str()) == 0;
}

bool perform(const Protect& op) {
  if (bind_at(op.path.c_str(), op.path.c_str(), MOUNT_ATTR_RDONLY)) return true;
  return errno == ENOENT;
}

// --- steps, in order; each returns false with errno set

bool step_parent_death(const ChildPlan& plan) {
  if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0) return false;
  // Who launched this may have died before that: then nobody reads the log any more.
  close(plan.log_read);
  pollfd log{plan.log, 0, 0};
  if (poll(&log, 1, 0) < 0) return false;
  if ((log.revents & POLLERR) == 0) return true;
  errno = EPIPE;
  return false;
}

bool step_session() {
  if (setsid() < 0) return false;
  // Keys of whoever started the host are none of the builder's business; kernels without keys are.
  if (syscall(SYS_keyctl, keyctl_join_session_keyring, nullptr) < 0 && errno != ENOSYS &&
      errno != EPERM && errno != EDQUOT) {
    return false;
  }
  return true;
}

// Needs /proc of the host: it knows this process under its number there.
bool step_identity(const ChildPlan& plan) {
  return write_small_file("/proc/self/setgroups", "deny") &&
         write_small_file("/proc/self/uid_map", plan.user_map) &&
         write_small_file("/proc/self/gid_map", plan.group_map);
}

bool step_host_name(const SandboxSpec& spec) {
  return sethostname(spec.host_name.data(), spec.host_name.size()) == 0 &&
         setdomainname(spec.domain_name.data(), spec.domain_name.size()) == 0;
}

bool step_loopback(const SandboxSpec& spec) {
  if (spec.network) return true;
  int socket_fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (socket_fd < 0) return errno == EAFNOSUPPORT;
  ifreq request{};
  request.ifr_name[0] = 'l';
  request.ifr_name[1] = 'o';
  request.ifr_flags = IFF_UP | IFF_LOOPBACK | IFF_RUNNING;
  bool done = ioctl(socket_fd, SIOCSIFFLAGS, &request) == 0;
  int error_number = errno;
  close(socket_fd);
  errno = error_number;
  return done;
}

// Mounts an empty root over "/". Absolute names still lead into the old root, as they start below
// what is mounted there; relative ones lead into the new root.
bool step_root_mount() {
  umask(0022);
  if (mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) return false;
  int context = static_cast<int>(syscall(SYS_fsopen, "tmpfs", FSOPEN_CLOEXEC));
  if (context < 0) return false;
  if (syscall(SYS_fsconfig, context, FSCONFIG_SET_STRING, "mode", "0755", 0) != 0) return false;
  if (syscall(SYS_fsconfig, context, FSCONFIG_CMD_CREATE, nullptr, nullptr, 0) != 0) return false;
  int root = static_cast<int>(
      syscall(SYS_fsmount, context, FSMOUNT_CLOEXEC, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV));
  if (root < 0) return false;
  return syscall(SYS_move_mount, root, "", AT_FDCWD, "/", MOVE_MOUNT_F_EMPTY_PATH) == 0 &&
         fchdir(root) == 0;
}

bool step_operations(ChildPlan& plan) {
  for (const Operation& operation : plan.spec->operations) {
    bool done = false;
    switch (operation.index()) {
      case 0:
        done = perform(*std::get_if<MakeDirectory>(&operation));
        break;
      case 1:
        done = perform(*std::get_if<WriteFile>(&operation));
        break;
      case 2:
        done = perform(*std::get_if<MakeSymlink>(&operation));
        break;
      case 3:
        done = perform(*std::get_if<Bind>(&operation));
        break;
      case 4:
        done = perform(*std::get_if<MountNew>(&operation));
        break;
      case 5:
        done = perform(*std::get_if<Protect>(&operation));
        break;
      default:
        errno = ENOSYS;
    }
    if (!done) return false;
    ++plan.failed_operation;
  }
  return true;
}

// The old root is stacked on the new one for a moment, so that no directory is needed for it.
bool step_pivot() {
  return syscall(SYS_pivot_root, ".", ".") == 0 && umount2(".", MNT_DETACH) == 0 &&
         change_mount(AT_FDCWD, "/", 0, MOUNT_ATTR_RDONLY) == 0;
}

bool step_descriptors(const ChildPlan& plan) {
  int null = open("/dev/null", O_RDWR | O_CLOEXEC);
  if (null < 0) return false;
  return dup2(null, STDIN_FILENO) >= 0 && dup2(plan.log, STDOUT_FILENO) >= 0 &&
         dup2(plan.log, STDERR_FILENO) >= 0 && syscall(SYS_close_range, 3U, ~0U, 0U) == 0;
}

// The program must not start with what the host ignores or has blocked.
void reset_signals() {
  struct sigaction standard {};
  standard.sa_handler = SIG_DFL;
  for (int number = 1; number < NSIG; ++number) sigaction(number, &standard, nullptr);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
}

// Addresses that are the same each time keep some builds reproducible, but some containers forbid
// to ask for them, and builds work without.
bool step_personality(const SandboxSpec& spec) {
  const unsigned long base = spec.narrow ? PER_LINUX32 : PER_LINUX;
  return personality(base | ADDR_NO_RANDOMIZE) >= 0 || !spec.narrow || personality(base) >= 0;
}

bool step_limits() {
  rlimit none{0, 0};
  return setrlimit(RLIMIT_CORE, &none) == 0 && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0;
}

// A builder with network shares this machine's abstract sockets, a channel over which descriptors
// could leave the sandbox. Newer kernels can close it in one direction.
bool step_landlock(const SandboxSpec& spec) {
  if (!spec.network) return true;
  long abi = syscall(SYS_landlock_create_ruleset, nullptr, 0, LANDLOCK_CREATE_RULESET_VERSION);
  if (abi < landlock_abi_with_scopes) return true;
  LandlockRules rules{0, 0, landlock_scope_abstract_unix_socket};
  int ruleset = static_cast<int>(syscall(SYS_landlock_create_ruleset, &rules, sizeof rules, 0));
  if (ruleset < 0) return false;
  bool done = syscall(SYS_landlock_restrict_self, ruleset, 0) == 0;
  int error_number = errno;
  close(ruleset);
  errno = error_number;
  return done;
}

bool step_filter(const ChildPlan& plan) {
  if (plan.filter.empty()) return true;
  sock_fprog program{static_cast<unsigned short>(plan.filter.size()),
                     const_cast<sock_filter*>(plan.filter.data())};
  return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

[[noreturn]] void give_up(ChildPlan& plan, Step step) {
  plan.failed_step = step;
  plan.error_number = errno;
  _exit(127);
}

}  // namespace

int run_child(void* argument) {
  ChildPlan& plan = *static_cast<ChildPlan*>(argument);
  const SandboxSpec& spec = *plan.spec;
  if (!step_parent_death(plan)) give_up(plan, Step::parent_death);
  if (!step_session()) give_up(plan, Step::session);
  if (!step_identity(plan)) give_up(plan, Step::identity);
  if (!step_host_name(spec)) give_up(plan, Step::host_name);
  if (!step_loopback(spec)) give_up(plan, Step::loopback);
  if (!step_root_mount()) give_up(plan, Step::root_mount);
  if (!step_operations(plan)) give_up(plan, Step::operation);
  if (!step_pivot()) give_up(plan, Step::pivot);
  if (spec.command.empty()) _exit(0);
  if (chdir(spec.working_directory.c_str()) != 0) give_up(plan, Step::working_directory);
  if (!step_descriptors(plan)) give_up(plan, Step::descriptors);
  reset_signals();
  if (!step_personality(spec)) give_up(plan, Step::personality);
  if (!step_limits()) give_up(plan, Step::limits);
  if (!step_landlock(spec)) give_up(plan, Step::landlock);
  if (!step_filter(plan)) give_up(plan, Step::filter);
  execve(spec.command.front().c_str(), plan.arguments, plan.environment);
  give_up(plan, Step::exec);
}

}  // namespace cinch::sandbox
