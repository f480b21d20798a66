// What one can ask a store to make valid: an existing path, or outputs of a derivation.
#pragma once

#include <cinch/core/export.hh>
#include <cinch/core/store_path.hh>

#include <set>
#include <string>
#include <string_view>
#include <variant>

namespace cinch {

struct AllOutputs {
  friend auto operator<=>(const AllOutputs&, const AllOutputs&) = default;
};
using OutputSpec = std::variant<AllOutputs, std::set<std::string>>;

struct OpaquePath {
  StorePath path;
  friend auto operator<=>(const OpaquePath&, const OpaquePath&) = default;
};
struct BuiltPath {
  StorePath derivation;
  OutputSpec outputs;
  friend auto operator<=>(const BuiltPath&, const BuiltPath&) = default;
};
using DerivingPath = std::variant<OpaquePath, BuiltPath>;

// `<path>`, `<drv>^out1,out2`, `<drv>^*`; with separator '!' as the worker protocol writes it.
// Throws Code::malformed; Code::not_supported for outputs of outputs (`<drv>^a^b`).
CINCH_CORE_API DerivingPath parse_deriving_path(std::string_view text, const StoreDir& store_dir,
                                                char separator = '^');
CINCH_CORE_API std::string print_deriving_path(const DerivingPath& path, const StoreDir& store_dir,
                                               char separator = '^');
// Whether the spec asks for this output.
CINCH_CORE_API bool wants_output(const OutputSpec& spec, std::string_view output);

}  // namespace cinch
