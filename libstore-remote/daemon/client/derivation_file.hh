// A derivation out of the NAR of its .drv file.
#pragma once

#include <cinch/core/derivation.hh>
#include <cinch/core/store_path.hh>
#include <cinch/core/stream.hh>

namespace cinch {

// Reads exactly one NAR. Throws Code::malformed with the path as the subject.
Derivation read_derivation_nar(Source& nar, const StorePath& path, const StoreDir& store_dir);

}  // namespace cinch
