// Permanent roots: symlinks outside the store that keep what they point to alive.
#pragma once

#include <cinch/core/export.hh>
#include <cinch/core/store.hh>

#include <string>

namespace cinch {

// Makes `link`, an absolute file name, a symlink to the path, with the directories it lies in, and
// registers it with the store as an indirect root. The path is protected from garbage collection
// from before it is looked for until the link is there. An older link into the store is replaced
// at once; so that nobody's file is lost, nothing else is. Returns the canonical name of the link.
//
// Throws Code::not_found if the path is not valid; Code::invalid_argument for a link that is not
// absolute, lies inside the store, or has something else in its place; Code::not_supported if the
// store has no roots.
CINCH_LOCAL_API std::string add_permanent_root(Store& store, const std::string& link,
                                               const StorePath& path);

}  // namespace cinch
