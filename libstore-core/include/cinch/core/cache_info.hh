// A CacheInfo is what a binary cache says about itself, in its file `nix-cache-info`. Format:
// docs/formats/narinfo.md.
#pragma once

#include <cinch/core/export.hh>
#include <cinch/core/narinfo.hh>
#include <cinch/core/store_path.hh>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace cinch {

constexpr std::uint64_t cache_info_bytes_max = std::uint64_t{64} << 10;

struct CacheInfo {
  std::optional<StoreDir> store_dir;
  std::optional<bool> want_mass_query;   // whether it may be asked about many paths at once
  std::optional<std::int32_t> priority;  // lower: asked earlier
  std::vector<NamedField> other_fields;  // unknown ones, in their order
  friend bool operator==(const CacheInfo&, const CacheInfo&) = default;
};

// Throws Code::malformed with line and offset; Code::limit_exceeded for a longer text.
CINCH_CORE_API CacheInfo parse_cache_info(std::string_view text);
// Throws Code::invalid_argument for other fields that are no line.
CINCH_CORE_API std::string print_cache_info(const CacheInfo& info);

}  // namespace cinch
