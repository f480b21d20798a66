// Makes content-addressed objects of input-addressed ones: each object of a closure gets a twin, in
// which the references to the others are references to their twins, and whose path follows from its
// content. What `nix store make-content-addressed` does, without a store.
#pragma once

#include <cinch/core/export.hh>
#include <cinch/core/path_info.hh>
#include <cinch/core/references.hh>
#include <cinch/core/store_path.hh>
#include <cinch/core/stream.hh>

#include <functional>
#include <map>
#include <string>

namespace cinch {

class CINCH_CORE_API ContentAddressedRewrite {
 public:
  // Writes the NAR of an object to a sink.
  using WriteNar = std::function<void(Sink&)>;

  explicit ContentAddressedRewrite(StoreDir store_dir) : store_dir_(std::move(store_dir)) {}

  // What is known of the object's twin: path, NAR hash and size, references, content address (nar,
  // sha256). It has no deriver, signatures or time. The NAR is asked for twice.
  // Throws Code::invalid_argument if a reference, other than to itself, was not added before: take
  // the objects in topological order, references first.
  PathInfo add(const PathInfo& object, const WriteNar& write_nar);

  // Writes the NAR of the twin of an object that was added.
  void write_twin(const PathInfo& object, const WriteNar& write_nar, Sink& sink) const;

  // From each path that was added to that of its twin.
  const std::map<StorePath, StorePath>& twins() const { return twins_; }

 private:
  const StorePath& twin_of(const StorePath& path) const;
  ReferenceRewriter::HashParts rewrites(const PathInfo& object) const;

  StoreDir store_dir_;
  std::map<StorePath, StorePath> twins_;
};

}  // namespace cinch
