// Format: docs/formats/structured-attributes.md.
#include "structured_json.hh"
#include "words.hh"

#include <cinch/core/error.hh>
#include <cinch/core/placeholder.hh>
#include <cinch/core/structured_attributes.hh>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <string_view>
#include <utility>
#include <vector>

namespace cinch {

namespace {

// --- references graphs ---

// Sums up closures; paths are numbered, so that a walk needs no sets.
class ClosureSizes {
 public:
  explicit ClosureSizes(const ReferencesGraph& graph) : seen_in_(graph.size(), 0) {
    std::map<StorePath, std::size_t> numbers;
    for (const auto& [path, info] : graph) numbers.emplace(path, numbers.size());
    for (const auto& [path, info] : graph) {
      sizes_.push_back(info.nar_size);
      std::vector<std::size_t>& references = references_.emplace_back();
      for (const StorePath& reference : info.references) {
        const auto number = numbers.find(reference);
        if (number == numbers.end()) {
          throw Error(Code::invalid_argument, "the references graph is not closed: it has '" +
                                                  path.base_name() + "' without '" +
                                                  reference.base_name() + "'")
              .about(reference.base_name());
        }
        references.push_back(number->second);
      }
    }
  }

  // Of the paths in their order, one after the other.
  std::uint64_t next() {
    ++walk_;
    std::uint64_t sum = 0;
    std::vector<std::size_t> left = {walk_ - 1};
    seen_in_[walk_ - 1] = walk_;
    while (!left.empty()) {
      const std::size_t path = left.back();
      left.pop_back();
      sum += sizes_[path];
      for (const std::size_t reference : references_[path]) {
        if (std::exchange(seen_in_[reference], walk_) != walk_) left.push_back(reference);
      }
    }
    return sum;
  }

 private:
  std::vector<std::uint64_t> sizes_;
  std::vector<std::vector<std::size_t>> references_;
  std::vector<std::size_t> seen_in_;  // the last walk that came by
  std::size_t walk_ = 0;
};

Json graph_json(const ReferencesGraph& graph, const StoreDir& store_dir) {
  ClosureSizes sizes(graph);
  Json list = Json::array();
  for (const auto& [path, info] : graph) {
    Json entry = {{"path", store_dir.print(path)},
                  {"valid", true},
                  {"narHash", info.nar_hash.to_string(HashFormat::nix32)},
                  {"narSize", info.nar_size},
                  {"closureSize", sizes.next()},
                  {"references", Json::array()}};
    for (const StorePath& reference : info.references) {
      entry["references"].push_back(store_dir.print(reference));
    }
    if (info.content_address) entry["ca"] = info.content_address->to_string();
    list.push_back(std::move(entry));
  }
  return list;
}

// --- bash ---

std::string shell_quoted(std::string_view text) {
  std::string result = "'";
  for (const char character : text) {
    if (character == '\'') {
      result += "'\\''";
    } else {
      result += character;
    }
  }
  return result + "'";
}

// Nix keeps 32 bits of a whole number. What is too large as a fraction becomes the least one, as
// it does on x86-64 (elsewhere Nix's result depends on the processor).
std::string number_text(const Json& number) {
  if (number.is_number_unsigned()) {
    return std::to_string(static_cast<std::int32_t>(number.get<std::uint64_t>()));
  }
  if (number.is_number_integer()) {
    return std::to_string(static_cast<std::int32_t>(number.get<std::int64_t>()));
  }
  const double whole = std::trunc(number.get<double>());
  constexpr double least = std::numeric_limits<std::int32_t>::min();
  constexpr double most = std::numeric_limits<std::int32_t>::max();
  const bool fits = whole >= least && whole <= most;
  return std::to_string(static_cast<std::int32_t>(fits ? whole : least));
}

// Nix looks for a fraction in single precision only.
bool is_whole(const Json& number) {
  if (number.is_number_integer()) return true;
  const auto single = static_cast<float>(number.get<double>());
  return std::ceil(single) == single;
}

// A value that a variable or an element can hold; empty for one that bash cannot have.
std::optional<std::string> simple_text(const Json& value) {
  if (value.is_string()) return shell_quoted(value.get_ref<const std::string&>());
  if (value.is_null()) return "''";
  if (value.is_boolean()) return value.get<bool>() ? "1" : "";
  if (value.is_number() && is_whole(value)) return number_text(value);
  return std::nullopt;
}

std::optional<std::string> array_text(const Json& array) {
  std::string text;
  for (const Json& element : array) {
    const std::optional<std::string> simple = simple_text(element);
    if (!simple) return std::nullopt;
    text += *simple + " ";
  }
  return text;
}

std::optional<std::string> object_text(const Json& object) {
  std::string text;
  for (const auto& [key, value] : object.get_ref<const Json::object_t&>()) {
    const std::optional<std::string> simple = simple_text(value);
    if (!simple) return std::nullopt;
    text += "[" + shell_quoted(key) + "]=" + *simple + " ";
  }
  return text;
}

// What bash cannot have is left out.
std::string shell_text(const Json& attributes) {
  std::string text;
  for (const auto& [name, value] : attributes.get_ref<const Json::object_t&>()) {
    if (!is_identifier(name)) continue;
    if (value.is_array()) {
      if (const auto array = array_text(value))
        text += "declare -a " + name + "=(" + *array + ")\n";
    } else if (value.is_object()) {
      if (const auto object = object_text(value)) {
        text += "declare -A " + name + "=(" + *object + ")\n";
      }
    } else if (const auto simple = simple_text(value)) {
      text += "declare " + name + "=" + *simple + "\n";
    }
  }
  return text;
}

}  // namespace

bool has_structured_attributes(const Derivation& derivation) {
  return derivation.environment.contains(std::string(structured_variable));
}

std::optional<AttributeFiles> print_structured_attributes(const Derivation& derivation,
                                                          const StoreDir& store_dir,
                                                          const AttributeFacts& facts) {
  std::optional<Json> attributes = parse_structured_attributes(derivation);
  if (!attributes) return std::nullopt;
  PlaceholderTexts placeholders;
  for (const auto& [name, place] : facts.outputs) {
    placeholders.emplace(Placeholder::own_output(name).text(), place);
  }
  (*attributes)["outputs"] = facts.outputs;
  for (const auto& [key, graph] : facts.graphs) (*attributes)[key] = graph_json(graph, store_dir);
  // In the finished texts, as Nix does: keys keep the order of their placeholders.
  return AttributeFiles{replace_placeholders(attributes->dump(), placeholders),
                        replace_placeholders(shell_text(*attributes), placeholders)};
}

}  // namespace cinch
