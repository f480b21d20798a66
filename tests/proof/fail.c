// Preloaded into a program: counts its calls that the disk can refuse, and refuses the one it is
// told to. The program finds the controls by dlsym.
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>

#define SHOWN __attribute__((visibility("default")))

// failer.hh
enum {
  fail_once = 0,
  fail_from_there_on = 1,
  fail_opening_from_there_on = 2,
  fail_naming_from_there_on = 3
};

static atomic_long calls;
static atomic_long fail_at;  // 0: not armed
static atomic_int fail_errno;
static atomic_int fail_kind;
static const char* _Atomic failed_call;

SHOWN void cinch_fail_arm(long at, int error, int kind);
SHOWN void cinch_fail_disarm(void);
SHOWN const char* cinch_fail_name(void);

void cinch_fail_arm(long at, int error, int kind) {
  calls = 0;
  failed_call = NULL;
  fail_errno = error;
  fail_kind = kind;
  fail_at = at;
}

void cinch_fail_disarm(void) { fail_at = 0; }

// The call that was refused first; NULL if there were not so many calls.
const char* cinch_fail_name(void) { return failed_call; }

// Files of /proc are no files of the disk: neither they nor what is opened by way of them counts.
enum { files_max = 4096 };
static atomic_bool in_proc[files_max];

static bool names_proc(const char* name) {
  return strncmp(name, "/proc", 5) == 0 && (name[5] == '/' || name[5] == '\0');
}
static bool is_in_proc(int file) { return file >= 0 && file < files_max && in_proc[file]; }

// Neither are event counters and sockets.
static bool counts(int file) {
  struct stat status;
  return !is_in_proc(file) && (syscall(SYS_fstat, file, &status) != 0 || S_ISREG(status.st_mode) ||
                               S_ISDIR(status.st_mode));
}

static int opened(int file, bool proc) {
  if (file >= 0 && file < files_max) in_proc[file] = proc;
  return file;
}

static bool gives_a_name(const char* call) {
  return strncmp(call, "link", 4) == 0 || strncmp(call, "rename", 6) == 0;
}

static bool refused(const char* name, bool opens) {
  const long at = fail_at;
  if (at == 0 || (fail_kind == fail_opening_from_there_on && !opens)) return false;
  if (fail_kind == fail_naming_from_there_on && !gives_a_name(name)) return false;
  const long number = ++calls;
  if (fail_kind == fail_once ? number != at : number < at) return false;
  const char* none = NULL;
  atomic_compare_exchange_strong(&failed_call, &none, name);
  errno = fail_errno;
  return true;
}

// Defines `name` so that it asks first, and then does what it always did.
#define REFUSABLE_AS(may_fail, failure, type, name, parameters, arguments) \
  SHOWN type name parameters;                                              \
  type name parameters {                                                   \
    static type(*real) parameters;                                         \
    if (!real) *(void**)&real = dlsym(RTLD_NEXT, #name);                   \
    if (may_fail && refused(#name, false)) return failure;                 \
    return real arguments;                                                 \
  }
#define REFUSABLE(name, parameters, arguments) \
  REFUSABLE_AS(true, -1, int, name, parameters, arguments)
#define REFUSABLE_AT(name, parameters, arguments) \
  REFUSABLE_AS(!is_in_proc(directory), -1, int, name, parameters, arguments)
#define REFUSABLE_SIZE(name, parameters, arguments) \
  REFUSABLE_AS(counts(file), -1, ssize_t, name, parameters, arguments)

#define WITH_MODE(last)                       \
  mode_t mode = 0;                            \
  if ((flags & (O_CREAT | O_TMPFILE)) != 0) { \
    va_list more;                             \
    va_start(more, last);                     \
    mode = va_arg(more, mode_t);              \
    va_end(more);                             \
  }

#define OPENING(name)                                    \
  SHOWN int name(const char* file, int flags, ...);      \
  int name(const char* file, int flags, ...) {           \
    static int (*real)(const char*, int, ...);           \
    if (!real) *(void**)&real = dlsym(RTLD_NEXT, #name); \
    WITH_MODE(flags)                                     \
    const bool proc = names_proc(file);                  \
    if (!proc && refused(#name, true)) return -1;        \
    return opened(real(file, flags, mode), proc);        \
  }
#define OPENING_AT(name)                                           \
  SHOWN int name(int directory, const char* file, int flags, ...); \
  int name(int directory, const char* file, int flags, ...) {      \
    static int (*real)(int, const char*, int, ...);                \
    if (!real) *(void**)&real = dlsym(RTLD_NEXT, #name);           \
    WITH_MODE(flags)                                               \
    const bool proc = is_in_proc(directory) || names_proc(file);   \
    if (!proc && refused(#name, true)) return -1;                  \
    return opened(real(directory, file, flags, mode), proc);       \
  }

OPENING(open)
OPENING(open64)
OPENING_AT(openat)
OPENING_AT(openat64)

SHOWN DIR* fdopendir(int file) {
  static DIR* (*real)(int);
  if (!real) *(void**)&real = dlsym(RTLD_NEXT, "fdopendir");
  return !is_in_proc(file) && refused("fdopendir", true) ? NULL : real(file);
}

// A file is closed even if closing it reports that writing has failed.
SHOWN int close(int file) {
  static int (*real)(int);
  if (!real) *(void**)&real = dlsym(RTLD_NEXT, "close");
  const bool proc = is_in_proc(file);
  opened(file, false);
  if (proc || !refused("close", false)) return real(file);
  real(file);
  errno = fail_errno;
  return -1;
}

// The end of a directory and an error differ in errno alone.
#define LISTING(type, name)                                         \
  SHOWN type* name(DIR* directory);                                 \
  type* name(DIR* directory) {                                      \
    static type* (*real)(DIR*);                                     \
    if (!real) *(void**)&real = dlsym(RTLD_NEXT, #name);            \
    const bool proc = is_in_proc(dirfd(directory));                 \
    return !proc && refused(#name, false) ? NULL : real(directory); \
  }
LISTING(struct dirent, readdir)
LISTING(struct dirent64, readdir64)

REFUSABLE_SIZE(read, (int file, void* data, size_t size), (file, data, size))
REFUSABLE_SIZE(pread, (int file, void* data, size_t size, off_t at), (file, data, size, at))
REFUSABLE_SIZE(pread64, (int file, void* data, size_t size, off64_t at), (file, data, size, at))
REFUSABLE_SIZE(write, (int file, const void* data, size_t size), (file, data, size))
REFUSABLE_SIZE(pwrite, (int file, const void* data, size_t size, off_t at), (file, data, size, at))
REFUSABLE_SIZE(pwrite64, (int file, const void* data, size_t size, off64_t at),
               (file, data, size, at))
REFUSABLE_AS(true, -1, ssize_t, copy_file_range,
             (int from, off64_t* from_at, int to, off64_t* to_at, size_t size, unsigned flags),
             (from, from_at, to, to_at, size, flags))
REFUSABLE_AS(!names_proc(name), -1, ssize_t, readlink,
             (const char* restrict name, char* restrict target, size_t size), (name, target, size))
REFUSABLE_AS(!is_in_proc(directory), -1, ssize_t, readlinkat,
             (int directory, const char* restrict name, char* restrict target, size_t size),
             (directory, name, target, size))
REFUSABLE(fsync, (int file), (file))
REFUSABLE(fdatasync, (int file), (file))
REFUSABLE(syncfs, (int file), (file))
REFUSABLE(ftruncate, (int file, off_t size), (file, size))
REFUSABLE(ftruncate64, (int file, off64_t size), (file, size))
REFUSABLE(fallocate, (int file, int mode, off_t at, off_t size), (file, mode, at, size))
REFUSABLE(fallocate64, (int file, int mode, off64_t at, off64_t size), (file, mode, at, size))
REFUSABLE(fchmod, (int file, mode_t mode), (file, mode))
REFUSABLE(fchmodat, (int directory, const char* name, mode_t mode, int flags),
          (directory, name, mode, flags))
REFUSABLE(chmod, (const char* name, mode_t mode), (name, mode))
REFUSABLE(futimens, (int file, const struct timespec times[2]), (file, times))
REFUSABLE(utimensat, (int directory, const char* name, const struct timespec times[2], int flags),
          (directory, name, times, flags))
REFUSABLE(mkdir, (const char* name, mode_t mode), (name, mode))
REFUSABLE(mkdirat, (int directory, const char* name, mode_t mode), (directory, name, mode))
REFUSABLE(symlink, (const char* target, const char* name), (target, name))
REFUSABLE(symlinkat, (const char* target, int directory, const char* name),
          (target, directory, name))
REFUSABLE(link, (const char* from, const char* to), (from, to))
REFUSABLE(linkat, (int directory, const char* from, int to_directory, const char* to, int flags),
          (directory, from, to_directory, to, flags))
REFUSABLE(rename, (const char* from, const char* to), (from, to))
REFUSABLE(renameat, (int directory, const char* from, int to_directory, const char* to),
          (directory, from, to_directory, to))
REFUSABLE(renameat2,
          (int directory, const char* from, int to_directory, const char* to, unsigned flags),
          (directory, from, to_directory, to, flags))
REFUSABLE(unlink, (const char* name), (name))
REFUSABLE(unlinkat, (int directory, const char* name, int flags), (directory, name, flags))
REFUSABLE(rmdir, (const char* name), (name))
REFUSABLE(stat64, (const char* restrict name, struct stat64* restrict status), (name, status))
REFUSABLE(lstat64, (const char* restrict name, struct stat64* restrict status), (name, status))
REFUSABLE_AS(!is_in_proc(file), -1, int, fstat, (int file, struct stat* status), (file, status))
REFUSABLE_AS(!is_in_proc(file), -1, int, fstat64, (int file, struct stat64* status), (file, status))
REFUSABLE_AT(fstatat,
             (int directory, const char* restrict name, struct stat* restrict status, int flags),
             (directory, name, status, flags))
REFUSABLE_AT(fstatat64,
             (int directory, const char* restrict name, struct stat64* restrict status, int flags),
             (directory, name, status, flags))
