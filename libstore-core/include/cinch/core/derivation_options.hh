// What a derivation asks for beside its command: how its outputs are checked, which part of its
// sandbox is open, where it may be built. Nix keeps these options in attributes: in the environment
// or, where there are structured attributes (the variable `__json`), there. DerivationOptions is
// the value that both say. Format: docs/formats/derivation-options.md.
#pragma once

#include <cinch/core/derivation.hh>
#include <cinch/core/derivation_resolution.hh>
#include <cinch/core/dynamic_path.hh>
#include <cinch/core/export.hh>

#include <compare>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <variant>

namespace cinch {

constexpr std::uint64_t structured_attributes_bytes_max = std::uint64_t{64} << 20;
constexpr std::uint64_t derivation_options_json_bytes_max = std::uint64_t{64} << 20;

// Opaque paths first, then outputs of derivations, then outputs of those: the order in which Nix
// writes sets of paths that may still have to be built.
struct CINCH_CORE_API BuiltPathsLast {
  bool operator()(const SinglePath& left, const SinglePath& right) const;
};
using SinglePathSet = std::set<SinglePath, BuiltPathsLast>;

// What an output may or may not refer to: names of outputs of the same derivation, which are not
// checked here (an attribute that is no store path is taken for one), and paths.
struct ReferenceSpecs {
  std::set<std::string> own_outputs;
  SinglePathSet paths;
  bool empty() const { return own_outputs.empty() && paths.empty(); }
  friend bool operator==(const ReferenceSpecs&, const ReferenceSpecs&) = default;
};

// References are those of the output itself, requisites those of its closure.
struct OutputChecks {
  bool ignore_self_references = false;            // of requisites only
  std::optional<std::uint64_t> nar_size_max;      // bytes (maxSize)
  std::optional<std::uint64_t> closure_size_max;  // bytes of NARs (maxClosureSize)
  std::optional<ReferenceSpecs> allowed_references;
  ReferenceSpecs disallowed_references;
  std::optional<ReferenceSpecs> allowed_requisites;
  ReferenceSpecs disallowed_requisites;
  friend bool operator==(const OutputChecks&, const OutputChecks&) = default;
};

struct CINCH_CORE_API DerivationOptions {
  // The same for each output, as attributes in the environment say it; or by name of the output, as
  // structured attributes do. The names need not be those of outputs.
  std::variant<OutputChecks, std::map<std::string, OutputChecks>> output_checks;
  // Outputs that are not scanned for references: true for those that are not.
  std::map<std::string, bool> unsafe_discard_references;
  // Environment variables that the builder finds in files.
  std::set<std::string> pass_as_file;
  // Closures that the builder is told about: by file name, or by structured attribute.
  std::map<std::string, SinglePathSet> export_references_graph;
  std::string additional_sandbox_profile;  // of macOS (__sandboxProfile)
  bool no_chroot = false;                  // wants no sandbox
  std::set<std::string> impure_host_dependencies;
  std::set<std::string> impure_environment_variables;
  bool allow_local_networking = false;  // of macOS (__darwinAllowLocalNetworking)
  std::set<std::string> required_system_features;
  bool prefer_local_build = false;
  bool allow_substitutes = true;

  // The checks of one output; null if there are none.
  const OutputChecks* checks_of(std::string_view output) const;
  bool discards_references(std::string_view output) const;

  friend bool operator==(const DerivationOptions&, const DerivationOptions&) = default;
};

// From the attributes of a derivation. Paths of outputs of its inputs may be given by their
// placeholders. Throws Code::invalid_derivation for values of another type, paths outside of the
// store, and file names that are none, with the attribute as the subject; in structured ones its
// JSON pointer, and the offset. Code::limit_exceeded for structured attributes above 64 MiB or 64
// levels.
CINCH_CORE_API DerivationOptions read_derivation_options(const Derivation& derivation,
                                                         const StoreDir& store_dir);
// Attributes that are there and have no effect, because others are structured; sorted. Nix warns
// of them. Throws as read_derivation_options.
CINCH_CORE_API std::set<std::string> ignored_attributes(const Derivation& derivation);

// The options of the resolved derivation: outputs of derivations are replaced by what they came out
// as. Empty if one of these is not known.
CINCH_CORE_API std::optional<DerivationOptions> resolve_derivation_options(
    const DerivationOptions& options, const FindRealisedOutput& find);

// The current form of Nix: two spaces a level, keys sorted, no final newline. Throws
// Code::invalid_argument for texts that are not UTF-8.
CINCH_CORE_API std::string print_derivation_options_json(const DerivationOptions& options);
// Fields that nobody knows are skipped; none may be missing. Throws Code::malformed, with the place
// as the subject or the offset; Code::limit_exceeded.
CINCH_CORE_API DerivationOptions parse_derivation_options_json(std::string_view json);

// --- where it may be built

// What a machine offers.
struct BuildMachineFacts {
  std::set<std::string> systems;  // its own, and those that it can run as well
  std::set<std::string> features;
  std::uint32_t jobs_max = 1;
};

// The attribute, and "ca-derivations" if the derivation has outputs whose paths are not known
// before it is built.
CINCH_CORE_API std::set<std::string> required_system_features(const DerivationOptions& options,
                                                              const Derivation& derivation);
// Whether this machine can build it. For builders called "builtin:...", which are part of a
// builder's own program, its systems and its number of jobs do not matter.
CINCH_CORE_API bool can_build_locally(const DerivationOptions& options,
                                      const Derivation& derivation,
                                      const BuildMachineFacts& machine);
// Whether it can, and should rather than be sent to another machine.
CINCH_CORE_API bool will_build_locally(const DerivationOptions& options,
                                       const Derivation& derivation,
                                       const BuildMachineFacts& machine);
// Whether outputs may come from a substituter; `always` is the setting always-allow-substitutes.
CINCH_CORE_API bool substitutes_allowed(const DerivationOptions& options, bool always);
// Whether the build has a range of user ids of its own.
CINCH_CORE_API bool uses_uid_range(const DerivationOptions& options);

}  // namespace cinch
