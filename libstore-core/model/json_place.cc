#include "json_place.hh"

#include <algorithm>
#include <charconv>
#include <string>

#include <nlohmann/json.hpp>

namespace cinch {

namespace {

constexpr std::string_view blanks = " \t\r\n";
constexpr std::string_view after_scalar = ",]} \t\r\n";

std::size_t skip_blanks(std::string_view json, std::size_t at) {
  return std::min(json.find_first_not_of(blanks, at), json.size());
}

// `at` is the quote that begins the string.
std::size_t end_of_string(std::string_view json, std::size_t at) {
  for (++at; at < json.size() && json[at] != '"'; ++at) {
    if (json[at] == '\\') ++at;
  }
  return std::min(at + 1, json.size());
}

std::size_t end_of_value(std::string_view json, std::size_t at) {
  std::uint64_t depth = 0;
  do {
    const char first = at < json.size() ? json[at] : '}';
    if (first == '"') {
      at = end_of_string(json, at);
    } else if (first == '[' || first == '{') {
      ++depth;
      ++at;
    } else if (depth > 0) {
      if (first == ']' || first == '}') --depth;
      ++at;
    } else {
      at = std::min(json.find_first_of(after_scalar, at), json.size());
    }
  } while (depth > 0 && at < json.size());
  return at;
}

// The next item of a list whose value ends at `at`; nothing after the last one.
std::optional<std::size_t> next_item(std::string_view json, std::size_t at) {
  at = skip_blanks(json, at);
  if (at >= json.size() || json[at] != ',') return std::nullopt;
  return skip_blanks(json, at + 1);
}

// Where the value of a member of the object at `at` begins.
std::optional<std::size_t> find_member(std::string_view json, std::size_t at,
                                       const std::string& key) {
  std::optional<std::size_t> item = skip_blanks(json, at + 1);
  while (item && *item < json.size() && json[*item] == '"') {
    const std::size_t end = end_of_string(json, *item);
    const auto name = nlohmann::json::parse(json.substr(*item, end - *item), nullptr, false);
    const std::size_t value = skip_blanks(json, skip_blanks(json, end) + 1);
    if (name == key) return value;
    item = next_item(json, end_of_value(json, value));
  }
  return std::nullopt;
}

std::optional<std::size_t> find_element(std::string_view json, std::size_t at,
                                        const std::string& text) {
  std::size_t index = 0;
  const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), index);
  if (error != std::errc() || stop != text.data() + text.size()) return std::nullopt;
  std::optional<std::size_t> item = skip_blanks(json, at + 1);
  for (; item && index > 0; --index) item = next_item(json, end_of_value(json, *item));
  return item;
}

std::string unescape(std::string_view step) {
  std::string key;
  for (std::size_t i = 0; i < step.size(); ++i) {
    if (step[i] == '~' && i + 1 < step.size()) {
      key += step[++i] == '1' ? '/' : '~';
    } else {
      key += step[i];
    }
  }
  return key;
}

// Calls `visit(offset)` for each string and each bracket, until it says that it has seen enough.
template <class Visit>
std::size_t find_token(std::string_view json, Visit is_wanted) {
  std::size_t at = json.find_first_of("\"[{");
  while (at != std::string_view::npos) {
    if (is_wanted(at)) return at;
    at = json.find_first_of("\"[{", json[at] == '"' ? end_of_string(json, at) : at + 1);
  }
  return json.size();
}

}  // namespace

std::optional<JsonToken> find_json_value(std::string_view json, std::string_view pointer) {
  std::size_t at = skip_blanks(json, 0);
  if (pointer == "/") pointer = {};
  while (!pointer.empty()) {
    if (pointer.front() != '/' || at >= json.size()) return std::nullopt;
    pointer.remove_prefix(1);
    const std::string step = unescape(pointer.substr(0, pointer.find('/')));
    pointer.remove_prefix(std::min(pointer.find('/'), pointer.size()));
    std::optional<std::size_t> below;
    if (json[at] == '{') below = find_member(json, at, step);
    if (json[at] == '[') below = find_element(json, at, step);
    if (!below) return std::nullopt;
    at = *below;
  }
  return JsonToken{at, json.substr(at, end_of_value(json, at) - at)};
}

std::size_t offset_of_json_key(std::string_view json, std::uint64_t n) {
  return find_token(json, [&](std::size_t at) {
    if (json[at] != '"') return false;
    const std::size_t after = skip_blanks(json, end_of_string(json, at));
    return after < json.size() && json[after] == ':' && --n == 0;
  });
}

std::size_t offset_of_json_bracket(std::string_view json, std::uint64_t n) {
  return find_token(json, [&](std::size_t at) { return json[at] != '"' && --n == 0; });
}

}  // namespace cinch
