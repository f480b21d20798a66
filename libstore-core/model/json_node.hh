// Private to the library: JSON from outside, read with limits, and errors that say where.
#pragma once

#include <cinch/core/error.hh>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

namespace cinch {

using Json = nlohmann::json;

constexpr int json_depth_max = 64;

// Throws Code::malformed for text that is not JSON or has a key twice in an object;
// Code::limit_exceeded for text that is too long or nested too deeply; both with the offset.
Json parse_json(std::string_view text, std::uint64_t size_bytes_max,
                int depth_max = json_depth_max);

// A value inside a document and how it was reached. It refers to the value and to the node above
// it, which must outlive it.
class JsonNode {
 public:
  explicit JsonNode(const Json& root) : value_(root) {}
  JsonNode(const JsonNode& parent, std::string_view key, const Json& value)
      : value_(value), parent_(&parent), key_(key) {}
  JsonNode(const JsonNode& parent, std::size_t index, const Json& value)
      : value_(value), parent_(&parent), index_(index) {}

  const Json& value() const { return value_; }
  std::string_view key() const { return key_; }
  // Each throws Code::malformed, with the place as the subject, for a value of another type.
  const Json::object_t& object() const;
  const Json::array_t& array() const;
  const std::string& string() const;

  // The member of an object.
  std::optional<JsonNode> find(std::string_view key) const;
  JsonNode require(std::string_view key) const;

  // The JSON pointer (RFC 6901) of this value; "/" for the whole document.
  std::string place() const;
  [[noreturn]] void fail(std::string message) const;

 private:
  const Json& value_;
  const JsonNode* parent_ = nullptr;
  std::string_view key_;
  std::optional<std::size_t> index_;
};

// Runs `parse` on the text of a node; what it throws then speaks of the node.
template <class Parse>
auto parse_text(const JsonNode& node, Parse parse) {
  try {
    return parse(node.string());
  } catch (const Error& error) {
    throw Error(error.code(), error.message()).about(node.place()).hint(error.hint());
  }
}

// An error about a place in a document: adds where that is in the text, and what stands there.
void add_token(Error& error, std::string_view text);

// Parses a document and reads its root. What `read` throws then says where in the text.
template <class Read>
auto read_json(std::string_view text, std::uint64_t size_bytes_max, Read read,
               int depth_max = json_depth_max) {
  const Json document = parse_json(text, size_bytes_max, depth_max);
  try {
    return read(JsonNode(document));
  } catch (Error& error) {
    add_token(error, text);
    throw;
  }
}

template <class Visit>
void for_each_element(const JsonNode& node, Visit visit) {
  std::size_t index = 0;
  for (const Json& element : node.array()) visit(JsonNode(node, index++, element));
}

}  // namespace cinch
