// Private to the library: the JSON of small values that stand in several documents.
#pragma once

#include "json_node.hh"

#include <cinch/core/content_address.hh>
#include <cinch/core/dynamic_path.hh>
#include <cinch/core/hash.hh>
#include <cinch/core/signature.hh>
#include <cinch/core/store_path.hh>

#include <cstdint>
#include <set>
#include <string>

namespace cinch {

// A whole number from 0 to `max`.
std::uint64_t read_number(const JsonNode& node, std::uint64_t max);
bool read_bool(const JsonNode& node);
// An array of strings, as a set.
std::set<std::string> read_strings(const JsonNode& node);
// A base name.
StorePath read_base_name(const JsonNode& node);
Hash read_hash(const JsonNode& node);

// `{"method": ..., "hash": <SRI>}`.
Json to_json(const ContentAddress& address);
ContentAddress read_content_address(const JsonNode& node);

// `{"keyName": ..., "sig": <base64>}`. Reading also takes the older text form.
Json to_json(const Signature& signature);
Signature read_signature(const JsonNode& node);
std::set<Signature> read_signatures(const JsonNode& node);

// The name of an output.
std::string read_output_name(const JsonNode& node);
// A base name, or `{"drvPath": <the same>, "output": ...}`.
Json to_json(const SinglePath& path);
SinglePath read_single_path(const JsonNode& node);

}  // namespace cinch
