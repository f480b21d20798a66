// Nix's own clients against our server, over a local store in which builds are sandboxed.
#include "catch.hh"
#include "errors.hh"
#include "nix.hh"
#include "vectors.hh"

#include <cinch/build/make_realiser.hh>
#include <cinch/core/error.hh>
#include <cinch/local/local_store.hh>
#include <cinch/remote/daemon_client.hh>
#include <cinch/remote/daemon_server.hh>

#include <filesystem>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <nlohmann/json.hpp>
#include <sys/stat.h>
#include <unistd.h>

namespace cinch::test {
namespace {

Settings build_settings() {
  Settings settings;
  settings.set("max-jobs", "2");
  settings.set("sandbox-paths", "/bin /lib? /lib64? /usr");
  return settings;
}

class OurDaemon {
 public:
  explicit OurDaemon(const NixWorld& world, std::vector<std::string> allowed_users = {"*"})
      : store_(LocalStore::open({.store_dir = StoreDir(world.store_dir()),
                                 .state_dir = world.scratch().path("state"),
                                 .log_dir = world.scratch().path("log")})),
        realiser_(make_realiser(*store_, build_settings())),
        server_(DaemonServer::listen(
            *store_, *realiser_,
            {.socket = world.socket(), .allowed_users = std::move(allowed_users)})),
        thread_([this](std::stop_token stop) { server_->serve(stop); }) {}
  LocalStore& store() { return *store_; }

 private:
  std::unique_ptr<LocalStore> store_;
  std::unique_ptr<Realiser> realiser_;
  std::unique_ptr<DaemonServer> server_;
  std::jthread thread_;
};

std::string line(const std::string& text) {
  REQUIRE(text.ends_with('\n'));
  CHECK(text.find('\n') == text.size() - 1);
  return text.substr(0, text.size() - 1);
}

bool has(const std::string& text, const std::string& words) {
  return text.find(words) != std::string::npos;
}

std::string write(const NixWorld& world, const std::string& name, const std::string& contents) {
  world.scratch().directory().write_file(name, contents, 0644);
  return world.scratch().path(name);
}

constexpr const char* expression = R"(
let
  shell = name: script: derivation {
    inherit name;
    system = "x86_64-linux";
    builder = "/bin/sh";
    args = [ "-c" script ];
    PATH = "/bin:/usr/bin";
  };
in rec {
  dependency = shell "dependency" "echo building the dependency; echo d > $out";
  user = shell "user" "echo uses ${dependency}; echo ${dependency} > $out; echo second line";
  bad = shell "bad" "echo about to fail; exit 3";
  source = shell "source" "cat ${./input} > $out";
}
)";

}  // namespace

TEST_CASE("nix-store adds to our daemon and asks it") {
  const NixWorld world;
  const OurDaemon daemon(world);
  const std::string file = write(world, "input", "hello\n");
  const std::string recursive = line(world.nix({"nix-store", "--add", file}));
  const std::string flat = line(world.nix({"nix-store", "--add-fixed", "sha256", file}));
  const std::string same =
      line(world.nix({"nix-store", "--add-fixed", "--recursive", "sha256", file}));
  CHECK(same == recursive);
  CHECK(flat != recursive);
  CHECK(read_file(recursive) == "hello\n");

  CHECK(world.nix({"nix-store", "-q", "--references", recursive}).empty());
  CHECK(line(world.nix({"nix-store", "-qR", recursive})) == recursive);
  CHECK(line(world.nix({"nix-store", "-q", "--size", recursive})) == "120");
  CHECK(line(world.nix({"nix-store", "-q", "--hash", recursive})).starts_with("sha256:"));
  CHECK(line(world.nix({"nix-store", "-q", "--deriver", recursive})) == "unknown-deriver");
  CHECK(world.nix({"nix-store", "-q", "--referrers", recursive}).empty());
  world.nix({"nix-store", "--verify-path", recursive, flat});
  world.nix({"nix-store", "--check-validity", recursive});
  CHECK(line(world.nix({"nix-store", "-r", recursive, "--add-root", world.scratch().path("root"),
                        "--indirect"})) == world.scratch().path("root"));
  CHECK(world.nix({"nix-store", "--dump", recursive}).size() == 120);
  CHECK(world.nix({"nix", "store", "cat", recursive}) == "hello\n");
  CHECK(has(world.nix({"nix", "store", "ls", "-l", recursive}), "6"));
  CHECK(world.nix({"nix", "store", "dump-path", recursive}).size() == 120);
  // A list in Nix 2.8, an object by path since 2.19.
  const auto infos = nlohmann::json::parse(world.nix({"nix", "path-info", "--json", recursive}));
  const auto info = infos.is_array() ? infos.at(0) : infos.at(recursive);
  CHECK(info.value("path", recursive) == recursive);
  CHECK(info.at("narSize").get<int>() == 120);
  CHECK(info.at("ca").get<std::string>().starts_with("fixed:r:sha256:"));

  const Finished missing = world.run({"nix-store", "-q", "--references",
                                      world.store_dir() + "/g1w7hy3qg1w7hy3qg1w7hy3qg1w7hy3q-x"},
                                     "unix://" + world.socket());
  CHECK(missing.status == 1);
  CHECK(has(missing.errors, "is not valid"));
}

TEST_CASE("nix-build builds through our daemon") {
  const NixWorld world;
  OurDaemon daemon(world);
  write(world, "input", "source text\n");
  const std::string file = write(world, "default.nix", expression);
  const std::string result = world.scratch().path("result");

  const Finished built =
      world.run({"nix-build", file, "-A", "user", "-o", result}, "unix://" + world.socket());
  INFO(built.errors);
  REQUIRE(built.status == 0);
  const std::string path = line(built.output);
  CHECK(has(built.errors, "building the dependency"));
  CHECK(has(built.errors, "second line"));
  CHECK(has(built.errors, "building '" + world.store_dir()));
  const std::string dependency = line(world.nix({"nix-store", "-q", "--references", path}));
  CHECK(read_file(result) == dependency + "\n");
  CHECK(world.nix({"nix-store", "-qR", path}) == dependency + "\n" + path + "\n");
  CHECK(line(world.nix({"nix-store", "-q", "--referrers", dependency})) == path);
  world.nix({"nix-store", "--verify-path", path, dependency});
  const std::string deriver = line(world.nix({"nix-store", "-q", "--deriver", path}));
  CHECK(line(world.nix({"nix-store", "-q", "--outputs", deriver})) == path);
  CHECK(line(world.nix({"nix-store", "-q", "--binding", "name", deriver})) == "user");
  CHECK(world.nix({"nix", "log", path}) == "uses " + dependency + "\nsecond line\n");
  CHECK(line(world.nix({"nix-store", "-r", deriver})) == path);

  const std::string source = line(world.nix({"nix-build", file, "-A", "source", "--no-out-link"}));
  CHECK(read_file(source) == "source text\n");
  const Finished again =
      world.run({"nix-build", file, "-A", "user", "--no-out-link"}, "unix://" + world.socket());
  CHECK(again.status == 0);
  CHECK_FALSE(has(again.errors, "building"));
}

TEST_CASE("a failing build tells the client why") {
  const NixWorld world;
  const OurDaemon daemon(world);
  write(world, "input", "source text\n");
  const std::string file = write(world, "default.nix", expression);
  const Finished bad =
      world.run({"nix-build", file, "-A", "bad", "--no-out-link"}, "unix://" + world.socket());
  INFO(bad.errors);
  CHECK(bad.status != 0);
  CHECK(has(bad.errors, "about to fail"));
  CHECK(has(bad.errors, "bad.drv"));
  CHECK(has(bad.errors, "exit"));

  const Finished both =
      world.run({"nix-build", file, "-A", "bad", "-A", "user", "-k", "--no-out-link"},
                "unix://" + world.socket());
  CHECK(both.status != 0);
  CHECK(has(both.errors, "second line"));  // what does not depend on the failure was finished
  CHECK(has(world.nix({"nix-build", file, "-A", "user", "--no-out-link"}), "-user"));
}

TEST_CASE("nix copy brings paths to our daemon") {
  const NixWorld world;
  const OurDaemon daemon(world);
  const std::string file = write(world, "input", std::string(2'000'000, 'x'));
  const std::string other =
      "local?root=" + world.scratch().path("other") + "&store=" + world.store_dir();
  const Finished added = world.run({"nix-store", "--add", file}, other);
  INFO(added.errors);
  REQUIRE(added.status == 0);
  const std::string path = line(added.output);
  world.nix({"nix", "copy", "--from", other, path});
  world.nix({"nix-store", "--verify-path", path});
  CHECK(read_file(path).size() == 2'000'000);
}

TEST_CASE("another user is not trusted, and is told if not even allowed") {
  if (::geteuid() != 0 || ::access("/usr/bin/setpriv", X_OK) != 0) {
    WARN("only root can try this, with setpriv");
    return;
  }
  const NixWorld world;
  std::filesystem::permissions(world.scratch().path(), std::filesystem::perms(0755));
  const std::string file = write(world, "input", "hello\n");
  const auto as_nobody = [&](std::vector<std::string> command) {
    const std::vector<std::string> prefix = {"setpriv", "--reuid=65534", "--regid=65534",
                                             "--clear-groups"};
    command.insert(command.begin(), prefix.begin(), prefix.end());
    return world.run(command, "unix://" + world.socket());
  };
  {
    const OurDaemon daemon(world, {"*"});
    const Finished added = as_nobody({"nix-store", "--add", file});
    INFO(added.errors);
    REQUIRE(added.status == 0);
    CHECK(as_nobody({"nix-store", "--verify-path", line(added.output)}).status == 0);
  }
  const OurDaemon daemon(world, {"root"});
  const Finished refused = as_nobody({"nix-store", "--add", file});
  CHECK(refused.status == 1);
  CHECK(has(refused.errors, "is not allowed to connect to the daemon"));
  world.nix({"nix-store", "--add", file});
}

TEST_CASE("what our daemon cannot do it refuses in a sentence") {
  const NixWorld world;
  const OurDaemon daemon(world);
  const auto errors = [&](const std::vector<std::string>& command) {
    const Finished finished = world.run(command, "unix://" + world.socket());
    CHECK(finished.status == 1);
    return finished.errors;
  };
  CHECK(has(errors({"nix-store", "--gc"}), "this daemon cannot collect garbage"));
  CHECK(has(errors({"nix-store", "--gc", "--print-roots"}), "cannot list the roots"));
  world.nix({"nix", "store", "ping"});
}

TEST_CASE("nix-store optimises and verifies through our daemon") {
  const NixWorld world;
  OurDaemon daemon(world);
  const std::string one = line(world.nix({"nix-store", "--add", write(world, "one", "hello\n")}));
  const std::string two = line(world.nix({"nix-store", "--add", write(world, "two", "hello\n")}));
  const auto run = [&](const std::vector<std::string>& command) {
    return world.run(command, "unix://" + world.socket());
  };
  const auto client =
      DaemonClient::connect({.socket = world.socket(), .store_dir = StoreDir(world.store_dir())});
  const auto* found = capability<MaintenanceStore>(*client);
  REQUIRE(found);
  CHECK(client->optimise().messages.at(0) == "6 bytes freed by hard-linking 1 files");
  CHECK(run({"nix-store", "--optimise"}).status == 0);
  struct stat status = {};
  REQUIRE(::stat(one.c_str(), &status) == 0);
  CHECK(status.st_nlink == 3);
  CHECK(run({"nix-store", "--verify", "--check-contents"}).status == 0);
  REQUIRE(::unlink(two.c_str()) == 0);
  // Nothing needs it, so that it is forgotten, as it is by Nix itself.
  CHECK(run({"nix-store", "--verify"}).status == 0);
  CHECK(run({"nix-store", "--check-validity", two}).status == 1);
  REQUIRE(::chmod(one.c_str(), 0644) == 0);
  const Finished finished = run({"nix-store", "--verify", "--check-contents"});
  CHECK(finished.status == 1);
  CHECK(has(finished.errors, "the permissions of"));
  const VerifyReport report = client->verify({.check_contents = true, .forget_gone = true});
  CHECK(report.other_problems);
  REQUIRE(report.messages.size() == 1);
  CHECK(has(report.messages[0], "the permissions of"));
  CHECK(code_of([&] { client->verify({}); }) == Code::not_supported);
  CHECK(run({"nix-store", "--verify", "--check-contents", "--repair"}).status == 0);
  CHECK(run({"nix-store", "--verify", "--check-contents"}).status == 0);
}

TEST_CASE("both clients see the same store") {
  const NixWorld world;
  OurDaemon daemon(world);
  const std::string file = write(world, "input", "hello\n");
  const std::string path = line(world.nix({"nix-store", "--add", file}));
  const auto client =
      DaemonClient::connect({.socket = world.socket(), .store_dir = StoreDir(world.store_dir())});
  const PathInfo info = client->require(client->store_dir().parse(path));
  CHECK(info == daemon.store().require(info.path));
  CHECK(info.nar_size == 120);
}

}  // namespace cinch::test
