// The JSON of values of the model that are small documents of their own: store paths, content
// addresses, output specs, deriving paths, build results. Printed in one line, sorted by name.
// Readers throw Code::malformed, with the place as the subject, and Code::limit_exceeded. Formats:
// docs/formats/deriving-path.md, docs/formats/build-result.md.
#pragma once

#include <cinch/core/build_result.hh>
#include <cinch/core/content_address.hh>
#include <cinch/core/dynamic_path.hh>
#include <cinch/core/export.hh>
#include <cinch/core/store_path.hh>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace cinch {

constexpr std::uint64_t model_json_bytes_max = std::uint64_t{16} << 20;

// A base name.
CINCH_CORE_API std::string print_store_path_json(const StorePath& path);
CINCH_CORE_API StorePath parse_store_path_json(std::string_view json);

// `{"hash": <SRI>, "method": ...}`.
CINCH_CORE_API std::string print_content_address_json(const ContentAddress& address);
CINCH_CORE_API ContentAddress parse_content_address_json(std::string_view json);

// `["*"]`, or names; null for the empty optional, "what is usual".
CINCH_CORE_API std::string print_output_spec_json(const std::optional<OutputSpec>& spec);
CINCH_CORE_API std::optional<OutputSpec> parse_output_spec_json(std::string_view json);

// A base name, or `{"drvPath": <the same>, "output": ...}`.
CINCH_CORE_API std::string print_single_path_json(const SinglePath& path);
CINCH_CORE_API SinglePath parse_single_path_json(std::string_view json);

// A base name, or `{"drvPath": <single path>, "outputs": <output spec>}`. Throws
// Code::invalid_argument for a path with outputs on the way but none at the end, which has no JSON.
CINCH_CORE_API std::string print_dynamic_path_json(const DynamicPath& path);
CINCH_CORE_API DynamicPath parse_dynamic_path_json(std::string_view json);

// Everything but what was wanted, which the document does not say.
CINCH_CORE_API std::string print_build_result_json(const BuildResult& result);
CINCH_CORE_API BuildResult parse_build_result_json(std::string_view json,
                                                   const DerivingPath& wanted);
// With the member "path": the deriving path that was wanted. Reading throws Code::not_supported for
// outputs of outputs.
CINCH_CORE_API std::string print_keyed_build_result_json(const BuildResult& result);
CINCH_CORE_API BuildResult parse_keyed_build_result_json(std::string_view json);

}  // namespace cinch
