// While a garbage collector runs, other processes cannot take the lock under which they would write
// temporary roots; they name them here instead: `<state>/gc-socket/socket`, a full path and a
// newline, answered with `1`. docs/formats/local-store.md, "Temporary roots".
#pragma once

#include "../temporary_roots.hh"

#include <cinch/core/store_path.hh>
#include <cinch/files/directory.hh>

#include <chrono>
#include <functional>
#include <map>
#include <string>
#include <thread>
#include <vector>

#include <sys/types.h>

namespace cinch::local {

class RootServer {
 public:
  // Makes the path a root. False: it is being deleted right now, so the answer must wait; asked
  // again soon. Called by the server's thread.
  using Protect = std::function<bool(const StorePath&)>;

  // `state` must outlive it. REQUIRES: this process holds `gc.lock` exclusively.
  RootServer(const Directory& state, StoreDir store_dir, Protect protect);
  RootServer(const RootServer&) = delete;
  RootServer& operator=(const RootServer&) = delete;
  // Clients that wait see the end of the connection, and try the lock again.
  ~RootServer();

 private:
  using Clock = std::chrono::steady_clock;
  struct Client {
    Descriptor socket;
    pid_t process;
    std::string received;
  };

  void serve();
  void accept_clients();
  // False: the client is done with.
  bool receive(Client& client) const;
  bool answer(Client& client);
  void wait_for_roots();
  RootsWritten look_for_roots();

  const Directory& state_;
  StoreDir store_dir_;
  Protect protect_;
  Descriptor listener_;
  Descriptor wake_;
  std::vector<Client> clients_;
  std::map<pid_t, StorePathSet> answered_;
  Clock::time_point last_answer_;
  std::thread thread_;
};

}  // namespace cinch::local
