#include "graphs.hh"

#include <cinch/core/closure.hh>
#include <cinch/core/error.hh>

#include <array>
#include <functional>
#include <utility>
#include <vector>

namespace cinch::cli {

PathInfos::PathInfos(Store& store, const StorePathSet& roots)
    : store_(store), infos_(compute_closure(store, store.find_valid(roots))) {}

const PathInfo& PathInfos::require(const StorePath& path) const {
  const auto found = infos_.find(path);
  if (found == infos_.end()) {
    throw Error(Code::not_found, "path '" + store_dir().print(path) + "' is not valid");
  }
  return found->second;
}

std::vector<StorePath> PathInfos::sorted(const StorePathSet& paths) const {
  const Hash no_content = hash_bytes(HashAlgorithm::sha256, {});
  std::map<StorePath, PathInfo> chosen;
  for (const StorePath& path : paths) {
    const auto found = infos_.find(path);
    if (found != infos_.end()) {
      chosen.emplace(path, found->second);
    } else {
      chosen.emplace(path, PathInfo{.path = path, .nar_hash = no_content});
    }
  }
  return sort_topologically(chosen);
}

std::vector<StorePath> PathInfos::all_sorted() const { return sort_topologically(infos_); }

void draw_tree(const PathInfos& infos, const StorePath& root, StorePathSet& done, Output& output) {
  struct Branch {
    StorePath path;
    std::string first_pad;  // before the path itself
    std::string tail_pad;   // before what hangs below it
  };
  std::vector<Branch> waiting = {{root, "", ""}};
  while (!waiting.empty()) {
    const Branch branch = std::move(waiting.back());
    waiting.pop_back();
    const bool is_new = done.insert(branch.path).second;
    output.line(branch.first_pad + infos.store_dir().print(branch.path) + (is_new ? "" : " [...]"));
    if (!is_new) continue;
    const std::vector<StorePath> below = infos.sorted(infos.require(branch.path).references);
    // The last one first: it comes from the stack last.
    for (auto path = below.rbegin(); path != below.rend(); ++path) {
      const bool last = path == below.rbegin();
      waiting.push_back({*path, branch.tail_pad + (last ? "└───" : "├───"),
                         branch.tail_pad + (last ? "    " : "│   ")});
    }
  }
}

namespace {

// Calls `draw_node` for each path that is reached, always the smallest one next, and `draw_edge`
// for its references.
void walk(const PathInfos& infos, StorePathSet waiting,
          const std::function<void(const StorePath& path)>& draw_node,
          const std::function<void(const StorePath& from, const StorePath& to)>& draw_edge) {
  StorePathSet done;
  while (!waiting.empty()) {
    const StorePath path = std::move(waiting.extract(waiting.begin()).value());
    if (!done.insert(path).second) continue;
    draw_node(path);
    for (const StorePath& reference : infos.require(path).references) {
      if (reference == path) continue;
      waiting.insert(reference);
      draw_edge(path, reference);
    }
  }
}

constexpr std::array<std::string_view, 6> edge_colours = {"black", "red",     "green",
                                                          "blue",  "magenta", "burlywood"};

}  // namespace

void draw_dot_graph(const PathInfos& infos, const StorePathSet& roots, Output& output) {
  std::size_t edges = 0;
  output.line("digraph G {");
  walk(
      infos, roots,
      [&](const StorePath& path) {
        output.line("\"" + path.base_name() + "\" [label = \"" + std::string(path.name()) +
                    "\", shape = box, style = filled, fillcolor = \"#ff0000\"];");
      },
      [&](const StorePath& from, const StorePath& to) {
        const std::string colour(edge_colours[edges++ % edge_colours.size()]);
        output.line("\"" + to.base_name() + "\" -> \"" + from.base_name() + "\" [color = \"" +
                    colour + "\"];");
      });
  output.line("}");
}

void draw_graphml(const PathInfos& infos, const StorePathSet& roots, Output& output) {
  output.print(
      "<?xml version='1.0' encoding='utf-8'?>\n"
      "<graphml xmlns='http://graphml.graphdrawing.org/xmlns'\n"
      "    xmlns:xsi='http://www.w3.org/2001/XMLSchema-instance'\n"
      "    xsi:schemaLocation='http://graphml.graphdrawing.org/xmlns/1.0/graphml.xsd'>\n"
      "<key id='narSize' for='node' attr.name='narSize' attr.type='int'/>"
      "<key id='name' for='node' attr.name='name' attr.type='string'/>"
      "<key id='type' for='node' attr.name='type' attr.type='string'/>"
      "<graph id='G' edgedefault='directed'>\n");
  walk(
      infos, roots,
      [&](const StorePath& path) {
        // Nix takes the name up to its first dash; scripts compare what it says.
        const std::string name(path.name());
        const std::size_t dash = name.find('-');
        output.print(
            "  <node id=\"" + path.base_name() + "\">\n    <data key=\"narSize\">" +
            std::to_string(infos.require(path).nar_size) + "</data>\n    <data key=\"name\">" +
            (dash == std::string::npos ? "" : name.substr(0, dash + 1)) +
            "</data>\n    <data key=\"type\">" +
            (path.is_derivation() ? "derivation" : "output-path") + "</data>\n  </node>\n");
      },
      [&](const StorePath& from, const StorePath& to) {
        output.line("  <edge source=\"" + from.base_name() + "\" target=\"" + to.base_name() +
                    "\"/>");
      });
  output.line("</graph>");
  output.line("</graphml>");
}

}  // namespace cinch::cli
