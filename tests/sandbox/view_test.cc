// What a builder sees and may do.
#include "catch.hh"
#include "errors.hh"
#include "sandbox_fixture.hh"

#include <cinch/core/error.hh>

#include <algorithm>
#include <fstream>

#include <unistd.h>

namespace cinch::test {
namespace {

TEST_CASE("a builder is user 1000 of group 100, without rights") {
  SandboxFixture sandbox;
  Ran ran = sandbox.run("/probe identity; cat /proc/self/status");
  REQUIRE(ran.build->end() == BuildEnd::exited);
  CHECK(ran.build->number() == 0);
  auto facts = ran.facts();
  CHECK(facts["uid"] == "1000 1000");
  CHECK(facts["gid"] == "100 100");
  CHECK(facts["umask"] == "0022");
  CHECK(facts["session"] == "1");
  CHECK(facts["CapEff:"] == "0000000000000000");
  CHECK(facts["CapPrm:"] == "0000000000000000");
  CHECK(facts["CapAmb:"] == "0000000000000000");
  CHECK(facts["NoNewPrivs:"] == "1");
  CHECK(facts["Seccomp:"] == "2");
  CHECK(facts["SigIgn:"] == "0000000000000000");
  CHECK(facts["SigBlk:"] == "0000000000000000");
}

TEST_CASE("a builder has the same addresses each time, and the kind of machine it is built for") {
  SandboxFixture sandbox;
  BuildRequest request = SandboxFixture::shell("cat /proc/self/personality");
  CHECK(sandbox.run(request).log == "00040000\n");
  request.system = "i686-linux";
  CHECK(sandbox.run(request).log == "00040008\n");
}

TEST_CASE("a builder dies with the thread that started it") {
  SandboxFixture sandbox;
  BuildRequest request = SandboxFixture::shell("");
  request.command = {"/probe", "identity"};
  auto facts = sandbox.run(request).facts();
  CHECK(facts["death-signal"] == "9");
  CHECK(facts["pid"] == "1");
}

TEST_CASE("root's supplementary groups are not a builder's") {
  SandboxFixture sandbox;
  std::string groups = sandbox.run("cat /proc/self/status").facts()["Groups:"];
  if (geteuid() == 0) CHECK(groups.find_first_not_of(' ') == std::string::npos);
}

TEST_CASE("a builder gets the standard descriptors only") {
  SandboxFixture sandbox;
  BuildRequest request = SandboxFixture::shell("");
  request.command = {"/probe", "descriptors"};
  CHECK(sandbox.run(request).log == "descriptor 0\ndescriptor 1\ndescriptor 2\n");
}

TEST_CASE("a builder reads nothing from its input") {
  SandboxFixture sandbox;
  CHECK(sandbox.run("wc -c").log == "0\n");
}

TEST_CASE("a builder has exactly its environment") {
  SandboxFixture sandbox;
  BuildRequest request = SandboxFixture::shell("");
  request.command = {"/usr/bin/env"};
  request.environment = {{"A", "1"}, {"B", "x\ny"}};
  CHECK(sandbox.run(request).log == "A=1\nB=x\ny\n");
}

TEST_CASE("a builder gets its base name as argument 0") {
  SandboxFixture sandbox;
  CHECK(sandbox.run("cat /proc/$$/cmdline | tr '\\0' ' '").log.starts_with("sh -c "));
}

TEST_CASE("a builder sees its own processes only") {
  SandboxFixture sandbox;
  Ran ran = sandbox.run("cd /proc; echo [0-9]*; readlink /proc/self/ns/pid");
  CHECK(ran.log.starts_with("1\n"));
}

TEST_CASE("a builder without network has the loopback interface, up") {
  SandboxFixture sandbox;
  Ran ran = sandbox.run("tail -n +3 /proc/net/dev | cut -d: -f1; cat /proc/net/fib_trie; hostname");
  CHECK(ran.log.find("lo\n") != std::string::npos);
  CHECK(ran.log.find("eth") == std::string::npos);
  CHECK(ran.log.find("127.0.0.1") != std::string::npos);
  CHECK(ran.log.find("\nlocalhost\n") != std::string::npos);
}

TEST_CASE("a builder with network shares this machine's, and finds what that needs") {
  SandboxFixture sandbox;
  BuildRequest request =
      SandboxFixture::shell("readlink /proc/self/ns/net; cat /etc/nsswitch.conf");
  request.network = true;
  char link[64] = {};
  REQUIRE(readlink("/proc/self/ns/net", link, sizeof link - 1) > 0);
  std::string log = sandbox.run(request).log;
  CHECK(log.starts_with(std::string(link) + "\n"));
  CHECK(log.find("hosts: files dns") != std::string::npos);
}

TEST_CASE("the root holds what a build needs, and nothing of this machine") {
  SandboxFixture sandbox;
  Ran ran =
      sandbox.run("cd /; echo *; echo etc/* dev/*; cat etc/passwd etc/hosts; ls -ld tmp build");
  INFO(ran.log);
  CHECK(ran.log.starts_with("bin build dev etc lib lib64 nix probe proc tmp usr\n"));
  CHECK(ran.log.find("etc/group etc/hosts etc/passwd dev/fd dev/full dev/null dev/ptmx dev/pts "
                     "dev/random dev/shm dev/stderr dev/stdin dev/stdout dev/tty dev/urandom "
                     "dev/zero\n") != std::string::npos);
  CHECK(ran.log.find("nixbld:x:1000:100:Nix build user:/build:/noshell\n") != std::string::npos);
  CHECK(ran.log.find("127.0.0.1 localhost\n") != std::string::npos);
  CHECK(ran.log.find("drwxrwxrwt") != std::string::npos);
  CHECK(ran.log.find("drwx------") != std::string::npos);
}

TEST_CASE("devices work") {
  SandboxFixture sandbox;
  Ran ran = sandbox.run(
      "echo x > /dev/null && head -c 3 /dev/zero | wc -c && head -c 4 /dev/urandom | wc -c;"
      "echo y > /dev/shm/f && cat /dev/shm/f; cat /build/../dev/shm/f > /dev/full; echo to-stderr "
      ">&2");
  CHECK(ran.log.find("3\n4\ny\n") == 0);
  CHECK(ran.log.find("No space left on device") != std::string::npos);
  CHECK(ran.log.ends_with("to-stderr\n"));
}

TEST_CASE("a builder writes to its outputs, its working directory and /tmp only") {
  SandboxFixture sandbox;
  Ran ran = sandbox.run(
      "for d in / /etc /dev /usr /proc/sys/kernel /nix /bin; do"
      "  if (: > $d/new) 2>/dev/null; then echo $d; fi;"
      "done; : > /tmp/a && : > /build/b && : > $out && echo done");
  CHECK(ran.log == "done\n");
}

TEST_CASE("a builder cannot change this machine through /proc") {
  SandboxFixture sandbox;
  Ran ran = sandbox.run(
      "for f in sysrq-trigger sys/kernel/core_pattern sys/kernel/modprobe sys/vm/drop_caches; do"
      "  if (: >> /proc/$f) 2>/dev/null; then echo $f; fi;"
      "done; echo done");
  CHECK(ran.log == "done\n");
}

TEST_CASE("inputs are shown where they belong, and cannot be changed") {
  SandboxFixture sandbox;
  std::ofstream(sandbox.scratch().path("file")) << "contents";
  sandbox.scratch().directory().make_directory("directory", 0755);
  std::ofstream(sandbox.scratch().path("directory/inside")) << "inside";
  sandbox.scratch().directory().make_symlink("some/where", "link");
  BuildRequest request = SandboxFixture::shell(
      "cd /nix/store; echo *; cat *-file *-directory/inside; readlink *-link;"
      "for f in *-file *-directory/inside *-directory/new; do"
      "  if (: > $f) 2>/dev/null; then echo changed $f; fi; done;"
      "chmod 777 *-file 2>&1; rm -rf *-directory 2>/dev/null || echo stays");
  for (const char* name : {"file", "directory", "link"}) {
    request.inputs.emplace(SandboxFixture::path(name), sandbox.scratch().path(name));
  }
  Ran ran = sandbox.run(request);
  INFO(ran.log);
  std::string hash(32, '0');
  CHECK(ran.log.starts_with(hash + "-directory " + hash + "-file " + hash +
                            "-link\ncontentsinsidesome/where\n"));
  CHECK(ran.log.find("changed") == std::string::npos);
  CHECK(ran.log.find("Read-only file system") != std::string::npos);
  CHECK(ran.log.ends_with("stays\n"));
}

TEST_CASE("a builder's home is its working directory, wherever that is") {
  SandboxFixture sandbox;
  BuildRequest request = SandboxFixture::shell("pwd; grep nixbld /etc/passwd");
  request.working_directory = "/work/here";
  CHECK(sandbox.run(request).log ==
        "/work/here\nnixbld:x:1000:100:Nix build user:/work/here:/noshell\n");
}

TEST_CASE("a builder gets its files") {
  SandboxFixture sandbox;
  BuildRequest request = SandboxFixture::shell("pwd; cat .attr-x; rm .attr-x");
  request.files = {{".attr-x", "a value"}};
  CHECK(sandbox.run(request).log == "/build\na value");
  request.files = {{"../x", "a value"}};
  CHECK_THROWS_AS(sandbox.run(request), Error);
  CHECK(sandbox.left_overs() == 0);
}

TEST_CASE("the ways to a set-id file, an attribute or an unseen call are closed") {
  SandboxFixture sandbox;
  auto facts = sandbox.run(": > f; /probe system-calls f; /probe system-calls-32").facts();
  for (const char* name :
       {"chmod-setuid", "chmod-setgid", "fchmod-setuid", "fchmodat-setuid", "fchmodat2-setuid",
        "fchmodat2-setgid", "creat-setuid", "open-setuid", "openat-setuid", "open-temporary-setuid",
        "openat-temporary-setgid", "mknod-setuid", "fchmod-32", "fchmodat2-32", "mount"}) {
    CAPTURE(name);
    CHECK((facts[name] == "EPERM" || (facts[name] == "ENOSYS" && name[0] == 'f')));
  }
  CHECK(facts["chmod-plain"] == "allowed");
  for (const char* name :
       {"setxattr", "lsetxattr", "fsetxattr", "getxattr", "listxattr", "flistxattr", "removexattr",
        "setxattrat", "removexattrat", "fsetxattr-32"}) {
    CAPTURE(name);
    CHECK((facts[name] == "EOPNOTSUPP" || facts[name] == "ENOTSUP"));
  }
  CHECK(facts["io_uring_setup"] == "ENOSYS");
  CHECK(facts["openat2"] == "ENOSYS");
  CHECK(facts["open-temporary"] != "EPERM");
}

TEST_CASE("a mount of a sandbox path works for files, directories and symlinks inside each other") {
  SandboxFixture sandbox;
  sandbox.scratch().directory().make_directory("one", 0755).make_directory("two", 0755);
  std::ofstream(sandbox.scratch().path("other")) << "other";
  std::ofstream(sandbox.scratch().path("one/two/hidden")) << "hidden";
  BuildRequest request = SandboxFixture::shell("cat /one/two/hidden; ls /one");
  request.mounts.push_back({"/one", sandbox.scratch().path("one"), false});
  request.mounts.push_back({"/one/two/hidden", sandbox.scratch().path("other"), false});
  CHECK(sandbox.run(request).log == "othertwo\n");
}

TEST_CASE("sandbox paths that cannot be are refused") {
  SandboxFixture sandbox;
  auto code_with = [&](const BuildMount& mount) {
    BuildRequest request = SandboxFixture::shell("true");
    request.mounts.push_back(mount);
    return code_of([&] { sandbox.run(request); });
  };
  CHECK(code_with({"/..", "/usr", false}) == Code::invalid_argument);
  CHECK(code_with({"/foo/..", "/usr", false}) == Code::invalid_argument);
  CHECK(code_with({"/a/b/../../../escape", "/usr", false}) == Code::invalid_argument);
  CHECK(code_with({"relative", "/usr", false}) == Code::invalid_argument);
  CHECK(code_with({"/", "/usr", false}) == Code::invalid_argument);
  CHECK(code_with({"/nix", "/usr", false}) == Code::invalid_argument);
  CHECK(code_with({"/proc", "/usr", false}) == Code::invalid_argument);
  CHECK(code_with({"/x", "/does/not/exist", false}) == Code::not_found);
  BuildRequest request = SandboxFixture::shell("ls /x 2>/dev/null || echo none");
  request.mounts.push_back({"/x", "/does/not/exist", true});
  CHECK(sandbox.run(request).log == "none\n");
  CHECK(sandbox.left_overs() == 0);
}

TEST_CASE("a sandbox path that is a symlink shows what it leads to") {
  SandboxFixture sandbox;
  sandbox.scratch().directory().make_directory("real", 0755);
  std::ofstream(sandbox.scratch().path("real/file")) << "file";
  sandbox.scratch().directory().make_symlink("real", "link");
  BuildRequest request = SandboxFixture::shell("cat /a/file; test -L /a || echo directory");
  request.mounts.push_back({"/a", sandbox.scratch().path("link"), false});
  CHECK(sandbox.run(request).log == "filedirectory\n");
}

TEST_CASE("a sandbox path that cannot be put where it belongs touches nothing of this machine") {
  SandboxFixture sandbox;
  sandbox.scratch().directory().make_directory("canary", 0755);
  Directory other = sandbox.scratch().directory().make_directory("other", 0755);
  other.make_symlink(sandbox.scratch().path("canary"), "link");
  for (const char* place : {"/a/link", "/a/link/b", "/a/new"}) {
    BuildRequest request = SandboxFixture::shell("true");
    request.mounts.push_back({"/a", sandbox.scratch().path("other"), false});
    request.mounts.push_back({place, "/usr", false});
    CHECK(code_of([&] { sandbox.run(request); }).has_value());
  }
  CHECK(sandbox.scratch().directory().open_directory("canary").list().empty());
  CHECK(other.list().size() == 1);
}

}  // namespace
}  // namespace cinch::test
