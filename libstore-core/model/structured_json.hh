// Private to the library: the structured attributes of a derivation as JSON.
#pragma once

#include "json_node.hh"

#include <cinch/core/derivation.hh>

#include <optional>

namespace cinch {

constexpr std::string_view structured_variable = "__json";

// The object in the variable `__json`; empty if there is none. Throws Code::invalid_derivation with
// the variable as the subject if it is no JSON object; Code::limit_exceeded.
std::optional<Json> parse_structured_attributes(const Derivation& derivation);

}  // namespace cinch
