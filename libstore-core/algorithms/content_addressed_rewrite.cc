#include <cinch/core/content_address_hasher.hh>
#include <cinch/core/content_addressed_rewrite.hh>
#include <cinch/core/error.hh>
#include <cinch/core/hash.hh>

namespace cinch {

PathInfo ContentAddressedRewrite::add(const PathInfo& object, const WriteNar& write_nar) {
  const References old_references = object.split_references();
  References references{.self = old_references.self};
  for (const StorePath& path : old_references.others) references.others.insert(twin_of(path));

  ContentAddressHasher address_hasher(
      {.self =
           references.self ? std::optional(std::string(object.path.hash_part())) : std::nullopt});
  ReferenceRewriter to_twins(rewrites(object), address_hasher);
  write_nar(to_twins);
  to_twins.finish();
  const ContentAddress address = address_hasher.finish();
  const StorePath twin =
      make_content_addressed_path(store_dir_, object.path.name(), address, references);
  twins_.insert_or_assign(object.path, twin);

  Hasher nar_hasher(HashAlgorithm::sha256);
  write_twin(object, write_nar, nar_hasher);
  const std::uint64_t nar_size = nar_hasher.size_bytes();
  PathInfo info{.path = twin, .nar_hash = nar_hasher.finish(), .nar_size = nar_size};
  info.references = references.others;
  if (references.self) info.references.insert(twin);
  info.content_address = address;
  return info;
}

// The object's own path is replaced after the others, as it was hashed: so what the content address
// stands for is what is written, even if two hash parts should overlap.
void ContentAddressedRewrite::write_twin(const PathInfo& object, const WriteNar& write_nar,
                                         Sink& sink) const {
  ReferenceRewriter::HashParts self;
  if (object.references.contains(object.path)) {
    self.emplace(object.path.hash_part(), twin_of(object.path).hash_part());
  }
  ReferenceRewriter to_self(self, sink);
  ReferenceRewriter to_twins(rewrites(object), to_self);
  write_nar(to_twins);
  to_twins.finish();
  to_self.finish();
}

const StorePath& ContentAddressedRewrite::twin_of(const StorePath& path) const {
  const auto twin = twins_.find(path);
  if (twin != twins_.end()) return twin->second;
  throw Error(Code::invalid_argument, "the path was not made content-addressed before")
      .about(store_dir_.print(path))
      .hint("add an object after all that it refers to");
}

ReferenceRewriter::HashParts ContentAddressedRewrite::rewrites(const PathInfo& object) const {
  ReferenceRewriter::HashParts parts;
  for (const StorePath& path : object.references) {
    if (path == object.path) continue;
    const StorePath& twin = twin_of(path);
    if (twin != path) parts.emplace(path.hash_part(), twin.hash_part());
  }
  return parts;
}

}  // namespace cinch
