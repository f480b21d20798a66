// The registry from URLs to stores, with real stores behind it.
#include "catch.hh"
#include "errors.hh"
#include "scratch.hh"

#include <cinch/local/local_store.hh>
#include <cinch/remote/daemon_client.hh>
#include <cinch/remote/daemon_server.hh>
#include <cinch/remote/open_store.hh>

#include <memory>
#include <string>
#include <thread>

#include <unistd.h>

namespace cinch::test {
namespace {

// Builds nothing.
class NoRealiser final : public Realiser {
 public:
  std::vector<BuildResult> realise(std::span<const DerivingPath>, const RealiseOptions&, EventSink&,
                                   std::stop_token) override {
    return {};
  }
  MissingPlan plan(std::span<const DerivingPath>) override { return {}; }
};

std::unique_ptr<Store> open(const std::string& url, const Environment& environment = {}) {
  return open_store(url, Settings(), environment);
}

StorePath add(Store& store) {
  StringSource source("hello");
  return store.add_content({.name = "x", .method = ContentAddressMethod::text}, source).path;
}

bool is_local(Store& store) { return dynamic_cast<LocalStore*>(&store) != nullptr; }
bool is_daemon(Store& store) { return dynamic_cast<DaemonClient*>(&store) != nullptr; }

}  // namespace

TEST_CASE("a directory is the root of a store of its own, and url() opens it again") {
  const Scratch scratch;
  const auto store = open(scratch.path("a b%c"));
  CHECK(is_local(*store));
  const StorePath path = add(*store);
  CHECK(store->store_dir().print(path).starts_with("/nix/store/"));
  CHECK(::access(scratch.path("a b%c/nix/store/" + path.base_name()).c_str(), R_OK) == 0);
  CHECK(open(store->url())->is_valid(path));
  CHECK(open("local?root=" + scratch.path("a%20b%25c"))->is_valid(path));
}

TEST_CASE("parameters and environment place a local store") {
  const Scratch scratch;
  const Environment environment = {{"NIX_STORE_DIR", scratch.path("store")},
                                   {"NIX_STATE_DIR", scratch.path("state")},
                                   {"NIX_LOG_DIR", scratch.path("log")}};
  const auto store = open("local", environment);
  CHECK(store->store_dir().text() == scratch.path("store"));
  const StorePath path = add(*store);
  CHECK(::access(store->store_dir().print(path).c_str(), R_OK) == 0);
  CHECK(::access(scratch.path("state/db/db.sqlite").c_str(), R_OK) == 0);
  const auto same = open("local?store=" + scratch.path("store") +
                         "&state=" + scratch.path("state") + "&log=" + scratch.path("log"));
  CHECK(same->is_valid(path));
  // A writable state directory makes "auto" this store.
  CHECK(open("auto", environment)->is_valid(path));
  CHECK(open("", environment)->is_valid(path));
}

TEST_CASE("unknown and bad parameters are refused by name") {
  const Scratch scratch;
  const auto error = error_of([&] { open("local?root=" + scratch.path() + "&rot=x"); });
  REQUIRE(error);
  CHECK(error->code() == Code::malformed);
  CHECK(error->subject() == "rot");
  CHECK(error->hint().find("root") != std::string::npos);
  CHECK(code_of([&] { open("local?root=" + scratch.path() + "&read-only=maybe"); }) ==
        Code::malformed);
  CHECK(code_of([&] { open("https://cache.example"); }) == Code::not_supported);
  CHECK(code_of([&] { open("ssh-ng://host"); }) == Code::not_supported);
  CHECK(code_of([&] { open("unix://" + scratch.path("socket") + "?max-connections=-1"); }) ==
        Code::malformed);
  CHECK(code_of([&] { open("unix://" + scratch.path("socket") + "?read-only=true"); }) ==
        Code::malformed);
  CHECK(code_of([&] { open("local?store=relative&root=" + scratch.path()); }) == Code::malformed);
  // Parameters of Nix that tune what is not here do no harm.
  CHECK(is_local(*open("local?trusted=true&root=" + scratch.path())));
}

TEST_CASE("a daemon is found by URL, by variable and by its place") {
  const Scratch scratch;
  const auto local = open(scratch.path("root"));
  NoRealiser realiser;
  const std::string state = scratch.path("state");
  const std::string socket = state + "/daemon-socket/socket";
  const auto server = DaemonServer::listen(*local, realiser, {.socket = socket});
  std::jthread thread([&](std::stop_token stop) { server->serve(stop); });
  const StorePath path = add(*local);

  const auto by_url = open("unix://" + socket);
  CHECK(is_daemon(*by_url));
  CHECK(by_url->url() == "unix://" + socket);
  CHECK(by_url->is_valid(path));
  const auto by_variable = open("daemon", {{"NIX_DAEMON_SOCKET_PATH", socket}});
  CHECK(by_variable->url() == "daemon");
  CHECK(by_variable->is_valid(path));
  const auto by_state = open("daemon?state=" + state);
  CHECK(by_state->url() == "unix://?state=" + state);
  CHECK(by_state->is_valid(path));
  if (::geteuid() != 0) {
    // Root can write everywhere, so its "auto" is never the daemon here.
    CHECK(is_daemon(
        *open("auto", {{"NIX_STATE_DIR", "/nonexistent"}, {"NIX_DAEMON_SOCKET_PATH", socket}})));
  }
  CHECK(is_daemon(*open(
      "auto", {{"NIX_STATE_DIR", scratch.path("none")}, {"NIX_DAEMON_SOCKET_PATH", socket}})));
}

TEST_CASE("no daemon is an error with a hint") {
  const Scratch scratch;
  const auto error = error_of([&] { open("unix://" + scratch.path("socket")); });
  REQUIRE(error);
  CHECK(error->code() == Code::disconnected);
  CHECK_FALSE(error->hint().empty());
}

}  // namespace cinch::test
