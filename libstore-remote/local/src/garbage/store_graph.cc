#include "store_graph.hh"

#include "../database.hh"

#include <algorithm>
#include <queue>
#include <unordered_map>

namespace cinch::local {

namespace {

bool by_name(const GraphRows::Path& row, std::string_view name) { return row.base_name < name; }

// Orders names as far as it goes, which is nearly always enough: they begin with a hash.
std::uint64_t first_bytes(std::string_view name) {
  std::uint64_t bytes = 0;
  for (std::size_t at = 0; at < sizeof bytes; ++at) {
    bytes = bytes << 8 | (at < name.size() ? static_cast<unsigned char>(name[at]) : 0);
  }
  return bytes;
}

std::vector<GraphRows::Path> sort_by_name(std::vector<GraphRows::Path> rows) {
  std::vector<std::pair<std::uint64_t, Node>> order;
  order.reserve(rows.size());
  for (Node at = 0; at < rows.size(); ++at) order.emplace_back(first_bytes(rows[at].base_name), at);
  std::ranges::sort(order, [&](const auto& a, const auto& b) {
    if (a.first != b.first) return a.first < b.first;
    return rows[a.second].base_name < rows[b.second].base_name;
  });
  std::vector<GraphRows::Path> sorted;
  sorted.reserve(rows.size());
  for (const auto& [key, at] : order) sorted.push_back(std::move(rows[at]));
  return sorted;
}

}  // namespace

Edges::Edges(std::size_t nodes, const Pairs& pairs) : starts_(nodes + 1), targets_(pairs.size()) {
  for (const auto& [from, to] : pairs) ++starts_[from + 1];
  for (std::size_t node = 0; node < nodes; ++node) starts_[node + 1] += starts_[node];
  std::vector<std::uint32_t> next(starts_.begin(), starts_.end() - 1);
  for (const auto& [from, to] : pairs) targets_[next[from]++] = to;
}

StoreGraph::StoreGraph(GraphRows rows) : rows_(sort_by_name(std::move(rows.paths))) {
  std::unordered_map<std::int64_t, Node> nodes;
  nodes.reserve(rows_.size());
  for (Node node = 0; node < rows_.size(); ++node) nodes.emplace(rows_[node].id, node);
  const auto node_with = [&](std::int64_t id) {
    const auto node = nodes.find(id);
    if (node != nodes.end()) return node->second;
    throw_unknown_id(id);
  };
  Edges::Pairs references;
  references.reserve(rows.references.size());
  for (const auto& [from, to] : rows.references) {
    if (from != to) references.emplace_back(node_with(from), node_with(to));
  }
  references_ = Edges(rows_.size(), references);
  Edges::Pairs outputs;
  for (const GraphRows::Output& output : rows.outputs) {
    if (const auto path = find(output.path))
      outputs.emplace_back(node_with(output.derivation), *path);
  }
  outputs_ = Edges(rows_.size(), outputs);
}

std::optional<Node> StoreGraph::find(std::string_view base_name) const {
  const auto row = std::lower_bound(rows_.begin(), rows_.end(), base_name, by_name);
  if (row == rows_.end() || row->base_name != base_name) return std::nullopt;
  return node_of(*row);
}

std::span<const GraphRows::Path> StoreGraph::with_hash_part(std::string_view hash_part) const {
  const auto first = std::lower_bound(rows_.begin(), rows_.end(), hash_part, by_name);
  auto last = first;
  while (last != rows_.end() && last->base_name.starts_with(hash_part)) ++last;
  return {first, last};
}

Edges StoreGraph::referrers() const {
  Edges::Pairs backwards;
  for (Node node = 0; node < size(); ++node) {
    for (const Node reference : references(node)) backwards.emplace_back(reference, node);
  }
  return {size(), backwards};
}

Edges StoreGraph::extra_edges(const LivenessOptions& options) const {
  Edges::Pairs pairs;
  for (Node derivation = 0; derivation < size(); ++derivation) {
    if (!options.keep_outputs) break;
    for (const Node output : outputs_.of(derivation)) pairs.emplace_back(derivation, output);
  }
  // By what the output says alone: the paths of floating outputs are not among `outputs_`.
  for (Node output = 0; output < size(); ++output) {
    if (!options.keep_derivations || rows_[output].deriver.empty()) continue;
    const auto derivation = find(rows_[output].deriver);
    if (derivation && *derivation != output) pairs.emplace_back(output, *derivation);
  }
  return pairs.empty() ? Edges() : Edges(size(), pairs);
}

std::vector<Node> StoreGraph::referrers_first(const std::vector<bool>& among) const {
  std::vector<std::uint32_t> referrers(size());
  for (Node node = 0; node < size(); ++node) {
    if (!among[node]) continue;
    for (const Node reference : references(node)) ++referrers[reference];
  }
  std::priority_queue<std::pair<std::int64_t, Node>> ready;  // the greatest id first
  for (Node node = 0; node < size(); ++node) {
    if (among[node] && referrers[node] == 0) ready.emplace(id(node), node);
  }
  std::vector<Node> order;
  while (!ready.empty()) {
    const Node node = ready.top().second;
    ready.pop();
    order.push_back(node);
    for (const Node reference : references(node)) {
      if (--referrers[reference] == 0 && among[reference]) ready.emplace(id(reference), reference);
    }
  }
  return order;
}

// What is left when all that nothing leads to is taken away, and then all that leads to nothing.
std::vector<Node> StoreGraph::on_cycles(const std::vector<bool>& among) const {
  std::vector<bool> left = among;
  for (const Node node : referrers_first(among)) left[node] = false;
  std::vector<std::uint32_t> count(size());
  Edges::Pairs backwards;
  std::vector<Node> ends;
  for (Node node = 0; node < size(); ++node) {
    if (!left[node]) continue;
    for (const Node reference : references(node)) {
      if (!left[reference]) continue;
      ++count[node];
      backwards.emplace_back(reference, node);
    }
    if (count[node] == 0) ends.push_back(node);
  }
  const Edges referrers(size(), backwards);
  while (!ends.empty()) {
    const Node node = ends.back();
    ends.pop_back();
    left[node] = false;
    for (const Node referrer : referrers.of(node)) {
      if (--count[referrer] == 0) ends.push_back(referrer);
    }
  }
  std::vector<Node> nodes;
  for (Node node = 0; node < size(); ++node) {
    if (left[node]) nodes.push_back(node);
  }
  return nodes;
}

void Liveness::mark(Node node) {
  if (alive_[node]) return;
  alive_[node] = true;
  std::vector<Node> left = {node};
  const auto reach = [&](Node from, Node to) {
    if (alive_[to]) return;
    alive_[to] = true;
    parent_[to] = from;
    left.push_back(to);
  };
  while (!left.empty()) {
    const Node from = left.back();
    left.pop_back();
    for (const Node to : graph_.references(from)) reach(from, to);
    for (const Node to : extra_.of(from)) reach(from, to);
  }
}

std::vector<Node> Liveness::chain_to(Node node) const {
  std::vector<Node> chain = {node};
  while (parent_[chain.back()] != no_node) chain.push_back(parent_[chain.back()]);
  std::ranges::reverse(chain);
  return chain;
}

}  // namespace cinch::local
