#include "tree_listing.hh"

#include "json_text.hh"

#include <cinch/core/error.hh>

#include <cstdio>

namespace cinch::cli {

namespace {

bool is_below(std::string_view path, std::string_view directory) {
  if (directory.empty()) return !path.empty();
  return path.size() > directory.size() && path.starts_with(directory) &&
         path[directory.size()] == '/';
}

std::string_view relative(std::string_view path, std::string_view directory) {
  if (!directory.empty()) path.remove_prefix(directory.size() + 1);
  return path;
}

void print_line(Output& output, const Node& node, const std::string& name, bool long_format) {
  if (!long_format) return output.line(name);
  std::string mode;
  switch (node.type) {
    case NodeType::regular:
      mode = node.executable ? "-r-xr-xr-x" : "-r--r--r--";
      break;
    case NodeType::directory:
      mode = "dr-xr-xr-x";
      break;
    case NodeType::symlink:
      mode = "lrwxrwxrwx";
      break;
  }
  char size[32];
  std::snprintf(size, sizeof size, " %20llu ", static_cast<unsigned long long>(node.size_bytes));
  std::string line = mode + size + name;
  if (node.type == NodeType::symlink) line += " -> " + node.target;
  output.line(line);
}

void print_text(Output& output, std::span<const Node> nodes, const Node& root,
                const std::string& shown, const ListingOptions& options) {
  if (root.type != NodeType::directory) {
    const std::string name = shown.substr(shown.rfind('/') + 1);
    return print_line(output, root, name, options.long_format);
  }
  if (options.directory_itself) print_line(output, root, ".", options.long_format);
  if (options.directory_itself && !options.recursive) return;
  for (const Node& node : nodes) {
    if (!is_below(node.path, root.path)) continue;
    const std::string_view name = relative(node.path, root.path);
    if (!options.recursive && name.find('/') != std::string_view::npos) continue;
    print_line(output, node, "./" + std::string(name), options.long_format);
  }
}

// Of a directory only the front, up to its entries: the caller ends it.
std::string json_front(const Node& node) {
  switch (node.type) {
    case NodeType::directory:
      return "{\"type\":\"directory\",\"entries\":{";
    case NodeType::symlink:
      return json_object({{"type", json_string("symlink")}, {"target", json_string(node.target)}});
    case NodeType::regular:
      break;
  }
  JsonMembers members = {{"type", json_string("regular")},
                         {"size", std::to_string(node.size_bytes)}};
  if (node.executable) members.emplace_back("executable", json_bool(true));
  if (node.nar_offset) members.emplace_back("narOffset", std::to_string(*node.nar_offset));
  return json_object(members);
}

void print_json(Output& output, std::span<const Node> nodes, const Node& root, bool recursive) {
  std::string text = json_front(root);
  std::vector<std::string_view> open;  // directories whose entries are not all written
  if (root.type == NodeType::directory) open.push_back(root.path);
  for (const Node& node : nodes) {
    if (!is_below(node.path, root.path)) continue;
    while (!is_below(node.path, open.back())) {
      text += "}}";
      open.pop_back();
    }
    const std::string_view name = relative(node.path, open.back());
    if (!recursive && name.find('/') != std::string_view::npos) continue;
    if (!text.ends_with('{')) text += ',';
    text += json_string(name) + ":" + (recursive ? json_front(node) : "{}");
    if (recursive && node.type == NodeType::directory) open.push_back(node.path);
  }
  for (std::size_t count = open.size(); count > 0; --count) text += "}}";
  output.line(text);
}

}  // namespace

ListingOptions listing_options(const Context& context) {
  return {.long_format = context.has("--long"),
          .recursive = context.has("--recursive"),
          .directory_itself = context.has("--directory"),
          .json = context.has("--json")};
}

void print_listing(Output& output, std::span<const Node> nodes, const std::string& path,
                   const std::string& shown, const ListingOptions& options) {
  for (const Node& node : nodes) {
    if (node.path != path) continue;
    if (options.json) return print_json(output, nodes, node, options.recursive);
    return print_text(output, nodes, node, shown, options);
  }
  throw Error(Code::not_found, "path '" + shown + "' does not exist");
}

std::string inner_path(const std::string& path) {
  if (!path.empty() && !path.starts_with('/')) {
    throw Error(Code::invalid_argument, "'" + path + "' is not an absolute path");
  }
  std::string inner = path;
  inner.erase(0, inner.find_first_not_of('/'));
  inner.erase(inner.find_last_not_of('/') + 1);
  return inner;
}

}  // namespace cinch::cli
