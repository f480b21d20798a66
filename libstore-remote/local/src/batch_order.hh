// Objects that become valid together may refer to each other.
#pragma once

#include <cinch/core/store_path.hh>

#include <cstddef>
#include <span>
#include <vector>

namespace cinch::local {

struct BatchMember {
  const StorePath& path;
  const StorePathSet& references;
};

// Indices such that each member comes after those that it refers to; what it says of itself does
// not count. Members on a cycle, and those that refer to them, are left out.
std::vector<std::size_t> references_first(std::span<const BatchMember> batch);

}  // namespace cinch::local
