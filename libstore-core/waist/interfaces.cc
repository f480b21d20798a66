// Homes of the virtual tables of the waist's small interfaces.
#include <cinch/core/builder.hh>
#include <cinch/core/cancellation.hh>
#include <cinch/core/error.hh>
#include <cinch/core/event.hh>
#include <cinch/core/garbage.hh>
#include <cinch/core/maintenance.hh>
#include <cinch/core/realisation_store.hh>
#include <cinch/core/realiser.hh>

namespace cinch {

EventSink::~EventSink() = default;
NullEventSink::~NullEventSink() = default;
Realiser::~Realiser() = default;
GarbageStore::~GarbageStore() = default;
MaintenanceStore::~MaintenanceStore() = default;
RealisationStore::~RealisationStore() = default;
Builder::~Builder() = default;
FinishedBuild::~FinishedBuild() = default;

void check_cancelled(const std::stop_token& stop) {
  if (stop.stop_requested()) throw Error(Code::cancelled, "the operation was cancelled");
}

}  // namespace cinch
