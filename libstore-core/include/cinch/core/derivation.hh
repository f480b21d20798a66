// A Derivation says how to make store objects: run this builder, with these arguments and this
// environment, on a system of this type, with these inputs, and it writes these outputs. It is a
// value. Codecs: derivation_aterm.hh (the .drv file) and derivation_json.hh; paths and hashes:
// derivation_hash.hh.
#pragma once

#include <cinch/core/content_address.hh>
#include <cinch/core/export.hh>
#include <cinch/core/store_path.hh>

#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace cinch {

// The output's path follows from the derivation and is known.
struct InputAddressedOutput {
  StorePath path;
  friend bool operator==(const InputAddressedOutput&, const InputAddressedOutput&) = default;
};
// The output's content is known in advance; its path follows from that. Such builds may use the
// network.
struct FixedOutput {
  ContentAddress address;
  friend bool operator==(const FixedOutput&, const FixedOutput&) = default;
};
// Input-addressed, but the path is not known yet: it has not been filled in (see fill_in_outputs),
// or depends on inputs whose paths are only known once they are built.
struct DeferredOutput {
  friend bool operator==(const DeferredOutput&, const DeferredOutput&) = default;
};
// Content-addressed by what the build writes: its path is known after the build.
struct FloatingOutput {
  ContentAddressMethod method;
  HashAlgorithm algorithm;
  friend bool operator==(const FloatingOutput&, const FloatingOutput&) = default;
};
// As floating, but the build may use the network and may write something else each time.
struct ImpureOutput {
  ContentAddressMethod method;
  HashAlgorithm algorithm;
  friend bool operator==(const ImpureOutput&, const ImpureOutput&) = default;
};

using DerivationOutput =
    std::variant<InputAddressedOutput, FixedOutput, DeferredOutput, FloatingOutput, ImpureOutput>;
using OutputNames = std::set<std::string>;

// Outputs that are derivations themselves (dynamic derivations), by name, and what is wanted of
// each: outputs of it, and outputs of its outputs.
struct DynamicInput;
using DynamicInputs = std::map<std::string, DynamicInput>;
struct DynamicInput {
  OutputNames outputs;
  DynamicInputs dynamic;
  friend bool operator==(const DynamicInput&, const DynamicInput&) = default;
};
// How deep they may be nested: "<drv>^a^b" is one level.
constexpr std::size_t dynamic_input_depth_max = 16;

struct CINCH_CORE_API Derivation {
  std::string name;  // without ".drv"; a valid store path name
  std::map<std::string, DerivationOutput> outputs;
  StorePathSet input_sources;
  // A path may be in both: outputs of it, and outputs of its outputs.
  std::map<StorePath, OutputNames> input_derivations;
  std::map<StorePath, DynamicInputs> dynamic_inputs;
  std::string system;   // "x86_64-linux"
  std::string builder;  // an absolute path, or "builtin:<name>"
  std::vector<std::string> arguments;
  std::map<std::string, std::string> environment;  // values are bytes, not UTF-8

  // Whether its only output is "out" with a fixed content address.
  bool is_fixed() const;
  // Whether its outputs are impure: each build may give something else.
  bool is_impure() const;
  // Whether it may depend on impure derivations: it is impure itself, or what it gives is fixed.
  bool may_need_impure() const { return is_impure() || is_fixed(); }
  // The path of one output; empty for one that is deferred, floating or impure. Throws
  // Code::not_found if there is no such output.
  std::optional<StorePath> output_path(const StoreDir& store_dir, std::string_view output) const;
  // All outputs by name; paths that are not known are empty.
  std::map<std::string, std::optional<StorePath>> output_paths(const StoreDir& store_dir) const;
  // What its store object refers to: the sources and the input derivations.
  StorePathSet references() const;

  friend bool operator==(const Derivation&, const Derivation&) = default;
};

// The rules that need nothing but the value: at least one output; valid output names; all of one
// kind; a fixed output stands alone and is called "out"; floating ones share a hash algorithm; a
// method and its algorithm fit; inputs are derivations of which something is wanted. Throws
// Code::invalid_derivation with the output or the input as the subject.
CINCH_CORE_API void check_derivation(const Derivation& derivation);

// Where the .drv file of a derivation lies in a store: text-addressed, name "<name>.drv".
CINCH_CORE_API StorePath derivation_path(const StoreDir& store_dir, const Derivation& derivation);
// The same for who has its text already.
CINCH_CORE_API StorePath derivation_path(const StoreDir& store_dir, const Derivation& derivation,
                                         std::string_view aterm);

}  // namespace cinch
