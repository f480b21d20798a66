// A list of nodes as `ls` prints it, in Nix's formats.
#pragma once

#include "context.hh"
#include "nar_walk.hh"

#include <span>
#include <string>

namespace cinch::cli {

struct ListingOptions {
  bool long_format = false;       // -l
  bool recursive = false;         // -R
  bool directory_itself = false;  // -d
  bool json = false;
};

inline constexpr Option listing_option_table[] = {
    {"-l,--long", "", "show permissions, size and the target of symlinks"},
    {"-R,--recursive", "", "list what is in subdirectories too"},
    {"-d,--directory", "", "show the directory itself, not what is in it"},
    {"--json", "", "print the listing as JSON"},
};
ListingOptions listing_options(const Context& context);

// Prints what lies at `path` ("" or "a/b") of the tree; `shown` is its full name, for messages.
// Throws Code::not_found if there is no such node.
void print_listing(Output& output, std::span<const Node> nodes, const std::string& path,
                   const std::string& shown, const ListingOptions& options);

// "/a/b/" and "/" become "a/b" and "". Throws Code::invalid_argument unless it starts with a slash.
std::string inner_path(const std::string& path);

}  // namespace cinch::cli
