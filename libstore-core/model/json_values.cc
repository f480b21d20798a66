#include "json_values.hh"

#include <cinch/core/encoding.hh>

#include <deque>
#include <string>
#include <utility>

namespace cinch {

std::uint64_t read_number(const JsonNode& node, std::uint64_t max) {
  if (!node.value().is_number_unsigned() || node.value().get<std::uint64_t>() > max) {
    node.fail("expected a whole number from 0 to " + std::to_string(max));
  }
  return node.value().get<std::uint64_t>();
}

bool read_bool(const JsonNode& node) {
  if (!node.value().is_boolean()) node.fail("expected 'true' or 'false'");
  return node.value().get<bool>();
}

std::set<std::string> read_strings(const JsonNode& node) {
  std::set<std::string> strings;
  for_each_element(node, [&](const JsonNode& one) { strings.insert(one.string()); });
  return strings;
}

StorePath read_base_name(const JsonNode& node) {
  return parse_text(node, [](const std::string& text) { return StorePath::parse(text); });
}

Hash read_hash(const JsonNode& node) {
  return parse_text(node, [](const std::string& text) { return Hash::parse(text); });
}

Json to_json(const ContentAddress& address) {
  return {{"method", to_string(address.method)}, {"hash", address.hash.to_string(HashFormat::sri)}};
}

ContentAddress read_content_address(const JsonNode& node) {
  const auto method = parse_text(node.require("method"), [](const std::string& text) {
    return parse_content_address_method(text);
  });
  ContentAddress address{method, read_hash(node.require("hash"))};
  // Its text form knows which hashes a method may have.
  try {
    ContentAddress::parse(address.to_string());
  } catch (const Error& error) {
    throw Error(error.code(), error.message()).about(node.place());
  }
  return address;
}

Json to_json(const Signature& signature) {
  return {{"keyName", signature.key_name}, {"sig", base64_encode(signature.bytes)}};
}

Signature read_signature(const JsonNode& node) {
  if (node.value().is_string()) {
    return parse_text(node, [](const std::string& text) { return Signature::parse(text); });
  }
  const std::string& name = node.require("keyName").string();
  if (name.find(':') != std::string::npos) {
    node.require("keyName").fail("the name of a key must not have a colon");
  }
  return parse_text(node.require("sig"),
                    [&](const std::string& text) { return Signature::parse(name + ":" + text); });
}

std::set<Signature> read_signatures(const JsonNode& node) {
  std::set<Signature> signatures;
  for_each_element(node, [&](const JsonNode& one) { signatures.insert(read_signature(one)); });
  return signatures;
}

std::string read_output_name(const JsonNode& node) {
  return parse_text(node, [](const std::string& text) {
    check_store_path_name(text);
    return text;
  });
}

Json to_json(const SinglePath& path) {
  Json json = path.path.base_name();
  for (const std::string& output : path.outputs) {
    json = Json{{"drvPath", std::move(json)}, {"output", output}};
  }
  return json;
}

// Down to the path first; the outputs are read on the way back up.
SinglePath read_single_path(const JsonNode& node) {
  std::deque<JsonNode> nodes = {node};
  while (!nodes.back().value().is_string()) {
    if (nodes.size() > dynamic_path_depth_max) {
      throw Error(Code::limit_exceeded, "more than " + std::to_string(dynamic_path_depth_max) +
                                            " outputs stand one after the other")
          .about(node.place());
    }
    nodes.push_back(nodes.back().require("drvPath"));
  }
  SinglePath path{.path = read_base_name(nodes.back()), .outputs = {}};
  if (nodes.size() > 1 && !path.path.is_derivation()) {
    nodes.back().fail("only a derivation has outputs; its name must end in '.drv'");
  }
  for (std::size_t above = nodes.size() - 1; above-- > 0;) {
    path.outputs.push_back(read_output_name(nodes[above].require("output")));
  }
  return path;
}

}  // namespace cinch
