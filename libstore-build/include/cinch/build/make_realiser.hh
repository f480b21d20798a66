// The realiser that goes with a store.
#pragma once

#include <cinch/core/export.hh>
#include <cinch/core/realiser.hh>
#include <cinch/core/settings.hh>
#include <cinch/core/store.hh>

#include <memory>

namespace cinch {

// For a store that realises itself (a daemon builds on its own side): that. Else one that builds in
// the Linux sandbox of this machine, which is made when the first build needs it: where namespaces
// are forbidden, what is valid already can still be had. The store must outlive the realiser.
// Throws Code::not_supported for a store in which nothing can be built.
CINCH_BUILD_API std::unique_ptr<Realiser> make_realiser(Store& store, const Settings& settings);

}  // namespace cinch
