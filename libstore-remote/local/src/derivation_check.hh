// Derivations are checked before they become valid: a .drv file whose output paths are not the ones
// that follow from it would let its outputs pass for those of another derivation.
#pragma once

#include <cinch/core/derivation.hh>
#include <cinch/core/derivation_hash.hh>
#include <cinch/files/directory.hh>

#include <map>
#include <memory>
#include <mutex>
#include <stop_token>
#include <string>

namespace cinch::local {

// Reads `<objects>/<path>`, valid or not. Throws Code::not_found, Code::malformed.
Derivation read_derivation_file(const Directory& objects, const StoreDir& store_dir,
                                const StorePath& path);

// Safe for several threads at once.
class DerivationChecker {
 public:
  // `objects` must outlive it.
  DerivationChecker(const Directory& objects, const StoreDir& store_dir);

  // The known outputs of the .drv file at this path. Throws Code::invalid_derivation if they, or
  // anything else about it, are not right.
  std::map<std::string, StorePath> check(const StorePath& path);
  // The same for derivations by the paths that were made from their texts; they need not lie in the
  // store, and inputs of one may be among the others.
  using Derivations = std::map<StorePath, const Derivation*>;
  using KnownOutputs = std::map<StorePath, std::map<std::string, StorePath>>;
  KnownOutputs check(const Derivations& derivations, const std::stop_token& stop = {});

 private:
  std::map<std::string, StorePath> check_one(const StorePath& path, const Derivation& derivation);
  std::shared_ptr<const Derivation> lend(const StorePath& path) const;

  const Directory& objects_;
  StoreDir store_dir_;
  std::mutex mutex_;
  const Derivations* together_ = nullptr;  // those that are being checked
  DerivationHasher hasher_;
};

}  // namespace cinch::local
