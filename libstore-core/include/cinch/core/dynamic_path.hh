// Deriving paths of any depth. An output of a derivation may be a derivation itself (a dynamic
// derivation), whose outputs are named in turn: `<drv>^<output that is a derivation>^<its output>`.
// deriving_path.hh has those without such steps. Format: docs/formats/deriving-path.md.
#pragma once

#include <cinch/core/deriving_path.hh>
#include <cinch/core/export.hh>
#include <cinch/core/store_path.hh>

#include <compare>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace cinch {

constexpr std::size_t dynamic_path_depth_max = 32;  // outputs one after the other

// One store object: a path, or what is reached from a derivation through these outputs.
struct SinglePath {
  StorePath path;
  std::vector<std::string> outputs;  // the first one is the derivation's; may be empty
  friend auto operator<=>(const SinglePath&, const SinglePath&) = default;
  friend bool operator==(const SinglePath&, const SinglePath&) = default;
};

// A path, or outputs of the derivation that `start` names.
struct DynamicPath {
  SinglePath start;
  std::optional<OutputSpec> outputs;  // must be there if `start` has outputs
  friend auto operator<=>(const DynamicPath&, const DynamicPath&) = default;
  friend bool operator==(const DynamicPath&, const DynamicPath&) = default;
};

// `*`, or names between commas. Throws Code::malformed with the offset.
CINCH_CORE_API OutputSpec parse_output_spec(std::string_view text);
CINCH_CORE_API std::string print_output_spec(const OutputSpec& spec);

// `<path>`, `<drv>^<output>`, `<drv>^<output>^<output>`; the separator is '^', or '!' as the worker
// protocol writes it. Throws Code::malformed with the offset; Code::limit_exceeded for too many
// steps.
CINCH_CORE_API SinglePath parse_single_path(std::string_view text, const StoreDir& store_dir,
                                            char separator = '^');
CINCH_CORE_API std::string print_single_path(const SinglePath& path, const StoreDir& store_dir,
                                             char separator = '^');
// As above; the last step may be a list of outputs or `*`. Printing throws Code::invalid_argument
// where `outputs` must be there and is not.
CINCH_CORE_API DynamicPath parse_dynamic_path(std::string_view text, const StoreDir& store_dir,
                                              char separator = '^');
CINCH_CORE_API std::string print_dynamic_path(const DynamicPath& path, const StoreDir& store_dir,
                                              char separator = '^');

}  // namespace cinch
