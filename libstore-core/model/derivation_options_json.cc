// Format: docs/formats/derivation-options.md.
#include "json_values.hh"

#include <cinch/core/derivation_options.hh>
#include <cinch/core/error.hh>

#include <limits>
#include <utility>

namespace cinch {

namespace {

constexpr int indent = 2;
// Stands where the derivation of an output would: it is the one that has the options.
constexpr std::string_view self = "self";

template <class Value>
Json nullable(const std::optional<Value>& value) {
  return value ? Json(*value) : Json(nullptr);
}

// --- writing ---

Json specs_json(const ReferenceSpecs& specs) {
  Json list = Json::array();
  for (const std::string& output : specs.own_outputs) {
    list.push_back({{"drvPath", self}, {"output", output}});
  }
  for (const SinglePath& path : specs.paths) list.push_back(to_json(path));
  return list;
}

Json nullable_specs(const std::optional<ReferenceSpecs>& specs) {
  return specs ? specs_json(*specs) : Json(nullptr);
}

Json checks_json(const OutputChecks& checks) {
  return {{"ignoreSelfRefs", checks.ignore_self_references},
          {"maxSize", nullable(checks.nar_size_max)},
          {"maxClosureSize", nullable(checks.closure_size_max)},
          {"allowedReferences", nullable_specs(checks.allowed_references)},
          {"disallowedReferences", specs_json(checks.disallowed_references)},
          {"allowedRequisites", nullable_specs(checks.allowed_requisites)},
          {"disallowedRequisites", specs_json(checks.disallowed_requisites)}};
}

Json all_checks_json(const DerivationOptions& options) {
  if (const auto* for_all = std::get_if<OutputChecks>(&options.output_checks)) {
    return {{"forAllOutputs", checks_json(*for_all)}};
  }
  Json by_name = Json::object();
  for (const auto& [output, checks] :
       std::get<std::map<std::string, OutputChecks>>(options.output_checks)) {
    by_name[output] = checks_json(checks);
  }
  return {{"perOutput", std::move(by_name)}};
}

Json graphs_json(const DerivationOptions& options) {
  Json graphs = Json::object();
  for (const auto& [name, paths] : options.export_references_graph) {
    Json& list = graphs[name] = Json::array();
    for (const SinglePath& path : paths) list.push_back(to_json(path));
  }
  return graphs;
}

// --- reading ---

// The field, which must be there but may be null.
template <class Read>
auto read_nullable(const JsonNode& parent, std::string_view name, Read read) {
  const JsonNode node = parent.require(name);
  return node.value().is_null() ? std::nullopt : std::optional(read(node));
}

std::uint64_t read_size(const JsonNode& node) {
  return read_number(node, std::numeric_limits<std::uint64_t>::max());
}

ReferenceSpecs read_specs(const JsonNode& node) {
  ReferenceSpecs specs;
  for_each_element(node, [&](const JsonNode& one) {
    const auto derivation = one.value().is_object() ? one.find("drvPath") : std::nullopt;
    if (derivation && derivation->value() == self) {
      specs.own_outputs.insert(one.require("output").string());
    } else {
      specs.paths.insert(read_single_path(one));
    }
  });
  return specs;
}

OutputChecks read_checks(const JsonNode& node) {
  OutputChecks checks;
  checks.ignore_self_references = read_bool(node.require("ignoreSelfRefs"));
  checks.nar_size_max = read_nullable(node, "maxSize", read_size);
  checks.closure_size_max = read_nullable(node, "maxClosureSize", read_size);
  checks.allowed_references = read_nullable(node, "allowedReferences", read_specs);
  checks.disallowed_references = read_specs(node.require("disallowedReferences"));
  checks.allowed_requisites = read_nullable(node, "allowedRequisites", read_specs);
  checks.disallowed_requisites = read_specs(node.require("disallowedRequisites"));
  return checks;
}

void read_all_checks(const JsonNode& node, DerivationOptions& options) {
  const auto for_all = node.find("forAllOutputs");
  const auto by_name = node.find("perOutput");
  if (for_all.has_value() == by_name.has_value()) {
    node.fail("there must be either 'forAllOutputs' or 'perOutput'");
  }
  if (for_all) {
    options.output_checks = read_checks(*for_all);
    return;
  }
  std::map<std::string, OutputChecks> checks;
  for (const auto& [output, value] : by_name->object()) {
    checks.emplace(output, read_checks(JsonNode(*by_name, output, value)));
  }
  options.output_checks = std::move(checks);
}

DerivationOptions read_options(const JsonNode& node) {
  DerivationOptions options;
  read_all_checks(node.require("outputChecks"), options);
  const JsonNode discards = node.require("unsafeDiscardReferences");
  for (const auto& [output, value] : discards.object()) {
    options.unsafe_discard_references.emplace(output, read_bool(JsonNode(discards, output, value)));
  }
  options.pass_as_file = read_strings(node.require("passAsFile"));
  const JsonNode graphs = node.require("exportReferencesGraph");
  for (const auto& [name, value] : graphs.object()) {
    SinglePathSet& paths = options.export_references_graph[name];
    for_each_element(JsonNode(graphs, name, value),
                     [&](const JsonNode& path) { paths.insert(read_single_path(path)); });
  }
  options.additional_sandbox_profile = node.require("additionalSandboxProfile").string();
  options.no_chroot = read_bool(node.require("noChroot"));
  options.impure_host_dependencies = read_strings(node.require("impureHostDeps"));
  options.impure_environment_variables = read_strings(node.require("impureEnvVars"));
  options.allow_local_networking = read_bool(node.require("allowLocalNetworking"));
  options.required_system_features = read_strings(node.require("requiredSystemFeatures"));
  options.prefer_local_build = read_bool(node.require("preferLocalBuild"));
  options.allow_substitutes = read_bool(node.require("allowSubstitutes"));
  return options;
}

}  // namespace

std::string print_derivation_options_json(const DerivationOptions& options) {
  const Json json = {{"outputChecks", all_checks_json(options)},
                     {"unsafeDiscardReferences", options.unsafe_discard_references},
                     {"passAsFile", options.pass_as_file},
                     {"exportReferencesGraph", graphs_json(options)},
                     {"additionalSandboxProfile", options.additional_sandbox_profile},
                     {"noChroot", options.no_chroot},
                     {"impureHostDeps", options.impure_host_dependencies},
                     {"impureEnvVars", options.impure_environment_variables},
                     {"allowLocalNetworking", options.allow_local_networking},
                     {"requiredSystemFeatures", options.required_system_features},
                     {"preferLocalBuild", options.prefer_local_build},
                     {"allowSubstitutes", options.allow_substitutes}};
  try {
    return json.dump(indent);
  } catch (const Json::type_error&) {
    throw Error(Code::invalid_argument, "an option is not UTF-8, so that JSON cannot carry it");
  }
}

DerivationOptions parse_derivation_options_json(std::string_view json) {
  return read_json(json, derivation_options_json_bytes_max, read_options);
}

}  // namespace cinch
