// The hash of an object as it lies on disk.
#pragma once

#include <cinch/core/hash.hh>
#include <cinch/files/directory.hh>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <stop_token>
#include <string_view>

namespace cinch::local {

// Hashing is bound by memory beyond this many.
constexpr unsigned hash_threads_max = 8;

struct NarDigest {
  Hash hash;                 // sha256
  std::uint64_t size_bytes;  // of the NAR
};

// Of the NAR of the tree `name` in `parent`. Calls `watch` with the number of bytes for each piece
// of about a megabyte, and at the end. Throws what read_tree() does.
NarDigest hash_tree(const Directory& parent, std::string_view name,
                    const std::stop_token& stop = {},
                    const std::function<void(std::uint64_t)>& watch = {});

}  // namespace cinch::local
