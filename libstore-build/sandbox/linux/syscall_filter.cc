// Two parts, one after the other. Calls added since Linux 5.1 have the same number everywhere, and
// the newest are unknown to the libseccomp of older systems: those rules are written by hand and
// come first. Calls whose numbers differ between architectures come from libseccomp.
#include "syscall_filter.hh"

#include <cinch/core/error.hh>
#include <cinch/files/descriptor.hh>

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <initializer_list>
#include <memory>
#include <string>

#include <fcntl.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

namespace cinch::sandbox {
namespace {

constexpr std::uint32_t set_id_bits = S_ISUID | S_ISGID;
// Makes a file without O_CREAT, which can get a name later.
constexpr std::uint32_t temporary_file = O_TMPFILE & ~O_DIRECTORY;
constexpr std::uint32_t x32_bit = 0x40000000;  // the x32 ABI marks its call numbers with it

using Program = std::vector<sock_filter>;

// --- calls with the same number everywhere

constexpr std::uint32_t nr_openat2 = 437;
constexpr std::uint32_t nr_fchmodat2 = 452;
constexpr std::array<std::uint32_t, 4> nr_xattrat = {463, 464, 465, 466};  // set get list remove
constexpr std::array<std::uint32_t, 3> nr_io_uring = {425, 426, 427};      // setup enter register

// Instructions for "if the number is `nr`, return `action`".
void refuse(Program& program, std::uint32_t nr, int error_number) {
  program.push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, nr, 0, 1));
  program.push_back(
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | static_cast<std::uint32_t>(error_number)));
}

Program unified_part() {
  Program program;
  program.push_back(BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)));
  program.push_back(BPF_STMT(BPF_ALU | BPF_AND | BPF_K, ~x32_bit));
  // io_uring performs other calls unseen by any filter.
  for (std::uint32_t nr : nr_io_uring) refuse(program, nr, ENOSYS);
  // Its mode lies in memory, where no filter can look; whoever uses it can do without it.
  refuse(program, nr_openat2, ENOSYS);
  for (std::uint32_t nr : nr_xattrat) refuse(program, nr, ENOTSUP);
  // fchmodat2(dirfd, name, mode, flags): the lower half of the third argument.
  std::uint32_t mode_offset = offsetof(seccomp_data, args) + 2 * sizeof(std::uint64_t);
  if constexpr (__BYTE_ORDER__ == __ORDER_BIG_ENDIAN__) mode_offset += sizeof(std::uint32_t);
  program.push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, nr_fchmodat2, 0, 3));
  program.push_back(BPF_STMT(BPF_LD | BPF_W | BPF_ABS, mode_offset));
  program.push_back(BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, set_id_bits, 0, 1));
  program.push_back(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM));
  return program;
}

// --- calls by name, through libseccomp

using Filter = std::unique_ptr<void, decltype(&seccomp_release)>;

void check(int result, const std::string& what) {
  if (result == 0) return;
  throw Error(Code::internal, "the system call filter cannot be made: " + what + ": " +
                                  std::string(std::strerror(-result)));
}

void add_architectures(scmp_filter_ctx filter) {
  if (seccomp_arch_native() != SCMP_ARCH_X86_64) return;
  for (std::uint32_t architecture : {SCMP_ARCH_X86, SCMP_ARCH_X32}) {
    check(seccomp_arch_add(filter, architecture), "another architecture");
  }
}

// Refuses a call whose argument number `argument` has one of the set-id bits, and, if `flag` is
// not 0, whose argument before that has the flag.
void refuse_set_id(scmp_filter_ctx filter, const char* name, unsigned argument,
                   std::uint32_t flag = 0) {
  int nr = seccomp_syscall_resolve_name(name);
  if (nr == __NR_SCMP_ERROR) return;  // older than the library: has no such call
  for (std::uint32_t bit : {std::uint32_t{S_ISUID}, std::uint32_t{S_ISGID}}) {
    std::array<scmp_arg_cmp, 2> conditions = {
        scmp_arg_cmp{argument, SCMP_CMP_MASKED_EQ, bit, bit},
        scmp_arg_cmp{argument == 0 ? 0 : argument - 1, SCMP_CMP_MASKED_EQ, flag, flag}};
    check(seccomp_rule_add_array(filter, SCMP_ACT_ERRNO(EPERM), nr, flag == 0 ? 1 : 2,
                                 conditions.data()),
          name);
  }
}

void refuse_always(scmp_filter_ctx filter, std::initializer_list<const char*> names,
                   std::uint32_t action) {
  for (const char* name : names) {
    int nr = seccomp_syscall_resolve_name(name);
    if (nr != __NR_SCMP_ERROR) check(seccomp_rule_add_array(filter, action, nr, 0, nullptr), name);
  }
}

Program named_part() {
  Filter filter(seccomp_init(SCMP_ACT_ALLOW), &seccomp_release);
  if (!filter) throw Error(Code::internal, "libseccomp does not know this machine's architecture");
  add_architectures(filter.get());
  refuse_set_id(filter.get(), "chmod", 1);
  refuse_set_id(filter.get(), "fchmod", 1);
  refuse_set_id(filter.get(), "fchmodat", 2);
  refuse_set_id(filter.get(), "creat", 1);
  refuse_set_id(filter.get(), "open", 2, O_CREAT);
  refuse_set_id(filter.get(), "open", 2, temporary_file);
  refuse_set_id(filter.get(), "openat", 3, O_CREAT);
  refuse_set_id(filter.get(), "openat", 3, temporary_file);
  refuse_set_id(filter.get(), "mknod", 1);
  refuse_set_id(filter.get(), "mknodat", 2);
  refuse_always(
      filter.get(),
      {"setxattr", "lsetxattr", "fsetxattr", "getxattr", "lgetxattr", "fgetxattr", "listxattr",
       "llistxattr", "flistxattr", "removexattr", "lremovexattr", "fremovexattr"},
      SCMP_ACT_ERRNO(ENOTSUP));

  Descriptor file(memfd_create("syscall-filter", MFD_CLOEXEC));
  if (!file) throw system_error(errno, "cannot make a memory file for the system call filter", "");
  check(seccomp_export_bpf(filter.get(), file.get()), "export");
  struct stat status {};
  if (fstat(file.get(), &status) != 0)
    throw system_error(errno, "cannot look at a memory file", "");
  Program program(static_cast<std::size_t>(status.st_size) / sizeof(sock_filter));
  ssize_t count = pread(file.get(), program.data(), program.size() * sizeof(sock_filter), 0);
  if (count != status.st_size) throw system_error(errno, "cannot read a memory file", "");
  return program;
}

}  // namespace

std::vector<sock_filter> compile_syscall_filter() {
  Program program = unified_part();
  Program named = named_part();
  program.insert(program.end(), named.begin(), named.end());
  return program;
}

}  // namespace cinch::sandbox
