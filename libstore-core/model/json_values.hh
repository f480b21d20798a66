// Private to the library: the JSON of small values that stand in several documents.
#pragma once

#include "json_node.hh"

#include <cinch/core/content_address.hh>
#include <cinch/core/hash.hh>
#include <cinch/core/signature.hh>
#include <cinch/core/store_path.hh>

#include <cstdint>
#include <set>

namespace cinch {

// A whole number from 0 to `max`.
std::uint64_t read_number(const JsonNode& node, std::uint64_t max);
bool read_bool(const JsonNode& node);
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

}  // namespace cinch
