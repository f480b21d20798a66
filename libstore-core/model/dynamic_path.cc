// Format: docs/formats/deriving-path.md.
#include "refusal.hh"

#include <cinch/core/dynamic_path.hh>
#include <cinch/core/error.hh>

#include <algorithm>
#include <utility>

namespace cinch {

namespace {

constexpr std::string_view all_outputs = "*";

// Where the separators stand; the store directory may have that character, the rest cannot.
std::vector<std::size_t> find_separators(std::string_view text, const StoreDir& store_dir,
                                         char separator) {
  std::vector<std::size_t> found;
  std::size_t at = text.find(separator, store_dir.text().size());
  while (at != std::string_view::npos) {
    if (found.size() == dynamic_path_depth_max) {
      throw Error(Code::limit_exceeded, "more than " + std::to_string(dynamic_path_depth_max) +
                                            " outputs stand one after the other")
          .about(excerpt(text))
          .at(at);
    }
    found.push_back(at);
    at = text.find(separator, at + 1);
  }
  return found;
}

StorePath parse_start(std::string_view text, const StoreDir& store_dir,
                      const std::vector<std::size_t>& separators) {
  const std::size_t end = separators.empty() ? text.size() : separators.front();
  StorePath path = parse_part(text, 0, [&] { return store_dir.parse(text.substr(0, end)); });
  if (!separators.empty() && !path.is_derivation()) {
    throw Error(Code::malformed, "only a derivation has outputs; its name must end in '.drv'")
        .about(excerpt(text))
        .at(end);
  }
  return path;
}

// The outputs between the separators, and after the last one if `count` says so.
std::vector<std::string> parse_steps(std::string_view text,
                                     const std::vector<std::size_t>& separators,
                                     std::size_t count) {
  std::vector<std::string> steps;
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t start = separators[i] + 1;
    const std::size_t end = i + 1 < separators.size() ? separators[i + 1] : text.size();
    const std::string_view output = text.substr(start, end - start);
    parse_part(text, start, [&] { check_store_path_name(output); });
    steps.emplace_back(output);
  }
  return steps;
}

}  // namespace

OutputSpec parse_output_spec(std::string_view text) {
  if (text == all_outputs) return AllOutputs{};
  std::set<std::string> names;
  std::size_t start = 0;
  for (;;) {
    const std::size_t comma = text.find(',', start);
    const std::string_view name = text.substr(start, comma - start);
    parse_part(text, start, [&] { check_store_path_name(name); });
    names.emplace(name);
    if (comma == std::string_view::npos) return names;
    start = comma + 1;
  }
}

std::string print_output_spec(const OutputSpec& spec) {
  const auto* names = std::get_if<std::set<std::string>>(&spec);
  if (names == nullptr) return std::string(all_outputs);
  std::string text;
  for (const std::string& name : *names) {
    if (!text.empty()) text += ',';
    text += name;
  }
  return text;
}

SinglePath parse_single_path(std::string_view text, const StoreDir& store_dir, char separator) {
  const auto separators = find_separators(text, store_dir, separator);
  return {.path = parse_start(text, store_dir, separators),
          .outputs = parse_steps(text, separators, separators.size())};
}

std::string print_single_path(const SinglePath& path, const StoreDir& store_dir, char separator) {
  std::string text = store_dir.print(path.path);
  for (const std::string& output : path.outputs) {
    text += separator;
    text += output;
  }
  return text;
}

DynamicPath parse_dynamic_path(std::string_view text, const StoreDir& store_dir, char separator) {
  const auto separators = find_separators(text, store_dir, separator);
  DynamicPath result{.start = {.path = parse_start(text, store_dir, separators), .outputs = {}}};
  if (separators.empty()) return result;
  result.start.outputs = parse_steps(text, separators, separators.size() - 1);
  const std::size_t last = separators.back() + 1;
  result.outputs = parse_part(text, last, [&] { return parse_output_spec(text.substr(last)); });
  return result;
}

std::string print_dynamic_path(const DynamicPath& path, const StoreDir& store_dir, char separator) {
  std::string text = print_single_path(path.start, store_dir, separator);
  if (!path.outputs && !path.start.outputs.empty()) {
    throw Error(Code::invalid_argument, "a deriving path must end with a list of outputs")
        .about(text);
  }
  if (path.outputs) text += separator + print_output_spec(*path.outputs);
  return text;
}

}  // namespace cinch
