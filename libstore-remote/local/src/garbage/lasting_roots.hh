// The roots that others can see: links and processes. docs/formats/local-store.md, "Roots".
#pragma once

#include "link_roots.hh"

#include <string>

namespace cinch::local {

// Roots sorted, their paths valid or not. Temporary ones are not among them: their files can only
// be read safely by a collector.
LinkRoots find_lasting_roots(const Directory& state, const StoreDir& store_dir,
                             const std::string& real_dir);

}  // namespace cinch::local
