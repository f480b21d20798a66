// Two functions at the same time, one of which reads what the other one writes.
#pragma once

#include <cinch/core/export.hh>
#include <cinch/core/stream.hh>

#include <functional>

namespace cinch {

// What cinch/core/closure.hh calls RunPiped: `produce` runs on a thread of its own, `consume` on
// the caller's; at most 1 MiB lies between them.
CINCH_FILES_API void run_piped(const std::function<void(Sink&)>& produce,
                               const std::function<void(Source&)>& consume);

}  // namespace cinch
