// Path infos and narinfos as JSON, in the three formats of Nix:
//   1  full paths, content addresses and signatures as text
//   2  base names, content addresses as objects
//   3  also signatures as objects
// Format: docs/formats/path-info.md.
#pragma once

#include <cinch/core/export.hh>
#include <cinch/core/narinfo.hh>
#include <cinch/core/path_info.hh>

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace cinch {

constexpr std::uint64_t path_info_json_bytes_max = std::uint64_t{256} << 20;

// The numbers stand in the documents: never renumber.
enum class PathInfoFormat : std::uint8_t { v1 = 1, v2 = 2, v3 = 3 };

struct PathInfoJsonOptions {
  PathInfoFormat format = PathInfoFormat::v1;
  // Leaves out what another store may say differently about the same object: deriver, registration
  // time, `ultimate`, signatures, and where it is downloaded.
  bool pure = false;
  std::optional<std::uint64_t> closure_size;           // bytes of NARs; written if given
  std::optional<std::uint64_t> closure_download_size;  // bytes of files; written if given
};

// One object, in one line, as `nix path-info --json` has it for each path.
CINCH_CORE_API std::string print_path_info_json(const PathInfo& info, const StoreDir& store_dir,
                                                const PathInfoJsonOptions& options = {});
// The same, and the first download.
CINCH_CORE_API std::string print_narinfo_json(const NarInfo& narinfo, const StoreDir& store_dir,
                                              const PathInfoJsonOptions& options = {});

// Reads any of the formats; a text without a version is of format 1. What is missing is unknown,
// fields that nobody knows are skipped. The object does not say which path it is about. Throws
// Code::malformed; Code::not_supported for newer versions; Code::limit_exceeded.
CINCH_CORE_API PathInfo parse_path_info_json(std::string_view json, const StorePath& path,
                                             const StoreDir& store_dir);
// As above; `url` and `compression` must be there.
CINCH_CORE_API NarInfo parse_narinfo_json(std::string_view json, const StorePath& path,
                                          const StoreDir& store_dir);

// One path of a document; without `info` it is not valid.
struct PathInfoEntry {
  StorePath path;
  std::optional<PathInfo> info;
  std::optional<std::uint64_t> closure_size;  // bytes of NARs
};

// What `nix path-info --json --json-format N` prints for many paths, without the final newline.
CINCH_CORE_API std::string print_path_infos_json(std::span<const PathInfoEntry> entries,
                                                 const StoreDir& store_dir, PathInfoFormat format);
// Reads such a document, also the list of Nix before 2.19. Paths that are not valid have no info.
CINCH_CORE_API std::map<StorePath, std::optional<PathInfo>> parse_path_infos_json(
    std::string_view json, const StoreDir& store_dir);

}  // namespace cinch
