// A store behind a daemon that speaks the worker protocol, Nix's or ours.
//
// Safe for several threads at once: each call has a connection of its own while it lasts, out of a
// pool. A connection that broke is never used again; a new one takes its place.
//
// Realisations have the form that the daemon's version speaks, and it is the daemon that decides
// which it takes without a signature.
#pragma once

#include <cinch/core/export.hh>
#include <cinch/core/maintenance.hh>
#include <cinch/core/realisation_store.hh>
#include <cinch/core/realiser.hh>
#include <cinch/core/settings.hh>
#include <cinch/core/store.hh>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

namespace cinch {

struct DaemonClientOptions {
  std::string socket;  // file name of any length; "@name" is not supported
  StoreDir store_dir;
  std::string url;                     // how url() names it; empty: "unix://<socket>"
  std::uint32_t connections_max = 8;   // at least 1; further calls wait for one to be free
  std::optional<Settings> settings{};  // what to ask of the daemon's builds; none: as it is set up
};

class CINCH_REMOTE_API DaemonClient : public Store,
                                      public Realiser,
                                      public RootStore,
                                      public MaintenanceStore,
                                      public RealisationStore {
 public:
  // Connects at once. Throws Code::disconnected (nobody listens), Code::protocol,
  // Code::not_supported (no common version).
  static std::unique_ptr<DaemonClient> connect(const DaemonClientOptions& options);
  ~DaemonClient() override;

  // What the daemon calls itself; empty for versions that do not say.
  virtual std::string daemon_version() = 0;
};

}  // namespace cinch
