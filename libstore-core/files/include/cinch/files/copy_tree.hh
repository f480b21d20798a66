// Copies trees on disk, and tells what was copied in the same pass.
#pragma once

#include <cinch/core/export.hh>
#include <cinch/core/nar.hh>
#include <cinch/files/directory.hh>
#include <cinch/files/file_tree.hh>

#include <cstdint>
#include <functional>
#include <stop_token>
#include <string_view>

namespace cinch {

struct CopyTreeOptions {
  std::function<void(std::uint64_t bytes)> on_contents = nullptr;  // for each piece of a file
  std::stop_token stop;
};

// Copies the file, directory or symlink `name` in `from` to `to` and finishes it, all on this
// thread. `nar` gets the events of what is in the copy, byte for byte: a hash of them is a hash of
// the copy. Contents share their blocks with the original where the file system can do that
// (FICLONE), and are read and written once where it cannot. Errors as of read_tree().
CINCH_FILES_API void copy_tree(const Directory& from, std::string_view name, TreeWriter& to,
                               NarVisitor& nar, const CopyTreeOptions& options = {});

}  // namespace cinch
