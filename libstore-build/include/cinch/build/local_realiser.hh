// A realiser that builds on this machine, in a store of this machine.
#pragma once

#include <cinch/core/builder.hh>
#include <cinch/core/export.hh>
#include <cinch/core/realiser.hh>
#include <cinch/core/settings.hh>
#include <cinch/core/store.hh>

#include <memory>

namespace cinch {

// The store must have the capabilities BuildStore and LogStore (Code::not_supported otherwise).
// Store and builder must outlive the realiser.
CINCH_BUILD_API std::unique_ptr<Realiser> make_local_realiser(Store& store, Builder& builder,
                                                              const Settings& settings);

}  // namespace cinch
