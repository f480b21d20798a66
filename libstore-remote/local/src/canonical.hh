// The metadata that every object has: mode 0444 or 0555 for files, 0555 for directories,
// modification time 1 for all, owned by whoever owns the store.
#pragma once

#include <cinch/files/directory.hh>

#include <array>
#include <optional>
#include <stop_token>
#include <string>

#include <sys/types.h>
#include <time.h>

namespace cinch::local {

// What sets the time of all and leaves that of the last access: for utimensat(2).
extern const std::array<struct timespec, 2> canonical_times;

// Of exactly this inode, whatever may take its name meanwhile, and whether or not it may be read.
void set_mode(const Directory& parent, const std::string& name, mode_t mode);

// The first thing about the modes of a tree that is not so, as a sentence with the file's name;
// times and owners do not matter, as nobody can do harm through them.
std::optional<std::string> find_wrong_mode(const Directory& parent, const std::string& name,
                                           const std::stop_token& stop = {});

// Whether modes and times of a tree are so.
bool is_canonical_tree(const Directory& parent, const std::string& name,
                       const std::stop_token& stop = {});

// Whether this process may change modes, times and owners of all of a tree.
bool may_canonicalise(const Directory& parent, const std::string& name,
                      const std::stop_token& stop = {});

// Makes modes and times so, and the owner this process's user. Changes only what differs. Throws
// Code::not_supported for what is no file, directory or symlink.
void canonicalise_tree(const Directory& parent, const std::string& name,
                       const std::stop_token& stop = {});

}  // namespace cinch::local
