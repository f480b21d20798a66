// A realiser that builds on this machine, in a store of this machine.
#pragma once

#include <cinch/core/builder.hh>
#include <cinch/core/export.hh>
#include <cinch/core/realiser.hh>
#include <cinch/core/settings.hh>
#include <cinch/core/store.hh>

#include <map>
#include <memory>
#include <string>

namespace cinch {

// Values for the variables that fixed-output derivations may ask for with `impureEnvVars`
// (http_proxy and its like), by name. Nothing below the tools reads the environment itself.
using ImpureEnvironment = std::map<std::string, std::string>;

// The store must have the capabilities BuildStore and LogStore (Code::not_supported otherwise).
// Store and builder must outlive the realiser; it may be destroyed when no call is in progress.
CINCH_BUILD_API std::unique_ptr<Realiser> make_local_realiser(
    Store& store, Builder& builder, const Settings& settings,
    ImpureEnvironment impure_environment = {});

}  // namespace cinch
