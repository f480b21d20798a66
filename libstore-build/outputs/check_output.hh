// What a derivation demands of its outputs beside that they exist: sizes, and what they may refer
// to. A pure function.
#pragma once

#include <cinch/core/derivation_options.hh>
#include <cinch/core/path_info.hh>
#include <cinch/core/store_path.hh>

#include <map>
#include <string>

namespace cinch {

struct OutputFacts {
  StorePath derivation;
  StoreDir store_dir;
  std::map<std::string, StorePath> outputs;  // all of the derivation
  // Of the outputs, and of all that they need.
  std::map<StorePath, PathInfo> infos;
};

// Whether anything is demanded of the output.
bool has_checks(const std::string& output, const DerivationOptions& options);

// Throws Code::build_failed, naming the output, the attribute, and each path that should not be
// there (or the name in a list that is not that of an output), with the derivation as the subject.
// The paths in `options` must be resolved.
void check_output(const std::string& output, const DerivationOptions& options,
                  const OutputFacts& facts);

}  // namespace cinch
