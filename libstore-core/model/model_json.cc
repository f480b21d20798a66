// Formats: docs/formats/deriving-path.md, docs/formats/build-result.md.
#include "json_values.hh"

#include <cinch/core/error.hh>
#include <cinch/core/model_json.hh>

#include <limits>
#include <utility>

namespace cinch {

namespace {

using Names = std::set<std::string>;

constexpr std::uint64_t time_max = std::numeric_limits<std::int64_t>::max();

template <class Read>
auto read_document(std::string_view json, Read read) {
  return read_json(json, model_json_bytes_max, read);
}

std::string dump(const Json& json) {
  try {
    return json.dump();
  } catch (const Json::type_error&) {
    throw Error(Code::invalid_argument, "a text is not UTF-8, so that JSON cannot carry it");
  }
}

// --- output specs and deriving paths ---

Json spec_json(const OutputSpec& spec) {
  const auto* names = std::get_if<Names>(&spec);
  return names == nullptr ? Json::array({"*"}) : Json(*names);
}

OutputSpec read_spec(const JsonNode& node) {
  const Json::array_t& items = node.array();
  if (items.size() == 1 && items[0] == "*") return AllOutputs{};
  if (items.empty()) node.fail("expected the names of outputs, or \"*\"");
  Names names;
  for_each_element(node, [&](const JsonNode& item) {
    if (!names.insert(read_output_name(item)).second) item.fail("an output is there twice");
  });
  return names;
}

Json dynamic_json(const DynamicPath& path) {
  if (path.outputs) {
    return {{"drvPath", to_json(path.start)}, {"outputs", spec_json(*path.outputs)}};
  }
  if (path.start.outputs.empty()) return path.start.path.base_name();
  throw Error(Code::invalid_argument, "a deriving path must end with a list of outputs")
      .about(path.start.path.base_name());
}

DynamicPath read_dynamic(const JsonNode& node) {
  if (node.value().is_string()) return {.start = read_single_path(node), .outputs = {}};
  const JsonNode inner = node.require("drvPath");
  DynamicPath path{.start = read_single_path(inner), .outputs = read_spec(node.require("outputs"))};
  if (path.start.outputs.empty() && !path.start.path.is_derivation()) {
    inner.fail("only a derivation has outputs; its name must end in '.drv'");
  }
  return path;
}

Json wanted_json(const DerivingPath& wanted) {
  if (const auto* opaque = std::get_if<OpaquePath>(&wanted)) return opaque->path.base_name();
  const BuiltPath& built = std::get<BuiltPath>(wanted);
  return {{"drvPath", built.derivation.base_name()}, {"outputs", spec_json(built.outputs)}};
}

DerivingPath read_wanted(const JsonNode& node) {
  DynamicPath path = read_dynamic(node);
  if (!path.start.outputs.empty()) {
    throw Error(Code::not_supported, "outputs of outputs (dynamic derivations) are not supported")
        .about(node.place());
  }
  if (!path.outputs) return OpaquePath{std::move(path.start.path)};
  return BuiltPath{std::move(path.start.path), *std::move(path.outputs)};
}

// --- build results ---

Json outputs_json(const BuildResult& result) {
  Json outputs = Json::object();
  for (const auto& [name, path] : result.outputs) {
    Json signatures = Json::array();
    if (const auto found = result.signatures.find(name); found != result.signatures.end()) {
      for (const Signature& signature : found->second) signatures.push_back(to_json(signature));
    }
    outputs[name] = {{"outPath", path.base_name()}, {"signatures", std::move(signatures)}};
  }
  return outputs;
}

void read_outputs(const JsonNode& node, BuildResult& result) {
  for (const auto& [name, value] : node.object()) {
    const JsonNode entry(node, name, value);
    result.outputs.emplace(name, read_base_name(entry.require("outPath")));
    const auto signatures = entry.find("signatures");
    if (!signatures) continue;
    if (auto all = read_signatures(*signatures); !all.empty()) {
      result.signatures.emplace(name, std::move(all));
    }
  }
}

std::optional<std::chrono::microseconds> read_duration(const JsonNode& node, std::string_view key) {
  const auto value = node.find(key);
  if (!value || value->value().is_null()) return std::nullopt;
  return std::chrono::microseconds(static_cast<std::int64_t>(read_number(*value, time_max)));
}

BuildResult read_result(const JsonNode& node, const DerivingPath& wanted) {
  BuildResult result{.wanted = wanted};
  const JsonNode status = node.require("status");
  result.status =
      parse_text(status, [](const std::string& text) { return parse_build_status(text); });
  if (read_bool(node.require("success")) != result.succeeded()) {
    status.fail("the status and 'success' contradict each other");
  }
  if (result.succeeded()) {
    read_outputs(node.require("builtOutputs"), result);
  } else {
    result.error_message = node.require("errorMsg").string();
    result.is_non_deterministic = read_bool(node.require("isNonDeterministic"));
  }
  result.times_built = static_cast<std::uint32_t>(
      read_number(node.require("timesBuilt"), std::numeric_limits<std::uint32_t>::max()));
  result.start_time = static_cast<std::int64_t>(read_number(node.require("startTime"), time_max));
  result.stop_time = static_cast<std::int64_t>(read_number(node.require("stopTime"), time_max));
  result.cpu_user = read_duration(node, "cpuUser");
  result.cpu_system = read_duration(node, "cpuSystem");
  return result;
}

Json result_json(const BuildResult& result) {
  Json json = {{"status", to_string(result.status)},
               {"success", result.succeeded()},
               {"timesBuilt", result.times_built},
               {"startTime", result.start_time},
               {"stopTime", result.stop_time}};
  if (result.succeeded()) {
    json["builtOutputs"] = outputs_json(result);
  } else {
    json["errorMsg"] = result.error_message;
    json["isNonDeterministic"] = result.is_non_deterministic;
  }
  if (result.cpu_user) json["cpuUser"] = result.cpu_user->count();
  if (result.cpu_system) json["cpuSystem"] = result.cpu_system->count();
  return json;
}

}  // namespace

std::string print_store_path_json(const StorePath& path) { return dump(path.base_name()); }

StorePath parse_store_path_json(std::string_view json) {
  return read_document(json, read_base_name);
}

std::string print_content_address_json(const ContentAddress& address) {
  return dump(to_json(address));
}

ContentAddress parse_content_address_json(std::string_view json) {
  return read_document(json, read_content_address);
}

std::string print_output_spec_json(const std::optional<OutputSpec>& spec) {
  return dump(spec ? spec_json(*spec) : Json(nullptr));
}

std::optional<OutputSpec> parse_output_spec_json(std::string_view json) {
  return read_document(json, [](const JsonNode& node) {
    return node.value().is_null() ? std::nullopt : std::optional(read_spec(node));
  });
}

std::string print_single_path_json(const SinglePath& path) { return dump(to_json(path)); }

SinglePath parse_single_path_json(std::string_view json) {
  return read_document(json, read_single_path);
}

std::string print_dynamic_path_json(const DynamicPath& path) { return dump(dynamic_json(path)); }

DynamicPath parse_dynamic_path_json(std::string_view json) {
  return read_document(json, read_dynamic);
}

std::string print_build_result_json(const BuildResult& result) { return dump(result_json(result)); }

BuildResult parse_build_result_json(std::string_view json, const DerivingPath& wanted) {
  return read_document(json, [&](const JsonNode& node) { return read_result(node, wanted); });
}

std::string print_keyed_build_result_json(const BuildResult& result) {
  Json json = result_json(result);
  json["path"] = wanted_json(result.wanted);
  return dump(json);
}

BuildResult parse_keyed_build_result_json(std::string_view json) {
  return read_document(json, [](const JsonNode& node) {
    return read_result(node, read_wanted(node.require("path")));
  });
}

}  // namespace cinch
