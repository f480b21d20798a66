#include "tree_json.hh"

namespace cinch {

std::string dump_json(const Json& json) {
  try {
    return json.dump();
  } catch (const Json::exception&) {
    throw Error(Code::not_supported, "names and contents that are not UTF-8 cannot stand in JSON");
  }
}

std::string checked_name(const JsonNode& entry) {
  const std::string_view name = entry.key();
  if (name.size() > nar_name_bytes_max) {
    throw Error(Code::limit_exceeded, "an entry's name must not have more than 255 bytes")
        .about(entry.place());
  }
  if (const char* fault = nar::fault_of_name(name.data(), name.size())) entry.fail(fault);
  return std::string(name);
}

std::string checked_target(const JsonNode& target) {
  const std::string& text = target.string();
  if (text.size() > nar_target_bytes_max) {
    throw Error(Code::limit_exceeded, "a symlink's target must not have more than 4095 bytes")
        .about(target.place());
  }
  if (const char* fault = nar::fault_of_target(text.data(), text.size())) target.fail(fault);
  return text;
}

// Older versions of Nix leave it out where it is false.
bool read_executable(const JsonNode& file) {
  const auto executable = file.find("executable");
  if (!executable) return false;
  if (!executable->value().is_boolean()) executable->fail("expected true or false");
  return executable->value().get<bool>();
}

std::string print_tree_json(const MemoryTree& tree) {
  return dump_json(tree_to_json(
      tree, [](const std::string& contents, Json& json) { json["contents"] = contents; }));
}

MemoryTree parse_tree_json(std::string_view json, std::uint64_t size_bytes_max) {
  const auto read_contents = [](const JsonNode& file) { return file.require("contents").string(); };
  const auto read = [&](const JsonNode& root) {
    return tree_from_json<std::string>(root, read_contents);
  };
  return read_json(json, size_bytes_max, read, tree_json_depth_max);
}

}  // namespace cinch
