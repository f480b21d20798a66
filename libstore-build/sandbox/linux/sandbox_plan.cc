// Invariants of a plan:
// - operations are sorted by path, so that a directory comes before what lies in it;
// - every ancestor of a path is a directory that the plan makes, or lies in a bind; never a
//   symlink that the plan makes, so that no operation can be led elsewhere;
// - targets inside a read-only bind are never made, only used if they exist.
#include "sandbox_plan.hh"

#include <cinch/core/error.hh>

#include <algorithm>
#include <array>
#include <string_view>

namespace cinch::sandbox {
namespace {

// Builders for these ask uname(2) what they are built for, and may run on a wider machine.
constexpr std::array<std::string_view, 4> narrow_systems = {"i686-linux", "armv7l-linux",
                                                            "armv6l-linux", "armv5tel-linux"};

std::string passwd_text(const std::string& home) {
  return "root:x:0:0:Nix build user:" + home +
         ":/noshell\nnixbld:x:1000:100:Nix build user:" + home +
         ":/noshell\nnobody:x:65534:65534:Nobody:/:/noshell\n";
}
constexpr std::string_view group_text = "root:x:0:\nnixbld:!:100:\nnogroup:x:65534:\n";
constexpr std::string_view hosts_text = "127.0.0.1 localhost\n::1 localhost\n";
constexpr std::string_view nsswitch_text =
    "passwd: files\ngroup: files\nhosts: files dns\nservices: files\n";

bool is_canonical(std::string_view path) {
  if (path.size() < 2 || path.front() != '/' || path.back() == '/') return false;
  if (path.find('\0') != std::string_view::npos) return false;
  std::string_view rest = path.substr(1);
  while (!rest.empty()) {
    std::size_t end = std::min(rest.find('/'), rest.size());
    std::string_view component = rest.substr(0, end);
    if (component.empty() || component == "." || component == "..") return false;
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return true;
}

bool is_at_or_below(std::string_view path, std::string_view ancestor) {
  return path.starts_with(ancestor) &&
         (path.size() == ancestor.size() || path[ancestor.size()] == '/');
}

const std::string& path_of(const Operation& operation) {
  return std::visit([](const auto& op) -> const std::string& { return op.path; }, operation);
}

class Planner {
 public:
  Planner(const BuildRequest& request, const Layout& layout, const Host& host)
      : request_(request),
        layout_(layout),
        host_(host),
        store_(relative(request.store_dir)),
        work_(relative(request.working_directory)) {}

  SandboxSpec plan() {
    add_user_mounts();
    add_build_directories();
    add_inputs();
    add_devices();
    add_proc();
    add_etc();
    add_parents();
    SandboxSpec spec;
    for (auto& [path, operation] : operations_) spec.operations.push_back(std::move(operation));
    if (host_.is_root()) protect_proc(spec);
    spec.network = request_.network;
    spec.narrow = std::find(narrow_systems.begin(), narrow_systems.end(), request_.system) !=
                  narrow_systems.end();
    spec.working_directory = request_.working_directory;
    spec.command = request_.command;
    spec.environment = request_.environment;
    return spec;
  }

 private:
  // Without the leading slash, once it is sure that the name is canonical.
  static std::string relative(const std::string& target) {
    if (!is_canonical(target)) {
      throw Error(Code::invalid_argument, "'" + target +
                                              "' is not an absolute path without '.', '..' and "
                                              "doubled slashes, so it cannot be shown in a sandbox")
          .about(target);
    }
    return target.substr(1);
  }

  void put(Operation operation) {
    std::string path = path_of(operation);
    operations_.insert_or_assign(std::move(path), std::move(operation));
  }
  // Unless the user has mounted something of his own there or above.
  void put_default(Operation operation) {
    if (!lies_in_user_mount(path_of(operation))) put(std::move(operation));
  }
  bool lies_in_user_mount(std::string_view path) const {
    return std::any_of(user_mounts_.begin(), user_mounts_.end(),
                       [&](const std::string& mount) { return is_at_or_below(path, mount); });
  }

  // What lies behind a symlink is shown in its place: '/bin/sh' is meant to be a shell, wherever
  // this machine keeps it.
  void add_user_mounts() {
    for (const BuildMount& mount : request_.mounts) {
      std::string path = relative(mount.target);
      refuse_hiding(path, mount.target);
      std::optional<std::string> source = host_.resolve(mount.source);
      if (!source && mount.optional) continue;
      if (!source) {
        throw Error(Code::not_found, "the sandbox path '" + mount.target + "' cannot be shown: '" +
                                         mount.source + "' does not exist on this machine")
            .about(mount.source)
            .hint("take it out of sandbox-paths, or put '?' behind it");
      }
      put(show(*source, path, host_.look_at(*source)));
      user_mounts_.push_back(std::move(path));
    }
  }

  void refuse_hiding(std::string_view path, const std::string& target) const {
    for (const std::string& ours : {store_, work_, std::string("proc"), std::string("tmp")}) {
      if (!is_at_or_below(ours, path)) continue;
      throw Error(Code::invalid_argument,
                  "the sandbox path '" + target + "' would hide '/" + ours + "' of the sandbox")
          .about(target);
    }
  }

  static Operation show(const std::string& source, std::string path, const SourceFacts& facts) {
    switch (facts.kind) {
      case SourceKind::symlink:
        return MakeSymlink{std::move(path), facts.target};
      case SourceKind::directory:
        return Bind{source, std::move(path), BindKind::directory};
      case SourceKind::device:
        return Bind{source, std::move(path), BindKind::device};
      case SourceKind::file:
      case SourceKind::missing:
        break;
    }
    return Bind{source, std::move(path), BindKind::file};
  }

  void add_build_directories() {
    put(Bind{layout_.store, store_, BindKind::directory, BindAccess::read_write});
    put(Bind{layout_.work, work_, BindKind::directory, BindAccess::read_write});
    put(Bind{layout_.temp, "tmp", BindKind::directory, BindAccess::read_write});
  }

  void add_inputs() {
    std::string prefix = store_ + "/";
    for (const auto& [input, source] : request_.inputs) {
      SourceFacts facts = host_.look_at(source);
      if (facts.kind == SourceKind::missing) {
        throw Error(Code::not_found, "the input '" + request_.store_dir + "/" + input.base_name() +
                                         "' is gone from the disk")
            .about(source);
      }
      put(show(source, prefix + input.base_name(), facts));
    }
  }

  void add_devices() {
    for (const char* name : {"full", "null", "random", "tty", "urandom", "zero"}) {
      std::string device = std::string("/dev/") + name;
      if (host_.look_at(device).kind == SourceKind::device) {
        put_default(Bind{device, device.substr(1), BindKind::device});
      }
    }
    put_default(MakeSymlink{"dev/fd", "/proc/self/fd"});
    put_default(MakeSymlink{"dev/stdin", "/proc/self/fd/0"});
    put_default(MakeSymlink{"dev/stdout", "/proc/self/fd/1"});
    put_default(MakeSymlink{"dev/stderr", "/proc/self/fd/2"});
    put_default(MakeSymlink{"dev/ptmx", "pts/ptmx"});
    put_default(MountNew{"dev/pts", FileSystem::devpts, "newinstance,mode=0620,ptmxmode=0666"});
    put_default(MountNew{"dev/shm", FileSystem::tmpfs,
                         "mode=1777,size=" + request_.limits.shared_memory_size});
  }

  void add_proc() { put(MountNew{"proc", FileSystem::proc, ""}); }

  // Who runs as this machine's root outside is still the owner of files in /proc that change the
  // machine, and for many of them the kernel asks no more than that.
  static void protect_proc(SandboxSpec& spec) {
    for (const char* name : {"acpi", "bus", "driver", "dynamic_debug", "fs", "irq", "mtrr", "scsi",
                             "sys", "sysrq-trigger"}) {
      spec.operations.emplace_back(Protect{std::string("proc/") + name});
    }
  }

  void add_etc() {
    put_default(WriteFile{"etc/passwd", passwd_text(request_.working_directory)});
    put_default(WriteFile{"etc/group", std::string(group_text)});
    if (!request_.network) {
      put_default(WriteFile{"etc/hosts", std::string(hosts_text)});
      return;
    }
    put_default(WriteFile{"etc/nsswitch.conf", std::string(nsswitch_text)});
    for (const char* name : {"/etc/resolv.conf", "/etc/services", "/etc/hosts",
                             "/etc/ssl/certs/ca-certificates.crt"}) {
      std::optional<std::string> source = host_.resolve(name);
      if (source) put_default(Bind{*source, std::string(name).substr(1), BindKind::file});
    }
  }

  void add_parents() {
    std::vector<std::string> paths;
    for (const auto& [path, operation] : operations_) paths.push_back(path);
    for (const std::string& path : paths) {
      for (std::size_t slash = path.find('/'); slash != std::string::npos;
           slash = path.find('/', slash + 1)) {
        add_parent(path.substr(0, slash), path);
      }
    }
  }

  void add_parent(const std::string& parent, const std::string& path) {
    auto [at, is_new] = operations_.try_emplace(parent, MakeDirectory{parent});
    if (const Bind* bind = std::get_if<Bind>(&at->second);
        bind && bind->kind == BindKind::directory) {
      if (bind->access == BindAccess::read_only) use_existing(path);
      return;
    }
    if (is_new && lies_in_user_mount(parent)) operations_.erase(at);
    if (is_new || std::holds_alternative<MakeDirectory>(at->second)) return;
    throw Error(Code::invalid_argument, "'/" + path + "' cannot be shown in the sandbox: '/" +
                                            parent + "' is not a directory there")
        .about("/" + path)
        .hint("show the directory under its real name in sandbox-paths");
  }

  void use_existing(const std::string& path) {
    Operation& operation = operations_.at(path);
    if (Bind* bind = std::get_if<Bind>(&operation)) {
      bind->make_target = false;
      return;
    }
    throw Error(Code::invalid_argument,
                "'/" + path + "' cannot be shown in the sandbox: a sandbox path hides it")
        .about("/" + path);
  }

  const BuildRequest& request_;
  const Layout& layout_;
  const Host& host_;
  std::string store_;  // without the leading slash, as all paths here
  std::string work_;
  std::map<std::string, Operation> operations_;
  std::vector<std::string> user_mounts_;
};

}  // namespace

SandboxSpec plan_sandbox(const BuildRequest& request, const Layout& layout, const Host& host) {
  return Planner(request, layout, host).plan();
}

}  // namespace cinch::sandbox
