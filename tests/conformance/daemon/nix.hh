// Runs Nix's own programs, in a store and with settings of the test's own.
#pragma once

#include "scratch.hh"

#include <map>
#include <string>
#include <vector>

#include <sys/types.h>

namespace cinch::test {

bool has_nix();

struct Finished {
  int status;  // exit status; 128 + signal
  std::string output;
  std::string errors;
};

// The directories of one Nix installation below a scratch directory, as environment variables.
class NixWorld {
 public:
  explicit NixWorld(const std::string& features = "nix-command flakes");

  std::string store_dir() const { return scratch_.path("store"); }
  std::string socket() const { return scratch_.path("socket"); }
  const Scratch& scratch() const { return scratch_; }

  // Runs a program to its end. `remote` is NIX_REMOTE.
  Finished run(const std::vector<std::string>& command, const std::string& remote) const;
  // As above, with the daemon's socket as the store, and a status of 0 demanded.
  std::string nix(const std::vector<std::string>& command) const;

  std::map<std::string, std::string> environment;

 private:
  Scratch scratch_;
};

// A nix-daemon of Nix's own, listening on the world's socket.
class NixDaemon {
 public:
  explicit NixDaemon(const NixWorld& world);
  ~NixDaemon();
  NixDaemon(const NixDaemon&) = delete;
  NixDaemon& operator=(const NixDaemon&) = delete;

 private:
  pid_t process_;
};

}  // namespace cinch::test
