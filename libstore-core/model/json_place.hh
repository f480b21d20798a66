// Private to the library: finds values again in a text that is JSON, for error messages. The JSON
// library does not keep where they stood.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace cinch {

// A value as it is spelt in a text.
struct JsonToken {
  std::size_t offset;
  std::string_view text;
};

// What a JSON pointer (RFC 6901; "/" for the whole document) points at, if anything.
// REQUIRES: json is JSON.
std::optional<JsonToken> find_json_value(std::string_view json, std::string_view pointer);

// Where the n-th key of all objects, or the n-th '[' or '{', stands; n counts from 1. The text may
// stop being JSON after it.
std::size_t offset_of_json_key(std::string_view json, std::uint64_t n);
std::size_t offset_of_json_bracket(std::string_view json, std::uint64_t n);

}  // namespace cinch
