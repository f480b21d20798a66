// Derivation files held against each other: each says by its name which path its text must give,
// and its output paths follow from its text and from those of its inputs.
#pragma once

#include <cinch/core/export.hh>
#include <cinch/core/store_path.hh>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace cinch {

// A file, lent: the last component of its name, "<hash part>-<name>.drv", and its bytes.
struct DerivationFile {
  std::string_view base_name;
  std::string_view text;
};

enum class DerivationFact : std::uint8_t {
  text,     // it can be read: if not, no other fact of the file is right
  path,     // its name is the path that its bytes give
  outputs,  // its output paths, and the variables that hold them, are those of its hash modulo
  reprint,  // reading and printing it gives the same bytes
};

// "text", "path", "outputs", "reprint".
CINCH_CORE_API std::string_view to_string(DerivationFact fact);

struct DerivationMismatch {
  std::size_t file;  // its place among those that were given
  DerivationFact fact;
  std::string message;
};

struct DerivationFilesReport {
  std::size_t files = 0;
  std::size_t paths_right = 0;
  std::size_t outputs_right = 0;  // files of which all outputs are right
  std::size_t reprints_right = 0;
  std::vector<DerivationMismatch> mismatches;  // in the order of the files
};

// Input derivations are looked for among the files. Where one is absent, the outputs of what needs
// it cannot be computed, and are reported. Throws nothing for what is wrong with a file.
CINCH_CORE_API DerivationFilesReport check_derivation_files(std::span<const DerivationFile> files,
                                                            const StoreDir& store_dir);

// The totals and the mismatches as one JSON object: files, pathsRight, outputsRight, reprintsRight,
// and mismatches, each with file, what and message. `names` are those of the files, in their order.
CINCH_CORE_API std::string print_derivation_files_json(const DerivationFilesReport& report,
                                                       std::span<const std::string_view> names);

}  // namespace cinch
