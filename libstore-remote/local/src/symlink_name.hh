// The name of a symlink that a user gave, and putting one in its place.
#pragma once

#include <cinch/files/directory.hh>

#include <string>

namespace cinch::local {

// Full names are canonical: no "." or "..", no double slash, none at the end.
struct SymlinkName {
  std::string full_name;
  std::string directory;
  std::string base_name;
};

// Goes by the text alone. Throws Code::invalid_argument for a name that is not absolute, or names
// no file.
SymlinkName parse_symlink_name(const std::string& name);

// Made beside its place and renamed over what is there, so that the name never points nowhere.
void replace_symlink(const Directory& directory, const std::string& base_name,
                     const std::string& target);

}  // namespace cinch::local
