// All valid paths and how they hang together, in a few flat arrays: what a garbage collector asks
// of a store with a million paths must not be a million queries.
#pragma once

#include <cinch/core/garbage.hh>
#include <cinch/core/store_path.hh>

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace cinch::local {

// A path's place in the arrays.
using Node = std::uint32_t;

// Edges from each node to some others.
class Edges {
 public:
  using Pairs = std::vector<std::pair<Node, Node>>;

  Edges() = default;
  Edges(std::size_t nodes, const Pairs& pairs);
  std::span<const Node> of(Node node) const {
    if (starts_.empty()) return {};
    return std::span(targets_).subspan(starts_[node], starts_[node + 1] - starts_[node]);
  }

 private:
  std::vector<std::uint32_t> starts_;  // one more than there are nodes; empty: no edges at all
  std::vector<Node> targets_;
};

// What a database is read into.
struct GraphRows {
  struct Path {
    std::int64_t id;
    std::string base_name;
    std::string deriver;  // base name, or empty
    std::uint64_t nar_size;
  };
  struct Output {
    std::int64_t derivation;
    std::string path;  // base name
  };
  std::vector<Path> paths;
  std::vector<std::pair<std::int64_t, std::int64_t>> references;  // ids: referrer, reference
  std::vector<Output> outputs;
};

class StoreGraph {
 public:
  explicit StoreGraph(GraphRows rows);

  std::size_t size() const { return rows_.size(); }
  std::int64_t id(Node node) const { return rows_[node].id; }
  const std::string& base_name(Node node) const { return rows_[node].base_name; }
  std::string_view hash_part(Node node) const {
    return std::string_view(base_name(node)).substr(0, store_path_hash_part_length);
  }
  std::uint64_t nar_size(Node node) const { return rows_[node].nar_size; }
  std::span<const Node> references(Node node) const { return references_.of(node); }

  std::optional<Node> find(std::string_view base_name) const;
  // All that have this hash part.
  std::span<const GraphRows::Path> with_hash_part(std::string_view hash_part) const;
  Node node_of(const GraphRows::Path& row) const { return static_cast<Node>(&row - rows_.data()); }

  // References, backwards.
  Edges referrers() const;
  // The edges along which life spreads beside references.
  Edges extra_edges(const LivenessOptions& options) const;

  // Nodes in an order in which each comes before what it refers to, and else as they lie in the
  // database, the last first. Those on a cycle are left out.
  std::vector<Node> referrers_first(const std::vector<bool>& among) const;
  // Those through which a cycle leads, or that lie between two: a graph of valid paths has none.
  std::vector<Node> on_cycles(const std::vector<bool>& among) const;

 private:
  std::vector<GraphRows::Path> rows_;  // sorted by base name
  Edges references_;
  Edges outputs_;  // of derivations
};

// Which nodes are alive, and through which other node.
class Liveness {
 public:
  static constexpr Node no_node = static_cast<Node>(-1);

  Liveness(const StoreGraph& graph, const LivenessOptions& options)
      : graph_(graph),
        extra_(graph.extra_edges(options)),
        alive_(graph.size()),
        parent_(graph.size(), no_node) {}

  // Makes the node, and all that it keeps alive, alive.
  void mark(Node node);
  bool is_alive(Node node) const { return alive_[node]; }
  const std::vector<bool>& alive() const { return alive_; }
  // From the node that was marked to this one. REQUIRES: it is alive.
  std::vector<Node> chain_to(Node node) const;

 private:
  const StoreGraph& graph_;
  Edges extra_;
  std::vector<bool> alive_;
  std::vector<Node> parent_;
};

}  // namespace cinch::local
