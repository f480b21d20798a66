// The values that only the serve protocol has, as bytes; the others are those of the worker
// protocol. Errors as of wire/values.hh.
#pragma once

#include "serve/protocol.hh"
#include "wire/values.hh"

#include <chrono>
#include <optional>

namespace cinch::serve {

// How the paths of this store are written, and what follows from the version.
wire::Dialect dialect_of(const StoreDir& store_dir);
wire::BuildResultForm build_result_form(Minor minor);

// Everything but the path.
void write_path_info(wire::Encoder& encoder, const wire::Dialect& dialect, Minor minor,
                     const PathInfo& info);

struct BuildOptions {
  std::chrono::seconds max_silent_time{0};     // 0: no limit
  std::chrono::seconds timeout{0};             // 0: no limit
  std::optional<std::uint64_t> log_bytes_max;  // 0: no limit; none: the version does not say
  std::uint64_t repeats = 0;                   // how often to build again and compare
  std::optional<bool> keep_failed;             // none: the version does not say
};
BuildOptions read_build_options(wire::Decoder& decoder, Minor minor);

}  // namespace cinch::serve
