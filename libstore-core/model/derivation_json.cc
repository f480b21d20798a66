// Format: docs/formats/derivation.md.
#include "derivation_writer.hh"
#include "json_node.hh"
#include "output_method.hh"
#include "structured_json.hh"

#include <cinch/core/derivation_json.hh>
#include <cinch/core/error.hh>

#include <algorithm>
#include <utility>

namespace cinch {

namespace {

constexpr int format_version = 4;
constexpr int indent = 2;

// --- reading ---

// A store path that is written as text, or as the key of an object.
StorePath parse_any_path(std::string_view text, const JsonNode& node, const StoreDir& store_dir) {
  try {
    return text.starts_with('/') ? store_dir.parse(text) : StorePath::parse(text);
  } catch (const Error& error) {
    node.fail("'" + std::string(text) + "' is not a store path: " + error.message());
  }
}

[[noreturn]] void not_supported(const JsonNode& node, std::string message) {
  throw Error(Code::not_supported, std::move(message)).about(node.place());
}

class Reader {
 public:
  explicit Reader(const StoreDir& store_dir) : store_dir_(store_dir) {}
  // `name` is empty if nothing but the text says it.
  Derivation read(const JsonNode& node, std::string_view name) const;

 private:
  void read_output(const JsonNode& node, Derivation& derivation) const;
  DerivationOutput read_fixed(const JsonNode& node, const Derivation& derivation) const;
  DerivationOutput read_open(const JsonNode& node) const;
  OutputMethod read_method(const JsonNode& node, const JsonNode& algorithm) const;
  ContentAddressMethod read_method_name(const JsonNode& method) const;
  void read_inputs(const JsonNode& node, Derivation& derivation) const;
  void read_old_inputs(const JsonNode& node, Derivation& derivation) const;
  void read_sources(const JsonNode& node, Derivation& derivation) const;
  void read_input_derivations(const JsonNode& node, Derivation& derivation) const;
  void read_environment(const JsonNode& node, Derivation& derivation) const;

  const StoreDir& store_dir_;
};

void check_version(const JsonNode& node) {
  const auto version = node.find("version");
  if (!version) return;
  if (!version->value().is_number_integer()) version->fail("expected a whole number");
  if (version->value() != format_version && version->value() != format_version - 1) {
    not_supported(*version,
                  "derivations in JSON format " + version->value().dump() + " are not supported");
  }
}

std::string read_name(const JsonNode& node, std::string_view expected) {
  const auto given = node.find("name");
  if (!given) {
    if (expected.empty()) node.fail("the field 'name' is missing");
    return std::string(expected);
  }
  parse_text(*given, [](const std::string& text) { check_store_path_name(text); });
  if (!expected.empty() && given->string() != expected) {
    given->fail("the name is '" + given->string() + "' but the store path says '" +
                std::string(expected) + "'");
  }
  return given->string();
}

Derivation Reader::read(const JsonNode& node, std::string_view name) const {
  check_version(node);
  Derivation derivation;
  derivation.name = read_name(node, name);
  const JsonNode outputs = node.require("outputs");
  for (const auto& [output, value] : outputs.object()) {
    read_output(JsonNode(outputs, output, value), derivation);
  }
  if (const auto inputs = node.find("inputs")) {
    read_inputs(*inputs, derivation);
  } else {
    read_old_inputs(node, derivation);
  }
  derivation.system = node.require("system").string();
  derivation.builder = node.require("builder").string();
  const JsonNode arguments = node.require("args");
  for_each_element(arguments, [&](const JsonNode& argument) {
    derivation.arguments.push_back(argument.string());
  });
  read_environment(node, derivation);
  return derivation;
}

bool has_only(const JsonNode& node, std::initializer_list<std::string_view> keys) {
  return std::ranges::all_of(node.object(), [&](const auto& member) {
    return std::ranges::find(keys, member.first) != keys.end();
  });
}

// Which kind it is follows from the fields that are there.
void Reader::read_output(const JsonNode& node, Derivation& derivation) const {
  if (!has_only(node, {"path", "method", "hash", "hashAlgo", "impure"})) {
    node.fail(
        "a derivation output has a field that is not known; the known ones are 'path', "
        "'method', 'hash', 'hashAlgo' and 'impure'");
  }
  const std::string output(node.key());
  const auto path = node.find("path");
  if (node.find("hash")) {
    if (const auto impure = node.find("impure")) impure->fail("an impure output has no 'hash'");
    derivation.outputs.emplace(output, read_fixed(node, derivation));
  } else if (node.find("hashAlgo")) {
    if (path) path->fail("an output whose hash is not known has no 'path'");
    derivation.outputs.emplace(output, read_open(node));
  } else if (node.find("method") || node.find("impure")) {
    node.fail("a derivation output with a 'method' must have a 'hash' or a 'hashAlgo'");
  } else if (path) {
    StorePath known = parse_any_path(path->string(), *path, store_dir_);
    derivation.outputs.emplace(output, InputAddressedOutput{std::move(known)});
  } else {
    derivation.outputs.emplace(output, DeferredOutput{});
  }
}

// Floating or impure.
DerivationOutput Reader::read_open(const JsonNode& node) const {
  const OutputMethod method = read_method(node, node.require("hashAlgo"));
  const auto impure = node.find("impure");
  if (!impure) return FloatingOutput{method.method, method.algorithm};
  if (impure->value() != Json(true)) impure->fail("expected true");
  return ImpureOutput{method.method, method.algorithm};
}

// A method and an algorithm in two fields, or, as older versions of Nix write it, in one.
OutputMethod Reader::read_method(const JsonNode& node, const JsonNode& algorithm) const {
  const auto method = node.find("method");
  if (!method) return parse_text(algorithm, parse_output_method);
  return {read_method_name(*method), parse_text(algorithm, parse_hash_algorithm)};
}

ContentAddressMethod Reader::read_method_name(const JsonNode& method) const {
  return parse_text(method, parse_content_address_method);
}

DerivationOutput Reader::read_fixed(const JsonNode& node, const Derivation& derivation) const {
  ContentAddressMethod method{};
  std::optional<HashAlgorithm> algorithm;
  if (const auto old = node.find("hashAlgo")) {
    const OutputMethod both = read_method(node, *old);
    method = both.method;
    algorithm = both.algorithm;
  } else if (const auto given = node.find("method")) {
    method = read_method_name(*given);
  } else {
    node.fail("a derivation output with a 'hash' must have a 'method'");
  }
  const JsonNode hash = node.require("hash");
  const FixedOutput result{ContentAddress{method, parse_text(hash, [&](const std::string& text) {
                                            return Hash::parse(text, algorithm);
                                          })}};
  if (const auto path = node.find("path")) {
    const StorePath computed = fixed_output_path(store_dir_, derivation.name, node.key(), result);
    if (parse_any_path(path->string(), *path, store_dir_) != computed) {
      throw Error(Code::invalid_derivation,
                  "derivation output '" + std::string(node.key()) + "' has the path '" +
                      path->string() + "' but its hash gives '" + store_dir_.print(computed) + "'")
          .about(path->place());
    }
  }
  return result;
}

// An array is that of a resolved derivation, which has sources only.
void Reader::read_inputs(const JsonNode& node, Derivation& derivation) const {
  if (node.value().is_array()) return read_sources(node, derivation);
  read_sources(node.require("srcs"), derivation);
  read_input_derivations(node.require("drvs"), derivation);
}

void Reader::read_old_inputs(const JsonNode& node, Derivation& derivation) const {
  if (!node.find("inputSrcs") && !node.find("inputDrvs")) node.require("inputs");
  read_sources(node.require("inputSrcs"), derivation);
  read_input_derivations(node.require("inputDrvs"), derivation);
}

void Reader::read_sources(const JsonNode& node, Derivation& derivation) const {
  for_each_element(node, [&](const JsonNode& source) {
    derivation.input_sources.insert(parse_any_path(source.string(), source, store_dir_));
  });
}

OutputNames read_names(const JsonNode& node) {
  OutputNames names;
  for_each_element(node, [&](const JsonNode& name) { names.insert(name.string()); });
  return names;
}

// Recursion is bounded by the limit.
DynamicInputs read_dynamic(const JsonNode& node, std::size_t depth) {
  DynamicInputs inputs;
  if (depth > dynamic_input_depth_max && !node.object().empty()) {
    throw Error(Code::limit_exceeded, "outputs of outputs are nested more than " +
                                          std::to_string(dynamic_input_depth_max) + " levels deep")
        .about(node.place());
  }
  for (const auto& [output, value] : node.object()) {
    const JsonNode input(node, output, value);
    DynamicInput wanted{read_names(input.require("outputs")), {}};
    if (const auto dynamic = input.find("dynamicOutputs")) {
      wanted.dynamic = read_dynamic(*dynamic, depth + 1);
    }
    inputs.emplace(output, std::move(wanted));
  }
  return inputs;
}

// Each value is an array of outputs, or an object with `outputs` and `dynamicOutputs`.
void Reader::read_input_derivations(const JsonNode& node, Derivation& derivation) const {
  for (const auto& [path_text, value] : node.object()) {
    const JsonNode input(node, path_text, value);
    const StorePath path = parse_any_path(path_text, input, store_dir_);
    OutputNames outputs = read_names(value.is_array() ? input : input.require("outputs"));
    DynamicInputs dynamic;
    if (const auto given = value.is_array() ? std::nullopt : input.find("dynamicOutputs")) {
      dynamic = read_dynamic(*given, 1);
    }
    // Two spellings of one path are two keys.
    if (derivation.input_derivations.contains(path) || derivation.dynamic_inputs.contains(path)) {
      input.fail("the input derivation occurs twice");
    }
    const bool only_dynamic = outputs.empty() && !dynamic.empty();
    if (!dynamic.empty()) derivation.dynamic_inputs.emplace(path, std::move(dynamic));
    if (!only_dynamic) derivation.input_derivations.emplace(path, std::move(outputs));
  }
}

void Reader::read_environment(const JsonNode& node, Derivation& derivation) const {
  const JsonNode environment = node.require("env");
  for (const auto& [name, value] : environment.object()) {
    derivation.environment.emplace(name, JsonNode(environment, name, value).string());
  }
  const auto structured = node.find("structuredAttrs");
  if (!structured || structured->value().is_null()) return;
  structured->object();
  std::string text = structured->value().dump();
  const auto [entry, inserted] =
      derivation.environment.emplace(std::string(structured_variable), text);
  if (!inserted && entry->second != text) {
    structured->fail("'structuredAttrs' stands beside another environment variable '__json'");
  }
}

std::map<StorePath, Derivation> read_derivations(const JsonNode& root, const StoreDir& store_dir) {
  const auto wrapped = root.find("derivations");
  if (wrapped) check_version(root);
  const JsonNode& list = wrapped ? *wrapped : root;
  const Reader reader(store_dir);
  std::map<StorePath, Derivation> derivations;
  for (const auto& [path_text, value] : list.object()) {
    const JsonNode node(list, path_text, value);
    StorePath path = parse_any_path(path_text, node, store_dir);
    if (!path.is_derivation()) node.fail("the name of a derivation must end in '.drv'");
    Derivation derivation = reader.read(node, path.derivation_name());
    derivations.emplace(std::move(path), std::move(derivation));
  }
  return derivations;
}

// --- writing ---

Json output_json(const DerivationOutput& output) {
  if (const auto* known = std::get_if<InputAddressedOutput>(&output)) {
    return {{"path", known->path.base_name()}};
  }
  if (const auto* fixed = std::get_if<FixedOutput>(&output)) {
    return {{"method", to_string(fixed->address.method)},
            {"hash", fixed->address.hash.to_string(HashFormat::sri)}};
  }
  if (const auto* floating = std::get_if<FloatingOutput>(&output)) {
    return {{"method", to_string(floating->method)}, {"hashAlgo", to_string(floating->algorithm)}};
  }
  if (const auto* impure = std::get_if<ImpureOutput>(&output)) {
    return {{"method", to_string(impure->method)},
            {"hashAlgo", to_string(impure->algorithm)},
            {"impure", true}};
  }
  return Json::object();
}

Json input_json(const OutputNames& outputs, const DynamicInputs& dynamic) {
  Json dynamic_outputs = Json::object();
  for (const auto& [output, wanted] : dynamic) {
    dynamic_outputs[output] = input_json(wanted.outputs, wanted.dynamic);
  }
  return {{"outputs", outputs}, {"dynamicOutputs", std::move(dynamic_outputs)}};
}

// Structured attributes must come back byte for byte, so they must be as the printer below would
// write them.
Json structured_json(const std::string& text) {
  const auto refuse = [] {
    return Error(Code::not_supported,
                 "the structured attributes ('__json') are not a JSON object in Nix's own spelling "
                 "(sorted keys, no spaces), so that JSON cannot carry them byte for byte")
        .about(std::string(structured_variable));
  };
  try {
    Json value = parse_json(text, derivation_json_bytes_max);
    if (!value.is_object() || value.dump() != text) throw refuse();
    return value;
  } catch (const Error& error) {
    if (error.code() != Code::malformed) throw;
    throw refuse();
  }
}

Json derivation_json(const Derivation& derivation) {
  Json outputs = Json::object();
  for (const auto& [name, output] : derivation.outputs) outputs[name] = output_json(output);
  Json sources = Json::array();
  for (const StorePath& path : derivation.input_sources) sources.push_back(path.base_name());
  Json inputs = Json::object();
  for (const auto& [path, names] : derivation.input_derivations) {
    inputs[path.base_name()] = input_json(names, {});
  }
  for (const auto& [path, dynamic] : derivation.dynamic_inputs) {
    const auto plain = derivation.input_derivations.find(path);
    const bool both = plain != derivation.input_derivations.end();
    inputs[path.base_name()] = input_json(both ? plain->second : OutputNames(), dynamic);
  }
  Json result = {{"name", derivation.name},
                 {"version", format_version},
                 {"outputs", std::move(outputs)},
                 {"inputs", {{"srcs", std::move(sources)}, {"drvs", std::move(inputs)}}},
                 {"system", derivation.system},
                 {"builder", derivation.builder},
                 {"args", derivation.arguments}};
  Json environment = Json::object();
  for (const auto& [name, value] : derivation.environment) {
    if (name == structured_variable) {
      result["structuredAttrs"] = structured_json(value);
    } else {
      environment[name] = value;
    }
  }
  result["env"] = std::move(environment);
  return result;
}

bool is_utf8(const std::string& text) {
  try {
    (void)Json(text).dump();
    return true;
  } catch (const Json::type_error&) {
    return false;
  }
}

// Which text of the derivation JSON cannot carry. Only asked when printing has failed.
[[noreturn]] void blame_text(const Derivation& derivation) {
  const auto check = [&](const std::string& text, const std::string& what) {
    if (is_utf8(text)) return;
    throw Error(Code::malformed, what + " of derivation '" + derivation.name +
                                     "' is not UTF-8, so that JSON cannot carry it")
        .hint("print the derivation as an ATerm");
  };
  for (const auto& [name, value] : derivation.environment) {
    check(name, "the name of an environment variable");
    check(value, "the environment variable '" + name + "'");
  }
  for (const std::string& argument : derivation.arguments) check(argument, "an argument");
  check(derivation.builder, "the builder");
  check(derivation.system, "the system");
  for (const auto& [name, output] : derivation.outputs) check(name, "the name of an output");
  for (const auto& [path, names] : derivation.input_derivations) {
    for (const std::string& name : names) check(name, "the name of an input's output");
  }
  if (!derivation.dynamic_inputs.empty()) check("\xff", "the name of an output of an output");
  throw Error(Code::internal, "a derivation that is UTF-8 was not printed");
}

}  // namespace

Derivation parse_derivation_json(std::string_view json, const StoreDir& store_dir) {
  return read_json(json, derivation_json_bytes_max,
                   [&](const JsonNode& root) { return Reader(store_dir).read(root, {}); });
}

std::string print_derivation_json(const Derivation& derivation, const StoreDir&) {
  try {
    return derivation_json(derivation).dump(indent);
  } catch (const Json::type_error&) {
    blame_text(derivation);
  }
}

std::string print_resolved_derivation_json(const Derivation& derivation, const StoreDir&) {
  if (!derivation.input_derivations.empty() || !derivation.dynamic_inputs.empty()) {
    throw Error(Code::invalid_argument,
                "derivation '" + derivation.name + "' has inputs that are derivations");
  }
  try {
    Json json = derivation_json(derivation);
    json["inputs"] = Json(json["inputs"]["srcs"]);
    return json.dump(indent);
  } catch (const Json::type_error&) {
    blame_text(derivation);
  }
}

std::map<StorePath, Derivation> parse_derivations_json(std::string_view json,
                                                       const StoreDir& store_dir) {
  return read_json(json, derivation_json_bytes_max,
                   [&](const JsonNode& root) { return read_derivations(root, store_dir); });
}

std::string print_derivations_json(const std::map<StorePath, Derivation>& derivations,
                                   const StoreDir& store_dir) {
  Json list = Json::object();
  for (const auto& [path, derivation] : derivations) {
    list[path.base_name()] = derivation_json(derivation);
  }
  const Json document = {{"derivations", std::move(list)}, {"version", format_version}};
  try {
    return document.dump(indent);
  } catch (const Json::type_error&) {
    for (const auto& [path, derivation] : derivations) print_derivation_json(derivation, store_dir);
    throw Error(Code::internal, "derivations that are UTF-8 were not printed");
  }
}

}  // namespace cinch
