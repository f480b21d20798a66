// Stopping long operations: a std::stop_token travels with each, and is asked at every step that
// may take long.
#pragma once

#include <cinch/core/export.hh>

#include <stop_token>

namespace cinch {

// Throws Code::cancelled if a stop was requested.
CINCH_CORE_API void check_cancelled(const std::stop_token& stop);

}  // namespace cinch
