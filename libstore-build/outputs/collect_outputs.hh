// What a builder has made becomes store objects: read through descriptors, hashed, scanned for
// references and written to fresh inodes in one pass, then checked and registered together.
#pragma once

#include <cinch/core/builder.hh>
#include <cinch/core/derivation.hh>
#include <cinch/core/derivation_options.hh>
#include <cinch/core/error.hh>
#include <cinch/core/store.hh>

#include <cstdint>
#include <map>
#include <stop_token>

namespace cinch {

enum class CollectPurpose : std::uint8_t {
  add,      // what is valid stays as it is
  replace,  // also what is valid
  compare,  // registers nothing, but compares with what is registered
};

struct CollectOptions {
  StorePath derivation_path;
  std::map<std::string, StorePath> outputs;  // all of the derivation
  StorePathSet already_valid;                // outputs that are left as they are
  std::map<StorePath, PathInfo> inputs;      // the closure of what the builder could read
  DerivationOptions options;                 // those of the derivation
  std::int64_t now = 0;                      // Unix seconds
  CollectPurpose purpose = CollectPurpose::add;
};

// What a builder made is not what it had made before.
class OutputsDiffer final : public Error {
 public:
  using Error::Error;
};

// The store paths of the outputs must be locked. Throws Code::build_failed if an output is missing
// or not one that a store can hold or its derivation allows, Code::hash_mismatch if a fixed output
// is not what was promised; then nothing has been registered. Throws OutputsDiffer.
void collect_outputs(Store& store, BuildStore& build_store, const Derivation& derivation,
                     FinishedBuild& build, const CollectOptions& options, std::stop_token stop);

}  // namespace cinch
