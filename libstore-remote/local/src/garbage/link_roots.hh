// Roots in the file system: links below `gcroots` and `profiles`. docs/formats/local-store.md,
// "Roots".
#pragma once

#include <cinch/core/garbage.hh>
#include <cinch/files/directory.hh>
#include <cinch/local/local_store.hh>

#include <optional>
#include <string>
#include <vector>

namespace cinch::local {

struct LinkRoots {
  std::vector<GarbageRoot> roots;
  // Entries of `gcroots/auto` whose link is gone: their base names, and the links.
  std::vector<std::string> stale_entries;
  std::vector<std::string> stale_links;
  // Other links that lead to no store path.
  std::vector<DanglingRoot> dangling;
};

// What cannot be read is passed over, unless it is the directories of the store themselves.
LinkRoots find_link_roots(const Directory& state, const StoreDir& store_dir);
void remove_stale_roots(const Directory& state, const LinkRoots& found);

// What a link keeps alive; nothing if there is no such link yet, or it leads elsewhere.
std::optional<StorePath> find_target(const StoreDir& store_dir, const std::string& link);

// Makes an entry for the link below `gcroots/auto`, unless there is one.
void ensure_automatic_root(const Directory& state, const std::string& link);

}  // namespace cinch::local
