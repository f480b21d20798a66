// Serves a store to one client over a pair of pipes, in Nix's serve protocol: what
// `nix-store --serve` does, which Nix starts by ssh for `ssh://` stores, `nix-copy-closure` and
// remote builds. Format: docs/formats/serve-protocol.md.
#pragma once

#include <cinch/core/export.hh>
#include <cinch/core/export_archive.hh>
#include <cinch/core/realiser.hh>
#include <cinch/core/settings.hh>
#include <cinch/core/store.hh>

#include <functional>
#include <memory>
#include <stop_token>

namespace cinch {

struct ServeOptions {
  // Whether the client may lock, add, import and build. It is trusted then: nothing that it adds
  // needs a signature.
  bool write_allowed = false;
  // The base of the settings for builds; the client says some of them, and logs are not kept.
  Settings settings;
  // How to build in a store with these settings; empty: builds are refused. Both outlive the
  // realiser.
  std::function<std::unique_ptr<Realiser>(Store& store, const Settings& settings)> make_realiser;
  // Where imported objects wait for their names in a store that is no ImportStore.
  MakeSpool make_spool;
  // What builders print, and what else is told about builds.
  EventSink& events;
};

struct ServePipe {
  int input;  // descriptors, lent; nothing else may be written to the second one
  int output;
};

// Returns when the client has left between two commands. Throws whatever a command could not do,
// after which the session is over, as the protocol has no errors: Code::protocol,
// Code::not_supported (no common version), Code::disconnected (the client left in the middle),
// Code::permission_denied (writing is not allowed), Code::cancelled, and those of the store. What
// was not complete is not in the store.
CINCH_REMOTE_API void serve_pipe(Store& store, const ServePipe& pipe, const ServeOptions& options,
                                 std::stop_token stop = {});

}  // namespace cinch
