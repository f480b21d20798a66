// From a derivation to a BuildRequest. A pure function: what must be looked up comes in as values.
#pragma once

#include <cinch/core/build_request.hh>
#include <cinch/core/derivation.hh>
#include <cinch/core/derivation_options.hh>
#include <cinch/core/references_graph.hh>
#include <cinch/core/settings.hh>

#include <map>
#include <set>
#include <string>
#include <string_view>

namespace cinch {

struct RequestFacts {
  StorePath derivation_path;
  StoreDir store_dir;
  DerivationOptions options;  // those of the derivation
  // What options.export_references_graph asks for, by the same names.
  std::map<std::string, ReferencesGraph> graphs;
  // The closure of everything that the builder may read, and where each object lies.
  std::map<StorePath, std::string> inputs;
  // Values for the variables that impureEnvVars may name.
  std::map<std::string, std::string> impure_environment;
  std::uint32_t cores = 1;  // for NIX_BUILD_CORES
};

// Throws Code::not_supported, naming the attribute, for what a derivation asks for and this version
// cannot give; Code::invalid_derivation for attributes that make no sense.
BuildRequest make_build_request(const Derivation& derivation, const RequestFacts& facts,
                                const Settings& settings);

// The features that builds on this machine have: those of the settings, or Nix's defaults.
std::set<std::string> offered_features(const Settings& settings);

}  // namespace cinch
