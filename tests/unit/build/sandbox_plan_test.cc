// The plan of a sandbox, on a machine that is only described.
#include "sandbox/linux/sandbox_plan.hh"

#include "catch.hh"
#include "errors.hh"

#include <map>

namespace cinch::sandbox::test {
namespace {

using cinch::test::code_of;

class DescribedHost final : public Host {
 public:
  SourceFacts look_at(const std::string& name) const override {
    auto found = files.find(name);
    return found == files.end() ? SourceFacts{} : found->second;
  }
  std::optional<std::string> resolve(const std::string& name) const override {
    auto found = files.find(name);
    if (found == files.end()) return std::nullopt;
    return found->second.kind == SourceKind::symlink ? "/" + found->second.target : name;
  }
  bool is_root() const override { return root; }

  std::map<std::string, SourceFacts> files = {
      {"/dev/null", {SourceKind::device, ""}},
      {"/usr", {SourceKind::directory, ""}},
      {"/bin", {SourceKind::symlink, "usr/bin"}},
      {"/usr/bin", {SourceKind::directory, ""}},
      {"/etc/resolv.conf", {SourceKind::symlink, "run/resolv.conf"}},
      {"/real/input", {SourceKind::directory, ""}},
      {"/real/link", {SourceKind::symlink, "else/where"}},
  };
  bool root = false;
};

const Layout layout = {"/b/work", "/b/store", "/b/tmp"};

StorePath path(const std::string& name) {
  return StorePath::parse("00000000000000000000000000000000-" + name);
}

BuildRequest example() {
  BuildRequest request{.derivation = path("example.drv")};
  request.command = {"/bin/sh"};
  request.environment = {{"A", "1"}};
  request.store_dir = "/nix/store";
  request.inputs = {{path("input"), "/real/input"}, {path("link"), "/real/link"}};
  request.mounts = {{"/usr", "/usr", false}, {"/bin", "/bin", false}, {"/gone", "/gone", true}};
  return request;
}

TEST_CASE("a plan, as it is printed") {
  CHECK(plan_sandbox(example(), layout, DescribedHost()).print() ==
        "user 1000\n"
        "group 100\n"
        "host-name localhost\n"
        "domain-name (none)\n"
        "network none\n"
        "bind /bin = /usr/bin read-only\n"
        "bind /build = /b/work read-write\n"
        "directory /dev 0755\n"
        "symlink /dev/fd -> /proc/self/fd\n"
        "bind /dev/null = /dev/null read-only device\n"
        "symlink /dev/ptmx -> pts/ptmx\n"
        "mount /dev/pts devpts newinstance,mode=0620,ptmxmode=0666\n"
        "mount /dev/shm tmpfs mode=1777,size=50%\n"
        "symlink /dev/stderr -> /proc/self/fd/2\n"
        "symlink /dev/stdin -> /proc/self/fd/0\n"
        "symlink /dev/stdout -> /proc/self/fd/1\n"
        "directory /etc 0755\n"
        "file /etc/group 0444 41 bytes\n"
        "file /etc/hosts 0444 34 bytes\n"
        "file /etc/passwd 0444 130 bytes\n"
        "directory /nix 0755\n"
        "bind /nix/store = /b/store read-write\n"
        "bind /nix/store/00000000000000000000000000000000-input = /real/input read-only\n"
        "symlink /nix/store/00000000000000000000000000000000-link -> else/where\n"
        "mount /proc proc\n"
        "bind /tmp = /b/tmp read-write\n"
        "bind /usr = /usr read-only\n"
        "working-directory /build\n"
        "word /bin/sh\n"
        "env A=1\n");
}

TEST_CASE("equal requests give equal plans") {
  CHECK(plan_sandbox(example(), layout, DescribedHost()) ==
        plan_sandbox(example(), layout, DescribedHost()));
}

TEST_CASE("root outside may not change the machine through /proc") {
  DescribedHost host;
  host.root = true;
  std::string text = plan_sandbox(example(), layout, host).print();
  CHECK(text.find("mount /proc proc\n") < text.find("protect /proc/sys\n"));
  CHECK(text.find("protect /proc/sysrq-trigger\n") != std::string::npos);
}

TEST_CASE("with network there is what name resolution needs") {
  BuildRequest request = example();
  request.network = true;
  std::string text = plan_sandbox(request, layout, DescribedHost()).print();
  CHECK(text.find("network shared\n") != std::string::npos);
  CHECK(text.find("bind /etc/resolv.conf = /run/resolv.conf read-only\n") != std::string::npos);
  CHECK(text.find("file /etc/nsswitch.conf") != std::string::npos);
}

TEST_CASE("a sandbox path takes the place of what would be there") {
  DescribedHost host;
  host.files["/my/etc"] = {SourceKind::directory, ""};
  host.files["/my/shm"] = {SourceKind::directory, ""};
  BuildRequest request = example();
  request.mounts = {{"/etc", "/my/etc", false}, {"/dev/shm", "/my/shm", false}};
  std::string text = plan_sandbox(request, layout, host).print();
  CHECK(text.find("bind /etc = /my/etc read-only\n") != std::string::npos);
  CHECK(text.find("/etc/passwd") == std::string::npos);
  CHECK(text.find("bind /dev/shm = /my/shm read-only\n") != std::string::npos);
  CHECK(text.find("tmpfs") == std::string::npos);
}

TEST_CASE("a sandbox path inside another needs its place to exist") {
  DescribedHost host;
  host.files["/deep"] = {SourceKind::file, ""};
  BuildRequest request = example();
  request.mounts.push_back({"/usr/share/deep", "/deep", false});
  std::string text = plan_sandbox(request, layout, host).print();
  CHECK(text.find("bind /usr/share/deep = /deep read-only existing\n") != std::string::npos);
  CHECK(text.find("directory /usr/share") == std::string::npos);
}

TEST_CASE("plans that cannot be are refused") {
  DescribedHost host;
  auto code_with = [&](const std::string& target) {
    BuildRequest request = example();
    request.mounts.push_back({target, "/usr", false});
    return code_of([&] { plan_sandbox(request, layout, host); });
  };
  for (const char* target : {"", "/", "x", "/a/../b", "/a//b", "/a/", "/.", "/nix", "/nix/store",
                             "/proc", "/tmp", "/build", "/dev/null/x"}) {
    CAPTURE(target);
    CHECK(code_with(target) == Code::invalid_argument);
  }
  BuildRequest request = example();
  request.mounts = {{"/gone", "/gone", false}};
  CHECK(code_of([&] { plan_sandbox(request, layout, host); }) == Code::not_found);
  request = example();
  request.inputs = {{path("lost"), "/real/lost"}};
  CHECK(code_of([&] { plan_sandbox(request, layout, host); }) == Code::not_found);
  request = example();
  request.store_dir = "";
  CHECK(code_of([&] { plan_sandbox(request, layout, host); }) == Code::invalid_argument);
}

}  // namespace
}  // namespace cinch::sandbox::test
