// What optimising leaves behind.
#pragma once

#include <cinch/files/directory.hh>

#include <cstdint>
#include <stop_token>
#include <string>

namespace cinch::local {

// Removes the names in `.links` of files that no object has any more; returns the bytes freed.
std::uint64_t delete_unused_links(const Directory& objects, const std::stop_token& stop);

// Whether a name in the store directory is that of a link which was to replace a file, and whoever
// made it, Nix or Cinch, died in that moment.
bool is_abandoned_link(const Directory& objects, const std::string& name);

}  // namespace cinch::local
