#include "build_directory.hh"
#include "running_build.hh"
#include "sandbox_plan.hh"
#include "syscall_filter.hh"
#include "system/launch.hh"

#include <cinch/build/linux_sandbox.hh>
#include <cinch/core/cancellation.hh>
#include <cinch/core/error.hh>
#include <cinch/files/file_tree.hh>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <cstdlib>
#include <cstring>

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

namespace cinch {
namespace sandbox {
namespace {

// This machine, as it is when asked.
class ThisHost final : public Host {
 public:
  SourceFacts look_at(const std::string& name) const override {
    struct stat status {};
    if (lstat(name.c_str(), &status) != 0) {
      if (errno == ENOENT || errno == ENOTDIR) return {};
      throw system_error(errno, "cannot look at what a sandbox should show", name);
    }
    if (S_ISDIR(status.st_mode)) return {SourceKind::directory, ""};
    if (S_ISLNK(status.st_mode)) return {SourceKind::symlink, read_link(name)};
    if (S_ISCHR(status.st_mode) || S_ISBLK(status.st_mode)) return {SourceKind::device, ""};
    return {SourceKind::file, ""};
  }

  std::optional<std::string> resolve(const std::string& name) const override {
    std::unique_ptr<char, decltype(&std::free)> real(realpath(name.c_str(), nullptr), &std::free);
    if (!real) return std::nullopt;
    return std::string(real.get());
  }

  bool is_root() const override { return geteuid() == 0; }

 private:
  static std::string read_link(const std::string& name) {
    std::array<char, PATH_MAX> target{};
    ssize_t size = readlink(name.c_str(), target.data(), target.size());
    if (size < 0) throw system_error(errno, "cannot read a symlink", name);
    return std::string(target.data(), static_cast<std::size_t>(size));
  }
};

std::string this_system() {
  utsname name{};
  if (uname(&name) != 0) throw system_error(errno, "cannot get this machine's architecture", "");
  return std::string(name.machine) + "-linux";
}

std::chrono::microseconds microseconds_of(const timeval& time) {
  return std::chrono::seconds(time.tv_sec) + std::chrono::microseconds(time.tv_usec);
}

// Gives the owner these rights, too, to exactly the inode that was looked at: a builder with
// network may have passed its directories on, and whoever has them can put a symlink in its place
// meanwhile.
void add_rights(const Directory& in, const std::string& entry, const struct stat& seen,
                mode_t rights) {
  const Descriptor path = in.open_file(entry, O_PATH);
  struct stat status {};
  if (fstat(path.get(), &status) != 0) {
    throw system_error(errno, "cannot look at an output", in.name_of(entry));
  }
  if (status.st_dev != seen.st_dev || status.st_ino != seen.st_ino) {
    throw Error(Code::build_failed, "the output was replaced while it was read")
        .about(in.name_of(entry));
  }
  const std::string link = "/proc/self/fd/" + std::to_string(path.get());
  if (chmod(link.c_str(), (seen.st_mode & 0777) | rights) != 0) {
    throw system_error(errno, "cannot make an output readable", in.name_of(entry));
  }
}

// Gives the owner the right to read everything below, so that an output which its builder has made
// unreadable can be read without being root.
void make_readable(const Directory& parent, const std::string& name) {
  std::vector<std::pair<Directory, std::vector<DirectoryEntry>>> open;
  auto visit = [&](const Directory& in, const std::string& entry) {
    struct stat status {};
    if (fstatat(in.get(), entry.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0) {
      throw system_error(errno, "cannot look at an output", in.name_of(entry));
    }
    bool is_directory = S_ISDIR(status.st_mode);
    if (!is_directory && !S_ISREG(status.st_mode)) return;
    mode_t wanted = is_directory ? 0500 : 0400;
    if ((status.st_mode & wanted) != wanted) add_rights(in, entry, status, wanted);
    if (!is_directory) return;
    if (open.size() == nar_depth_max) {
      throw Error(Code::build_failed, "the output has too many directories inside each other")
          .about(in.name_of(entry));
    }
    Directory directory = in.open_directory(entry);
    std::vector<DirectoryEntry> entries = directory.list();
    open.emplace_back(std::move(directory), std::move(entries));
  };
  visit(parent, name);
  while (!open.empty()) {
    if (open.back().second.empty()) {
      open.pop_back();
      continue;
    }
    DirectoryEntry entry = std::move(open.back().second.back());
    open.back().second.pop_back();
    std::size_t depth = open.size() - 1;
    if (entry.type == DT_DIR || entry.type == DT_REG) visit(open[depth].first, entry.name);
  }
}

class SandboxedBuild final : public FinishedBuild {
 public:
  SandboxedBuild(std::unique_ptr<BuildDirectory> directory,
                 std::map<std::string, StorePath> outputs)
      : directory_(std::move(directory)), outputs_(std::move(outputs)) {}

  void set_result(const WatchResult& result) {
    end_ = result.end;
    number_ = result.process.number;
    cpu_user_ = microseconds_of(result.process.cpu_user);
    cpu_system_ = microseconds_of(result.process.cpu_system);
  }
  void set_failure(std::string message) {
    end_ = BuildEnd::failed_to_start;
    message_ = std::move(message);
  }

  BuildEnd end() const override { return end_; }
  int number() const override { return number_; }
  std::string message() const override { return message_; }
  std::optional<std::chrono::microseconds> cpu_user() const override { return cpu_user_; }
  std::optional<std::chrono::microseconds> cpu_system() const override { return cpu_system_; }

  bool has_output(std::string_view name) const override {
    return directory_->store().stat(path_of(name).base_name()).has_value();
  }

  void read_output(std::string_view name, Sink& sink) override {
    const std::string& base_name = path_of(name).base_name();
    if (geteuid() != 0) make_readable(directory_->store(), base_name);
    NarWriter writer(sink);
    try {
      read_tree(directory_->store(), base_name, writer);
    } catch (const Error& error) {
      if (error.code() != Code::not_supported && error.code() != Code::limit_exceeded) throw;
      throw Error(Code::build_failed, error.message()).about(error.subject());
    }
    writer.finish();
  }

  std::string keep() override { return directory_->keep(); }

 private:
  const StorePath& path_of(std::string_view name) const {
    auto found = outputs_.find(std::string(name));
    if (found != outputs_.end()) return found->second;
    throw Error(Code::invalid_argument, "the build has no output '" + std::string(name) + "'");
  }

  std::unique_ptr<BuildDirectory> directory_;
  std::map<std::string, StorePath> outputs_;
  BuildEnd end_ = BuildEnd::failed_to_start;
  int number_ = 0;
  std::string message_;
  std::optional<std::chrono::microseconds> cpu_user_;
  std::optional<std::chrono::microseconds> cpu_system_;
};

// Whoever may write to the directory could put something else in the place of a build directory.
Directory open_build_directory(const std::string& name) {
  Directory directory = Directory::open(name);
  struct stat status {};
  if (fstat(directory.get(), &status) != 0) {
    throw system_error(errno, "cannot look at the build directory", name);
  }
  if ((status.st_mode & S_IWOTH) != 0) {
    throw Error(Code::invalid_argument, "the build directory '" + name + "' is world-writable")
        .about(name)
        .hint("set build-dir to a directory that only you can write to");
  }
  return directory;
}

std::string describe_start_failure(const SandboxSpec& spec, int error_number) {
  std::string text = "cannot run the builder '" + spec.command.front() +
                     "' inside the sandbox: " + std::strerror(error_number);
  if (error_number == ENOENT) {
    text += " (it, or the interpreter it names, is neither an input nor among the sandbox-paths)";
  }
  return text;
}

class LinuxSandbox final : public Builder {
 public:
  explicit LinuxSandbox(const LinuxSandboxOptions& options)
      : directory_(open_build_directory(options.build_directory)),
        systems_(options.extra_platforms) {
    systems_.push_back(options.system.empty() ? this_system() : options.system);
    if (options.filter_syscalls) filter_ = compile_syscall_filter();
    try_namespaces();
  }

  std::unique_ptr<FinishedBuild> run(const BuildRequest& request, Sink& log,
                                     std::stop_token stop) override {
    check_cancelled(stop);
    check_request(request);
    auto directory = std::make_unique<BuildDirectory>(directory_);
    directory->write_files(request.files);
    SandboxSpec spec = plan_sandbox(request, directory->layout(), host_);
    auto build = std::make_unique<SandboxedBuild>(std::move(directory), request.outputs);
    Launched launched = launch(spec, filter_);
    if (launched.failure) {
      build->set_failure(describe_start_failure(spec, launched.failure->error_number));
    } else {
      build->set_result(watch(launched.process, request.limits, log, std::move(stop)));
    }
    return build;
  }

  bool supports(std::string_view system) const override {
    return std::find(systems_.begin(), systems_.end(), system) != systems_.end();
  }

 private:
  static void check_request(const BuildRequest& request) {
    if (request.command.empty() || !request.command.front().starts_with('/')) {
      throw Error(Code::invalid_argument, "the builder must be an absolute path")
          .about(request.derivation.base_name());
    }
  }

  // Sets a sandbox up in which nothing runs, to learn now whether the system allows it.
  void try_namespaces() const {
    SandboxSpec spec;
    spec.operations = {MountNew{"proc", FileSystem::proc, ""}};
    Launched launched = launch(spec, {});
    wait_for(launched.process);
  }

  Directory directory_;
  std::vector<std::string> systems_;
  std::vector<sock_filter> filter_;
  ThisHost host_;
};

}  // namespace

static std::unique_ptr<Builder> make(const LinuxSandboxOptions& options) {
  return std::make_unique<LinuxSandbox>(options);
}

}  // namespace sandbox

std::unique_ptr<Builder> make_linux_sandbox(const LinuxSandboxOptions& options) {
  return sandbox::make(options);
}

}  // namespace cinch
