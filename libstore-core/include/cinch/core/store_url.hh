// A StoreUrl says where a store is and how to open it: `<scheme>://<authority>?<parameters>`, or a
// short name. Nothing is opened here. Format: docs/formats/store-url.md.
#pragma once

#include <cinch/core/export.hh>

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

namespace cinch {

constexpr std::uint64_t store_url_bytes_max = std::uint64_t{64} << 10;

struct StoreUrl {
  std::string scheme;                             // "local", "unix", "ssh", ...; or "auto"
  std::string authority;                          // between "://" and "?", as it is written
  std::map<std::string, std::string> parameters;  // percent-decoded
  friend bool operator==(const StoreUrl&, const StoreUrl&) = default;
};

// Also "auto" (or nothing), "daemon", "local", each with parameters or without, and directories,
// which must have a '/'. An IPv6 address of ssh and ssh-ng may lack its brackets, and its zone the
// escape; the authority then has both. Throws Code::malformed with the offset; Code::limit_exceeded
// for a longer text.
CINCH_CORE_API StoreUrl parse_store_url(std::string_view text);
// In the spelling of Nix: "auto", "daemon" and "local" where that says all. Throws
// Code::invalid_argument for what cannot be read again.
CINCH_CORE_API std::string print_store_url(const StoreUrl& url);

}  // namespace cinch
