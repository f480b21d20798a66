/* Runs inside the sandbox and prints what it can do there, one fact a line. Linked statically, so
 * that it needs nothing beside itself. */
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/xattr.h>
#include <unistd.h>

static void report(const char* name, long result) {
  printf("%s %s\n", name, result >= 0 ? "allowed" : strerrorname_np(errno));
}

/* `file` is a regular file that may be changed. */
static void probe_system_calls(const char* file) {
  int fd = open(file, O_RDONLY);
  char buffer[64];
  report("chmod-setuid", syscall(SYS_chmod, file, 04755));
  report("chmod-setgid", syscall(SYS_chmod, file, 02755));
  report("chmod-plain", syscall(SYS_chmod, file, 0755));
  report("fchmod-setuid", syscall(SYS_fchmod, fd, 04755));
  report("fchmodat-setuid", syscall(SYS_fchmodat, AT_FDCWD, file, 04755));
  report("fchmodat2-setuid", syscall(452, AT_FDCWD, file, 04755, 0));
  report("fchmodat2-setgid", syscall(452, AT_FDCWD, file, 02755, 0));
  report("creat-setuid", syscall(SYS_creat, "created", 04755));
  report("open-setuid", syscall(SYS_open, "opened", O_CREAT | O_WRONLY, 04755));
  report("openat-setuid", syscall(SYS_openat, AT_FDCWD, "opened", O_CREAT | O_WRONLY, 04755));
  report("open-temporary-setuid", syscall(SYS_open, ".", O_TMPFILE | O_WRONLY, 04755));
  report("openat-temporary-setgid",
         syscall(SYS_openat, AT_FDCWD, ".", O_TMPFILE | O_WRONLY, 02755));
  report("open-temporary", syscall(SYS_open, ".", O_TMPFILE | O_WRONLY, 0644));
  struct open_how how = {.flags = O_CREAT | O_WRONLY, .mode = 04755};
  report("openat2", syscall(SYS_openat2, AT_FDCWD, "opened2", &how, sizeof how));
  report("mknod-setuid", syscall(SYS_mknod, "made", S_IFREG | 04755, 0));
  report("setxattr", setxattr(file, "user.x", "1", 1, 0));
  report("lsetxattr", lsetxattr(file, "user.x", "1", 1, 0));
  report("fsetxattr", fsetxattr(fd, "user.x", "1", 1, 0));
  report("getxattr", getxattr(file, "user.x", buffer, sizeof buffer));
  report("listxattr", listxattr(file, buffer, sizeof buffer));
  report("flistxattr", flistxattr(fd, buffer, sizeof buffer));
  report("removexattr", removexattr(file, "user.x"));
  report("setxattrat", syscall(463, AT_FDCWD, file, 0, "user.x", NULL, 0));
  report("removexattrat", syscall(466, AT_FDCWD, file, 0, "user.x"));
  report("io_uring_setup", syscall(425, 1, NULL));
  report("mount", syscall(SYS_mount, "none", "/tmp", "tmpfs", 0, NULL));
}

#if defined(__x86_64__)
/* The same through the 32-bit door, whose numbers differ. Pointers must fit in 32 bits. */
static long call32(long nr, long a, long b, long c) {
  long result;
  __asm__ volatile("int $0x80" : "=a"(result) : "a"(nr), "b"(a), "c"(b), "d"(c) : "memory");
  if (result < 0 && result > -4096) {
    errno = (int)-result;
    return -1;
  }
  return result;
}

static void probe_system_calls_32(void) {
  int fd = open("file32", O_CREAT | O_RDWR, 0644);
  report("fchmod-32", call32(94, fd, 04755, 0));
  report("fsetxattr-32", call32(228, fd, 0, 0));
  report("fchmodat2-32", call32(452, fd, 0, 04755));
}
#else
static void probe_system_calls_32(void) {}
#endif

static void list_descriptors(void) {
  for (int fd = 0; fd < 65536; ++fd) {
    if (fcntl(fd, F_GETFD) >= 0) printf("descriptor %d\n", fd);
  }
}

static int leave_socket(const char* name) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  int fd = socket(AF_UNIX, SOCK_STREAM, 0);
  if (strlen(name) >= sizeof address.sun_path) return 1;
  memcpy(address.sun_path, name, strlen(name) + 1);
  return bind(fd, (struct sockaddr*)&address, sizeof address) == 0 ? 0 : 1;
}

static void print_identity(void) {
  int signal_at_parents_death = 0;
  mode_t mask = umask(0);
  prctl(PR_GET_PDEATHSIG, &signal_at_parents_death);
  printf("uid %d %d\ngid %d %d\npid %d\nppid %d\nsession %d\numask %04o\ndeath-signal %d\n",
         (int)getuid(), (int)geteuid(), (int)getgid(), (int)getegid(), (int)getpid(),
         (int)getppid(), (int)getsid(0), (unsigned)mask, signal_at_parents_death);
}

/* Processes that make processes, until there can be no more, and never end. */
static void multiply(void) {
  signal(SIGCHLD, SIG_IGN);
  for (int i = 0; i < 7; ++i) {
    if (fork() < 0) break;
  }
  for (;;) pause();
}

int main(int argc, char* argv[]) {
  const char* what = argc > 1 ? argv[1] : "";
  if (strcmp(what, "identity") == 0) print_identity();
  if (strcmp(what, "descriptors") == 0) list_descriptors();
  if (strcmp(what, "system-calls") == 0 && argc > 2) probe_system_calls(argv[2]);
  if (strcmp(what, "system-calls-32") == 0) probe_system_calls_32();
  if (strcmp(what, "socket") == 0 && argc > 2) return leave_socket(argv[2]);
  if (strcmp(what, "multiply") == 0) multiply();
  if (strcmp(what, "crash") == 0) *(volatile int*)0 = 1;
  return 0;
}
