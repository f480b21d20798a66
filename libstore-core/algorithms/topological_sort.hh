// Private to the library: the one topological order that all users of the model share.
#pragma once

#include <cinch/core/error.hh>
#include <cinch/core/store_path.hh>

#include <cstdint>
#include <map>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace cinch {

// The keys of `nodes` such that what a node refers to comes first; equal inputs give equal orders.
// `references_of` gives the StorePathSet of a node's value (by reference); those that are not keys
// do not count, nor does the node itself. Throws Code::corrupt if references form a cycle.
//
// Depth first with a stack of its own: chains may be longer than the thread's stack allows.
template <class Value, class ReferencesOf>
std::vector<StorePath> topological_order(const std::map<StorePath, Value>& nodes,
                                         ReferencesOf references_of) {
  enum class State : std::uint8_t { unseen, open, done };
  struct Node {
    const StorePath* path;
    const StorePathSet* references;
    State state = State::unseen;
  };
  struct Visit {
    Node* node;
    StorePathSet::const_iterator next;
  };
  std::vector<Node> list;
  list.reserve(nodes.size());
  std::unordered_map<std::string_view, Node*> by_name(nodes.size());
  for (const auto& [path, value] : nodes) {
    list.push_back({&path, &references_of(value)});
    by_name.emplace(path.base_name(), &list.back());
  }
  std::vector<StorePath> order;
  order.reserve(nodes.size());
  std::vector<Visit> visits;
  const auto begin_visit = [&](Node& node) {
    node.state = State::open;
    visits.push_back({&node, node.references->begin()});
  };
  for (Node& root : list) {
    if (root.state == State::unseen) begin_visit(root);
    while (!visits.empty()) {
      Visit& visit = visits.back();
      if (visit.next == visit.node->references->end()) {
        visit.node->state = State::done;
        order.push_back(*visit.node->path);
        visits.pop_back();
        continue;
      }
      const auto found = by_name.find((visit.next++)->base_name());
      if (found == by_name.end() || found->second == visit.node) continue;
      Node& reference = *found->second;
      if (reference.state == State::open) {
        throw Error(Code::corrupt, "the references of '" + visit.node->path->base_name() +
                                       "' and '" + reference.path->base_name() + "' form a cycle")
            .about(reference.path->base_name())
            .hint(
                "'cinch store verify' lists such paths; 'cinch store delete' deletes them "
                "together");
      }
      if (reference.state == State::unseen) begin_visit(reference);
    }
  }
  return order;
}

}  // namespace cinch
