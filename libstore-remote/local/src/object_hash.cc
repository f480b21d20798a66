#include "object_hash.hh"

#include <cinch/core/nar.hh>
#include <cinch/files/file_tree.hh>

namespace cinch::local {

NarDigest hash_tree(const Directory& parent, std::string_view name, const std::stop_token& stop) {
  Hasher hasher(HashAlgorithm::sha256);
  NarWriter writer(hasher);
  read_tree(parent, name, writer, {.stop = stop});
  writer.finish();
  const std::uint64_t size_bytes = hasher.size_bytes();
  return {hasher.finish(), size_bytes};
}

}  // namespace cinch::local
