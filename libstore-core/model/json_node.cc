#include "json_node.hh"

#include <functional>
#include <set>
#include <utility>
#include <vector>

namespace cinch {

namespace {

// The library's own text begins with its exception's name and the position, which we report
// ourselves: "[json.exception.parse_error.101] parse error at line 1, column 1: syntax error ...".
std::string reason_of(const Json::exception& error) {
  const std::string_view text = error.what();
  const std::size_t column = text.find("column ");
  std::size_t start = text.find(column == std::string_view::npos ? "] " : ": ",
                                column == std::string_view::npos ? 0 : column);
  start = start == std::string_view::npos ? 0 : start + 2;
  return std::string(text.substr(start));
}

void append_escaped_key(std::string& pointer, std::string_view key) {
  for (const char character : key) {
    if (character == '~') {
      pointer += "~0";
    } else if (character == '/') {
      pointer += "~1";
    } else {
      pointer += character;
    }
  }
}

// Watches the parser: depth, and keys that occur twice.
class Guard {
 public:
  explicit Guard(int depth_max) : depth_max_(depth_max) {}

  bool operator()(int depth, Json::parse_event_t event, const Json& value) {
    if (depth > depth_max_) {
      throw Error(Code::limit_exceeded, "the JSON text is nested more than " +
                                            std::to_string(depth_max_) + " levels deep");
    }
    if (event == Json::parse_event_t::object_start) {
      keys_.emplace_back();
    } else if (event == Json::parse_event_t::object_end) {
      keys_.pop_back();
    } else if (event == Json::parse_event_t::key) {
      const std::string& key = value.get_ref<const std::string&>();
      if (!keys_.back().insert(key).second) {
        throw Error(Code::malformed, "the JSON text has the key '" + key + "' twice in one object");
      }
    }
    return true;
  }

 private:
  int depth_max_;
  std::vector<std::set<std::string>> keys_;
};

}  // namespace

Json parse_json(std::string_view text, std::uint64_t size_bytes_max, int depth_max) {
  if (text.size() > size_bytes_max) {
    throw Error(Code::limit_exceeded, "the JSON text has " + std::to_string(text.size()) +
                                          " bytes, more than the allowed " +
                                          std::to_string(size_bytes_max));
  }
  Guard guard(depth_max);
  try {
    return Json::parse(text.begin(), text.end(), std::ref(guard));
  } catch (const Json::parse_error& error) {
    throw Error(Code::malformed, "this is not JSON: " + reason_of(error))
        .at(error.byte == 0 ? 0 : error.byte - 1);
  } catch (const Json::exception& error) {
    throw Error(Code::malformed, "this is not JSON: " + reason_of(error));
  }
}

const Json::object_t& JsonNode::object() const {
  if (!value_.is_object()) fail("expected an object, found " + std::string(value_.type_name()));
  return value_.get_ref<const Json::object_t&>();
}

const Json::array_t& JsonNode::array() const {
  if (!value_.is_array()) fail("expected an array, found " + std::string(value_.type_name()));
  return value_.get_ref<const Json::array_t&>();
}

const std::string& JsonNode::string() const {
  if (!value_.is_string()) fail("expected a string, found " + std::string(value_.type_name()));
  return value_.get_ref<const std::string&>();
}

std::optional<JsonNode> JsonNode::find(std::string_view key) const {
  const Json::object_t& members = object();
  const auto member = members.find(key);
  if (member == members.end()) return std::nullopt;
  return JsonNode(*this, member->first, member->second);
}

JsonNode JsonNode::require(std::string_view key) const {
  std::optional<JsonNode> member = find(key);
  if (!member) fail("the field '" + std::string(key) + "' is missing");
  return *member;
}

std::string JsonNode::place() const {
  std::vector<const JsonNode*> nodes;
  for (const JsonNode* node = this; node->parent_ != nullptr; node = node->parent_) {
    nodes.push_back(node);
  }
  if (nodes.empty()) return "/";
  std::string pointer;
  for (auto node = nodes.rbegin(); node != nodes.rend(); ++node) {
    pointer += '/';
    if ((*node)->index_) {
      pointer += std::to_string(*(*node)->index_);
    } else {
      append_escaped_key(pointer, (*node)->key_);
    }
  }
  return pointer;
}

void JsonNode::fail(std::string message) const {
  throw Error(Code::malformed, std::move(message)).about(place());
}

}  // namespace cinch
