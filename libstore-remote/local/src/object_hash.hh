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
// Whether each of so many trees that are read together has a thread, and needs no help from others.
constexpr bool is_one_of_several(std::size_t trees) { return trees >= hash_threads_max; }

struct NarDigest {
  Hash hash;                 // sha256
  std::uint64_t size_bytes;  // of the NAR
};

struct HashTreeOptions {
  std::stop_token stop;
  // Called with the number of bytes for each piece of about a megabyte, and at the end.
  std::function<void(std::uint64_t)> watch;
  // Other threads hash other trees meanwhile: this one needs no help.
  bool one_of_several = false;
};

// Of the NAR of the tree `name` in `parent`. Throws what read_tree() does.
NarDigest hash_tree(const Directory& parent, std::string_view name,
                    const HashTreeOptions& options = {});

}  // namespace cinch::local
