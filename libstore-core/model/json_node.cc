#include "json_node.hh"

#include "json_place.hh"
#include "refusal.hh"

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

// Builds the document from the parser's events, and watches depth and keys. (The parser's own
// builder takes quadratic time if it is to be watched.)
class Builder final : public nlohmann::json_sax<Json> {
 public:
  Builder(std::string_view text, int depth_max)
      : text_(text), depth_max_(static_cast<std::size_t>(depth_max)) {}

  Json take() { return std::move(root_); }

  bool null() override { return put(nullptr); }
  bool boolean(bool value) override { return put(value); }
  bool number_integer(number_integer_t value) override { return put(value); }
  bool number_unsigned(number_unsigned_t value) override { return put(value); }
  bool number_float(number_float_t value, const string_t&) override { return put(value); }
  bool string(string_t& value) override { return put(std::move(value)); }
  bool binary(binary_t&) override { return false; }  // no value of JSON

  bool start_object(std::size_t) override { return open(Json::object()); }
  bool start_array(std::size_t) override { return open(Json::array()); }
  bool end_object() override { return close(); }
  bool end_array() override { return close(); }
  bool key(string_t& name) override;

  bool parse_error(std::size_t position, const std::string&,
                   const nlohmann::detail::exception& error) override {
    throw Error(Code::malformed, "this is not JSON: " + reason_of(error))
        .at(position == 0 ? 0 : position - 1);
  }

 private:
  template <class Value>
  bool put(Value&& value);
  bool open(Json container);
  bool close() {
    open_.pop_back();
    return true;
  }

  std::string_view text_;
  std::size_t depth_max_;
  Json root_;
  std::vector<Json*> open_;  // while one is open, the ones around it do not grow
  Json* member_ = nullptr;   // of the object that is open: what the last key is for
  std::uint64_t keys_seen_ = 0;
  std::uint64_t brackets_seen_ = 0;
};

template <class Value>
bool Builder::put(Value&& value) {
  if (open_.empty()) {
    root_ = std::forward<Value>(value);
    member_ = &root_;
  } else if (auto* array = open_.back()->get_ptr<Json::array_t*>()) {
    member_ = &array->emplace_back(std::forward<Value>(value));
  } else {
    *member_ = std::forward<Value>(value);
  }
  return true;
}

bool Builder::open(Json container) {
  ++brackets_seen_;
  if (open_.size() == depth_max_) {
    throw Error(Code::limit_exceeded,
                "the JSON text is nested more than " + std::to_string(depth_max_) + " levels deep")
        .at(offset_of_json_bracket(text_, brackets_seen_));
  }
  put(std::move(container));
  open_.push_back(member_);
  return true;
}

bool Builder::key(string_t& name) {
  ++keys_seen_;
  auto& members = *open_.back()->get_ptr<Json::object_t*>();
  const std::size_t count = members.size();
  const auto member = members.try_emplace(members.end(), std::move(name));
  if (members.size() == count) {
    throw Error(Code::malformed,
                "the JSON text has the key '" + excerpt(member->first) + "' twice in one object")
        .at(offset_of_json_key(text_, keys_seen_));
  }
  member_ = &member->second;
  return true;
}

}  // namespace

Json parse_json(std::string_view text, std::uint64_t size_bytes_max, int depth_max) {
  if (text.size() > size_bytes_max) {
    throw Error(Code::limit_exceeded, "the JSON text has " + std::to_string(text.size()) +
                                          " bytes, more than the allowed " +
                                          std::to_string(size_bytes_max))
        .at(size_bytes_max);
  }
  Builder builder(text, depth_max);
  Json::sax_parse(text.begin(), text.end(), &builder);
  return builder.take();
}

void add_token(Error& error, std::string_view text) {
  if (error.subject().empty()) return;
  const auto token = find_json_value(text, error.subject());
  if (!token) return;
  error.add_context("while reading " + excerpt(token->text));
  std::string subject = excerpt(error.subject());
  static_cast<void>(std::move(error).at(token->offset).about(std::move(subject)));
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
