// What a store knows about one valid store object.
#pragma once

#include <cinch/core/content_address.hh>
#include <cinch/core/export.hh>
#include <cinch/core/hash.hh>
#include <cinch/core/signature.hh>
#include <cinch/core/store_path.hh>

#include <cstdint>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>

namespace cinch {

struct CINCH_CORE_API PathInfo {
  StorePath path;
  Hash nar_hash;               // sha256
  std::uint64_t nar_size = 0;  // bytes
  StorePathSet references;     // may contain the path itself
  std::optional<StorePath> deriver;
  std::int64_t registration_time = 0;  // Unix seconds; 0: unknown
  bool ultimate = false;               // built here, not copied
  std::set<Signature> signatures;
  std::optional<ContentAddress> content_address;

  // What signatures sign: `1;<path>;<nar hash in nix32>;<nar size>;<references, comma separated>`.
  // Throws Code::invalid_argument if the NAR size is 0.
  std::string fingerprint(const StoreDir& store_dir) const;
  // Whether the path is the one that content address, references and name give.
  bool is_content_addressed(const StoreDir& store_dir) const;
  // References without the path itself, and whether it was there.
  References split_references() const;

  friend bool operator==(const PathInfo&, const PathInfo&) = default;
};

}  // namespace cinch
