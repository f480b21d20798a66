// Private to the library: the JSON of file-system objects, whatever their contents are.
#pragma once

#include "json_node.hh"
#include "nar_tokens.hh"

#include <cinch/core/file_system_object.hh>

#include <string>
#include <utility>

namespace cinch {

// An object and the map of its entries for each node, and a document around them all.
constexpr int tree_json_depth_max = 2 * static_cast<int>(nar_depth_max) + 1;

// Throws Code::not_supported for texts that are not UTF-8.
std::string dump_json(const Json& json);

// `print_contents` adds what the object of a regular file has beside "type" and "executable".
template <class Contents, class PrintContents>
Json tree_to_json(const FileSystemObject<Contents>& object, const PrintContents& print_contents,
                  std::uint32_t depth = 1) {
  if (depth > nar_depth_max) {
    throw Error(Code::limit_exceeded, "nodes are nested more than 64 deep");
  }
  if (const auto* file = object.regular()) {
    Json json = {{"type", "regular"}, {"executable", file->executable}};
    print_contents(file->contents, json);
    return json;
  }
  if (const auto* link = object.symlink()) {
    return {{"type", "symlink"}, {"target", link->target}};
  }
  Json entries = Json::object();
  for (const auto& [name, entry] : object.directory()->entries) {
    entries[name] = tree_to_json(entry, print_contents, depth + 1);
  }
  return {{"type", "directory"}, {"entries", std::move(entries)}};
}

std::string checked_name(const JsonNode& entry);
std::string checked_target(const JsonNode& target);
bool read_executable(const JsonNode& file);

// `read_contents` makes the contents of a regular file from its object. Calls itself for entries,
// but not more than 64 deep.
template <class Contents, class ReadContents>
FileSystemObject<Contents> tree_from_json(const JsonNode& node, const ReadContents& read_contents,
                                          std::uint32_t depth = 1) {
  using Object = FileSystemObject<Contents>;
  if (depth > nar_depth_max) {
    throw Error(Code::limit_exceeded, "nodes are nested more than 64 deep").about(node.place());
  }
  const JsonNode type = node.require("type");
  if (type.string() == "regular") {
    return {typename Object::Regular{read_contents(node), read_executable(node)}};
  }
  if (type.string() == "symlink") {
    return {typename Object::Symlink{checked_target(node.require("target"))}};
  }
  if (type.string() != "directory") {
    type.fail("expected 'regular', 'directory' or 'symlink'");
  }
  typename Object::Directory directory;
  const JsonNode entries = node.require("entries");
  for (const auto& [name, value] : entries.object()) {
    const JsonNode entry(entries, name, value);
    directory.entries.emplace_hint(directory.entries.end(), checked_name(entry),
                                   tree_from_json<Contents>(entry, read_contents, depth + 1));
  }
  return {std::move(directory)};
}

}  // namespace cinch
