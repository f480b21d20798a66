// A derivation without its input derivations, as one who sends it to be built has it: what these
// gave is among the sources. Format: docs/formats/serve-protocol.md.
#pragma once

#include "wire/decoder.hh"
#include "wire/protocol.hh"

#include <cinch/core/derivation.hh>

namespace cinch::wire {

// `path` is that of the derivation, whose name it gives. Throws as read_path; Code::malformed for
// what no derivation says of an output; Code::limit_exceeded for more than derivation_bytes_max
// bytes. Does not check the rules of derivations.
Derivation read_basic_derivation(Decoder& decoder, const Dialect& dialect, const StorePath& path);

}  // namespace cinch::wire
