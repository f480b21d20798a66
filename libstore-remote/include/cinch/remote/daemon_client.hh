// A store behind a daemon that speaks the worker protocol, Nix's or ours.
#pragma once

#include <cinch/core/export.hh>
#include <cinch/core/realiser.hh>
#include <cinch/core/store.hh>

#include <memory>
#include <string>

namespace cinch {

struct DaemonClientOptions {
  std::string socket;  // file name; "@name" is not supported
  StoreDir store_dir;
  std::string url;  // how url() names it; empty: "unix://<socket>"
};

class CINCH_REMOTE_API DaemonClient : public Store, public Realiser, public RootStore {
 public:
  // Connects at once. Throws Code::disconnected (nobody listens), Code::protocol,
  // Code::not_supported (no common version).
  static std::unique_ptr<DaemonClient> connect(const DaemonClientOptions& options);
  ~DaemonClient() override;
};

}  // namespace cinch
