// What clients that break off leave in a real store: nothing.
#include "catch.hh"
#include "running_server.hh"

#include <cinch/local/local_store.hh>

#include <filesystem>
#include <set>
#include <string>
#include <system_error>
#include <thread>

namespace cinch::test {
namespace {

std::set<std::string> files_below(const std::string& directory) {
  for (;;) {
    try {
      std::set<std::string> names;
      for (const auto& entry : std::filesystem::recursive_directory_iterator(directory)) {
        names.insert(entry.path().string());
      }
      return names;
    } catch (const std::filesystem::filesystem_error& error) {
      // What was listed is being removed: list again.
      if (error.code() != std::errc::no_such_file_or_directory) throw;
    }
  }
}

}  // namespace

TEST_CASE("additions that are broken off leave no file behind") {
  const Scratch scratch;
  const auto store = LocalStore::open({.store_dir = StoreDir(), .root = scratch.path("root")});
  FakeRealiser realiser;
  const std::string socket = scratch.path("socket");
  const auto server =
      DaemonServer::listen(*store, realiser, {.socket = socket, .allowed_users = {"*"}});
  std::jthread thread([&](std::stop_token stop) { server->serve(stop); });
  const std::string objects = scratch.path("root/nix/store");
  const std::set<std::string> before = files_below(objects);

  const std::string nar = MemoryStore::file_nar(std::string(1'000'000, 'x'));
  const PathInfo info{.path = StorePath::parse("g1w7hy3qg1w7hy3qg1w7hy3qg1w7hy3q-x"),
                      .nar_hash = hash_bytes(HashAlgorithm::sha256, as_bytes(nar)),
                      .nar_size = nar.size()};
  for (const std::size_t size : {std::size_t{0}, std::size_t{50}, std::size_t{700'000}}) {
    RawClient client(socket);
    client.greet(34);
    client.begin(wire::Operation::add_to_store_nar);
    client.out.text("/nix/store/" + info.path.base_name());
    wire::write_path_info(client.out, {}, info);
    client.out.flag(false);
    client.out.flag(true);
    client.out.number(nar.size());
    client.send();
    client.socket->write(as_bytes(std::string_view(nar).substr(0, size)));
  }
  {
    // The connections above were closed in the order in which they are served; wait for the last.
    const auto client = DaemonClient::connect({.socket = socket, .store_dir = StoreDir()});
    for (int tries = 0; tries < 500 && files_below(objects) != before; ++tries) {
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    CHECK(client->all_valid_paths().empty());
    CHECK(files_below(objects) == before);

    StringSource source(nar);
    client->add_nar(info, source, SignaturePolicy::accept_unsigned);
    CHECK(store->is_valid(info.path));
  }
  thread.request_stop();
  thread.join();
  CHECK(files_below(objects).contains(objects + "/" + info.path.base_name()));
  CHECK_FALSE(std::filesystem::exists(socket));
}

}  // namespace cinch::test
